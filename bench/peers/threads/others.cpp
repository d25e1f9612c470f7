// Threads themselves and the rest of the standard library; see bench/micro.
#include <atomic>
#include <barrier>
#include <latch>
#include <mutex>
#include <numeric>
#include <semaphore>

#include "threads.hpp"

namespace {

using namespace std::chrono_literals;

const bench::entry yield("yield_2", [](bench::recorder& r) {
  const std::int64_t times = r.count(500'000);
  const bench::stopwatch watch;
  bench::together(2, [times](std::int64_t) {
    for (std::int64_t i = 0; i < times; ++i) std::this_thread::yield();
  });
  r.record(watch.ns_each(2 * times), "ns");
  r.check(2 * times, 2 * times, "turns");
});

const bench::entry spawn("spawn_one", [](bench::recorder& r) {
  const std::int64_t times = r.count(100'000);
  std::int64_t ran = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < times; ++i) std::thread([&ran] { ++ran; }).join();
  r.record(watch.ns_each(times), "ns");
  r.check(ran, times, "threads run");
});

const bench::entry speed_up("cpu_bound", [](bench::recorder& r) {
  constexpr std::int64_t steps = 40'000'000;
  constexpr std::int64_t parts = 32;
  std::vector<std::uint64_t> alone(parts);
  std::vector<std::uint64_t> all(parts);
  const auto part = [](std::vector<std::uint64_t>& out, std::int64_t p) {
    out[static_cast<std::size_t>(p)] =
        bench::grind(static_cast<std::uint64_t>(p + 1), steps / parts);
  };
  const bench::stopwatch serial;
  for (std::int64_t p = 0; p < parts; ++p) part(alone, p);
  const double serial_ms = serial.ms();
  const bench::stopwatch parallel;
  bench::together(parts, [&](std::int64_t p) { part(all, p); });
  const double parallel_ms = parallel.ms();
  r.record("ms", parallel_ms, "ms");
  r.record("speedup", serial_ms / parallel_ms, "x");
  r.check(all == alone, 1, "the parts agree");
});

const bench::entry semaphore("semaphore_acquire_release", [](bench::recorder& r) {
  const std::int64_t times = r.count(5'000'000);
  std::counting_semaphore<> s(10);
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < times; ++i) {
    s.acquire();
    s.release();
  }
  r.record(watch.ns_each(times), "ns");
  std::int64_t free = 0;
  while (s.try_acquire()) ++free;
  r.check(free == 10, 1, "all are free");
});

const bench::entry latch("latch_count_down", [](bench::recorder& r) {
  const std::int64_t times = r.count(5'000'000);
  std::latch l(times);
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < times; ++i) l.count_down();
  r.record(watch.ns_each(times), "ns");
  l.wait();
  r.note(times);
});

const bench::entry barrier("barrier_phase_2", [](bench::recorder& r) {
  const std::int64_t times = r.count(200'000);
  std::barrier<> b(2);
  const bench::stopwatch watch;
  bench::together(2, [&](std::int64_t) {
    for (std::int64_t i = 0; i < times; ++i) b.arrive_and_wait();
  });
  r.record(watch.ns_each(times), "ns");
  r.note(times);
});

const bench::entry once("once_done", [](bench::recorder& r) {
  const std::int64_t times = r.count(20'000'000);
  std::once_flag done;
  std::int64_t runs = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < times; ++i) std::call_once(done, [&runs] { ++runs; });
  r.record(watch.ns_each(times), "ns");
  r.check(runs, 1, "runs");
});

void asked(bench::recorder& r, std::chrono::microseconds d) {
  const std::int64_t times = r.count(200);
  std::vector<double> took_us;
  for (std::int64_t i = 0; i < times; ++i) {
    const bench::stopwatch watch;
    std::this_thread::sleep_for(d);
    took_us.push_back(watch.us());
  }
  r.record(std::accumulate(took_us.begin(), took_us.end(), 0.0) / static_cast<double>(times), "us");
  r.record_percentiles(std::move(took_us), "us");
  r.note(times);
}

const bench::entry us_10("sleep_10us", [](bench::recorder& r) { asked(r, 10us); });
const bench::entry us_50("sleep_50us", [](bench::recorder& r) { asked(r, 50us); });
const bench::entry us_200("sleep_200us", [](bench::recorder& r) { asked(r, 200us); });

}  // namespace
