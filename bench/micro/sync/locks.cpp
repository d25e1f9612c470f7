// What do locks cost when nobody else wants them, when many do, and how long does one wait at most?
#include <algorithm>
#include <mutex>
#include <shared_mutex>

#include "bench.hpp"

namespace {

constexpr int many = 8;

const bench::entry mutex_alone("mutex_uncontended", [](bench::recorder& r) {
  const std::int64_t times = r.count(5'000'000);
  weft::mutex m;
  std::int64_t n = 0;
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) {
    const std::lock_guard guard(m);
    ++n;
  }
  r.record(watch.ns_each(times), "ns");
  r.check(n, times, "turns");
});

const bench::entry read_alone("shared_mutex_read", [](bench::recorder& r) {
  const std::int64_t times = r.count(5'000'000);
  weft::shared_mutex m;
  std::int64_t n = 0;
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) {
    const std::shared_lock guard(m);
    ++n;
  }
  r.record(watch.ns_each(times), "ns");
  r.check(n, times, "turns");
});

const bench::entry write_alone("shared_mutex_write", [](bench::recorder& r) {
  const std::int64_t times = r.count(5'000'000);
  weft::shared_mutex m;
  std::int64_t n = 0;
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) {
    const std::lock_guard guard(m);
    ++n;
  }
  r.record(watch.ns_each(times), "ns");
  r.check(n, times, "turns");
});

/// `turn(i, n)` is one operation, of eight goroutines at once; it adds one to n.
template <class Turn>
void hammer(bench::recorder& r, std::int64_t times_usual, Turn turn) {
  const std::int64_t times = r.count(times_usual);
  std::int64_t n = 0;
  const weft::wait_group all;
  const bench::stopwatch watch;
  for (int g = 0; g < many; ++g)
    all.go([&n, &turn, times] {
      for (std::int64_t i = 0; i < times; ++i) turn(i, n);
    });
  all.wait();
  r.record(watch.ns_each(static_cast<std::size_t>(times) * many), "ns");
  r.check(n, std::int64_t{times} * many, "turns");
}

const bench::entry mutex_contended("mutex_contended_8", [](bench::recorder& r) {
  weft::mutex m;
  hammer(r, 500'000, [&m](std::int64_t, std::int64_t& n) {
    const std::lock_guard guard(m);
    ++n;
  });
});

const bench::entry mutex_yields("mutex_yield_inside_8", [](bench::recorder& r) {
  weft::mutex m;
  hammer(r, 50'000, [&m](std::int64_t, std::int64_t& n) {
    const std::lock_guard guard(m);
    weft::yield();
    ++n;
  });
});

const bench::entry write_contended("shared_mutex_write_contended_8", [](bench::recorder& r) {
  weft::shared_mutex m;
  hammer(r, 200'000, [&m](std::int64_t, std::int64_t& n) {
    const std::lock_guard guard(m);
    ++n;
  });
});

/// One operation in ten writes.
const bench::entry mostly_read("shared_mutex_mixed_8", [](bench::recorder& r) {
  weft::shared_mutex m;
  hammer(r, 200'000, [&m](std::int64_t i, std::int64_t& n) {
    if (i % 10 == 0) {
      const std::lock_guard guard(m);
      n += 10;
    } else {
      const std::shared_lock guard(m);
      bench::expect_equal(n % 10, 0, "what a reader saw");
    }
  });
});

const bench::entry hog("mutex_hog_wait_max", [](bench::recorder& r) {
  using namespace std::chrono_literals;
  weft::mutex m;
  weft::chan<void> stop;
  const weft::wait_group all;
  all.go([&m, stop] {
    // A thousand times at most: on one processor nobody else may run meanwhile.
    for (int i = 0; i < 1'000 && stop.try_recv().status() != weft::channel_status::closed; ++i) {
      const std::lock_guard guard(m);
      const bench::stopwatch held;
      while (held.ns() < 100'000) {
      }
    }
  });
  double longest_ms = 0;
  const std::int64_t tries = r.count(50);
  for (std::int64_t i = 0; i < tries; ++i) {
    weft::sleep_for(100us);
    const bench::stopwatch watch;
    const std::lock_guard guard(m);
    longest_ms = std::max(longest_ms, watch.ms());
  }
  stop.close();
  all.wait();
  r.record(longest_ms, "ms");
  r.note(tries);
});

/// Two goroutines take turns: one notification and one wait for each.
const bench::entry condition("condition_ping_pong", [](bench::recorder& r) {
  const std::int64_t times = r.count(200'000);
  weft::mutex m;
  weft::condition_variable changed;
  int turn = 0;
  const auto play = [&](int me) {
    for (int i = 0; i < times; ++i) {
      const std::lock_guard guard(m);
      changed.wait(m, [&] { return turn % 2 == me; });
      ++turn;
      changed.notify_one();
    }
  };
  const weft::wait_group all;
  const bench::stopwatch watch;
  all.go([&] { play(0); });
  all.go([&] { play(1); });
  all.wait();
  r.record(watch.ns_each(2 * times), "ns");
  r.check(turn, 2 * times, "turns");
});

}  // namespace
