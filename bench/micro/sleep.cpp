// How exact is a short sleep, and what do 100,000 sleepers cost?
#include <atomic>

#include "bench.hpp"

namespace {

using namespace std::chrono_literals;

/// What a sleep really took, in microseconds.
void asked(bench::recorder& r, std::chrono::microseconds d) {
  constexpr int times = 200;
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) weft::sleep_for(d);
  r.record(watch.ns_each(times) / 1e3, "us");
}

const bench::entry us_10("sleep_10us", [](bench::recorder& r) { asked(r, 10us); });
const bench::entry us_50("sleep_50us", [](bench::recorder& r) { asked(r, 50us); });
const bench::entry us_200("sleep_200us", [](bench::recorder& r) { asked(r, 200us); });

const bench::entry storm("sleep_storm", [](bench::recorder& r) {
  constexpr int sleepers = 100'000;
  std::atomic<std::int64_t> woke{0};
  weft::wait_group all;
  const double cpu_before = bench::cpu_ms();
  const bench::stopwatch watch;
  for (int i = 0; i < sleepers; ++i)
    all.go([&woke, d = std::chrono::milliseconds(1 + i * 7919 % 100)] {
      weft::sleep_for(d);
      woke.fetch_add(1, std::memory_order_relaxed);
    });
  all.wait();
  r.record("wall", watch.ms(), "ms");
  r.record("cpu", bench::cpu_ms() - cpu_before, "ms");
  bench::expect_equal(woke.load(), sleepers, "woken");
});

}  // namespace
