// How exact is a short sleep, what do 100,000 sleepers cost, and how late is a timer behind a
// goroutine that is stuck?
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <numeric>

#include "bench.hpp"

namespace {

using namespace std::chrono_literals;

/// What a sleep really took, in microseconds.
void asked(bench::recorder& r, std::chrono::microseconds d) {
  const std::int64_t times = r.count(200);
  std::vector<double> took_us;
  for (std::int64_t i = 0; i < times; ++i) {
    const bench::stopwatch watch;
    weft::sleep_for(d);
    took_us.push_back(watch.us());
  }
  r.record(std::accumulate(took_us.begin(), took_us.end(), 0.0) / static_cast<double>(times), "us");
  r.record_percentiles(std::move(took_us), "us");
  r.note(times);
}

const bench::entry us_10("sleep_10us", [](bench::recorder& r) { asked(r, 10us); });
const bench::entry us_50("sleep_50us", [](bench::recorder& r) { asked(r, 50us); });
const bench::entry us_200("sleep_200us", [](bench::recorder& r) { asked(r, 200us); });

const bench::entry storm("sleep_storm", [](bench::recorder& r) {
  const std::int64_t sleepers = r.count(100'000);
  std::atomic<std::int64_t> woke{0};
  weft::wait_group all;
  const double cpu_before = bench::cpu_ms();
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < sleepers; ++i)
    all.go([&woke, d = std::chrono::milliseconds(1 + i * 7919 % 100)] {
      weft::sleep_for(d);
      woke.fetch_add(1, std::memory_order_relaxed);
    });
  all.wait();
  r.record("wall", watch.ms(), "ms");
  r.record("cpu", bench::cpu_ms() - cpu_before, "ms");
  r.check(woke.load(), sleepers, "woken");
});

/// The latest of a second's 1 ms ticks while as many goroutines are stuck as there are processors.
void latest_tick_behind(bench::recorder& r, void (*stuck)()) {
  using clock = std::chrono::steady_clock;
  weft::wait_group all;
  double latest_ms = 0;
  std::int64_t ticks = 0;
  for (int i = 0; i < weft::max_procs(); ++i) all.go(stuck);
  const weft::ticker every(1ms);
  const auto end = clock::now() + 1s;
  while (clock::now() < end) {
    const auto due = *every.channel().recv();
    const std::chrono::duration<double, std::milli> late = clock::now() - due;
    latest_ms = std::max(latest_ms, late.count());
    ++ticks;
  }
  all.wait();
  r.record(latest_ms, "ms");
  r.check(ticks > 1, 1, "ticks while others were stuck");
}

const bench::entry behind_call("latest_tick_behind_a_call", [](bench::recorder& r) {
  latest_tick_behind(r, [] { static_cast<void>(::usleep(999'999)); });
});
const bench::entry behind_loop("latest_tick_behind_a_loop", [](bench::recorder& r) {
  latest_tick_behind(r, [] {
    const auto end = std::chrono::steady_clock::now() + 1s;
    while (std::chrono::steady_clock::now() < end) {
    }
  });
});

}  // namespace
