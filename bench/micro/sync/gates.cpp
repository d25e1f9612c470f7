// What do once, semaphore, latch, event, barrier, pool and single_flight cost when nobody is in the
// way, and what when somebody is?
#include <array>
#include <memory>
#include <string>

#include "bench.hpp"

namespace {

const bench::entry once_done("once_done", [](bench::recorder& r) {
  const std::int64_t times = r.count(20'000'000);
  weft::once once;
  int runs = 0;
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) once.call([&] { ++runs; });
  r.record(watch.ns_each(times), "ns");
  r.check(runs, 1, "runs");
});

const bench::entry once_value_done("once_value_done", [](bench::recorder& r) {
  const std::int64_t times = r.count(20'000'000);
  const auto value = weft::once_value([] { return 3; });
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) sum += value();
  r.record(watch.ns_each(times), "ns");
  r.check(sum, 3LL * times, "sum");
});

const bench::entry semaphore_alone("semaphore_acquire_release", [](bench::recorder& r) {
  const std::int64_t times = r.count(5'000'000);
  weft::semaphore s(10);
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) {
    s.acquire();
    s.release();
  }
  r.record(watch.ns_each(times), "ns");
  r.check(s.try_acquire(10), true, "all are free");
});

void contend(bench::recorder& r, int permits) {
  constexpr std::int64_t goroutines = 8;
  const std::int64_t times = r.count(50'000);
  weft::semaphore s(permits);
  std::int64_t counted = 0;
  const weft::wait_group all;
  const bench::stopwatch watch;
  for (int g = 0; g < goroutines; ++g)
    all.go([&] {
      for (int i = 0; i < times; ++i) {
        s.acquire();
        if (permits == 1) ++counted;
        s.release();
      }
    });
  all.wait();
  r.record(watch.ns_each(std::int64_t{goroutines} * times), "ns");
  if (permits == 1) bench::expect_equal(counted, goroutines * times, "counted");
  r.check(s.try_acquire(permits) ? goroutines * times : 0, goroutines * times, "free again");
}

const bench::entry semaphore_one("semaphore_contended_1",
                                 [](bench::recorder& r) { contend(r, 1); });
const bench::entry semaphore_four("semaphore_contended_4",
                                  [](bench::recorder& r) { contend(r, 4); });

/// Everybody yields while holding: each release hands the permit to one that waits.
const bench::entry semaphore_handoff("semaphore_handoff", [](bench::recorder& r) {
  constexpr std::int64_t goroutines = 8;
  const std::int64_t times = r.count(20'000);
  weft::semaphore s(1);
  const weft::wait_group all;
  const bench::stopwatch watch;
  for (int g = 0; g < goroutines; ++g)
    all.go([&] {
      for (int i = 0; i < times; ++i) {
        s.acquire();
        weft::yield();
        s.release();
      }
    });
  all.wait();
  r.record(watch.ns_each(std::int64_t{goroutines} * times), "ns");
  r.note(goroutines * times);
});

const bench::entry latch_open("latch_wait_open", [](bench::recorder& r) {
  const std::int64_t times = r.count(20'000'000);
  weft::latch l(0);
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) l.wait();
  r.record(watch.ns_each(times), "ns");
  r.note(times);
});

const bench::entry latch_count("latch_count_down", [](bench::recorder& r) {
  const std::int64_t times = r.count(5'000'000);
  weft::latch l(times);
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) l.count_down();
  r.record(watch.ns_each(times), "ns");
  l.wait();
  r.note(times);
});

const bench::entry event_set("event_wait_set", [](bench::recorder& r) {
  const std::int64_t times = r.count(20'000'000);
  weft::event e(true);
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) e.wait();
  r.record(watch.ns_each(times), "ns");
  r.note(times);
});

const bench::entry barrier_phase("barrier_phase_2", [](bench::recorder& r) {
  const std::int64_t times = r.count(200'000);
  weft::barrier<> b(2);
  const auto meet = [&] {
    for (int i = 0; i < times; ++i) b.arrive_and_wait();
  };
  const weft::wait_group other;
  const bench::stopwatch watch;
  other.go(meet);
  meet();
  r.record(watch.ns_each(times), "ns");
  other.wait();
  r.note(times);
});

using buffer = std::array<char, 256>;

const bench::entry pool_alone("pool_get_put", [](bench::recorder& r) {
  const std::int64_t times = r.count(5'000'000);
  weft::pool<buffer> p;
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) {
    const auto b = p.borrow();
    sum += ++(*b)[0] != 0;
  }
  r.record(watch.ns_each(times), "ns");
  bench::expect_equal(sum, times - times / 256, "sum");
  r.note(times);
});

const bench::entry pool_value("pool_by_value", [](bench::recorder& r) {
  const std::int64_t times = r.count(5'000'000);
  weft::pool<std::unique_ptr<buffer>> p([] { return std::make_unique<buffer>(); });
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) {
    auto b = p.get();
    sum += ++(*b)[0] != 0;
    p.put(std::move(b));
  }
  r.record(watch.ns_each(times), "ns");
  bench::expect_equal(sum, times - times / 256, "sum");
  r.note(times);
});

/// Four goroutines on as many processors as there are.
const bench::entry pool_together("pool_together", [](bench::recorder& r) {
  constexpr int goroutines = 4;
  const std::int64_t times = r.count(1'000'000);
  weft::pool<buffer> p;
  const weft::wait_group all;
  const bench::stopwatch watch;
  for (int g = 0; g < goroutines; ++g)
    all.go([&] {
      for (int i = 0; i < times; ++i) ++(*p.borrow())[0];
    });
  all.wait();
  r.record(watch.ns_each(std::int64_t{goroutines} * times), "ns");
  r.note(goroutines * times);
});

const bench::entry flight_alone("single_flight_alone", [](bench::recorder& r) {
  const std::int64_t times = r.count(200'000);
  weft::single_flight<std::string, int> g;
  const std::string key = "key";
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) sum += g.call(key, [] { return 1; }).value;
  r.record(watch.ns_each(times), "ns");
  r.check(sum, times, "sum");
});

}  // namespace
