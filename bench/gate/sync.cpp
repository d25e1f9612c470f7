// Locks and gates: with nobody in the way, and handed over.
#include <mutex>
#include <shared_mutex>

#include "gate.hpp"

namespace {

const gate::row mutex("mutex_lock_unlock", [](std::int64_t n) {
  weft::mutex m;
  std::int64_t turns = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::lock_guard guard(m);
    ++turns;
  }
  gate::expect_equal(turns, n, "turns");
});

/// `gate` is held over a yield, so that another waits for it each time.
template <class Lock>
void hand_over(Lock& lock, std::int64_t n) {
  constexpr std::int64_t goroutines = 4;
  const weft::wait_group all;
  std::int64_t turns = 0;
  for (std::int64_t g = 0; g < goroutines; ++g)
    all.go([&] {
      for (std::int64_t i = 0; i < n / goroutines; ++i) {
        lock.lock();
        weft::yield();
        ++turns;
        lock.unlock();
      }
    });
  all.wait();
  gate::expect_equal(turns, n, "turns");
}

const gate::row mutex_handed(
    "mutex_held_over_yield",
    [](std::int64_t n) {
      weft::mutex m;
      hand_over(m, n);
    },
    4'000);

const gate::row shared("shared_mutex_read", [](std::int64_t n) {
  weft::shared_mutex m;
  std::int64_t turns = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::shared_lock guard(m);
    ++turns;
  }
  gate::expect_equal(turns, n, "turns");
});

const gate::row exclusive("shared_mutex_write", [](std::int64_t n) {
  weft::shared_mutex m;
  std::int64_t turns = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::lock_guard guard(m);
    ++turns;
  }
  gate::expect_equal(turns, n, "turns");
});

const gate::row counted("wait_group_add_done", [](std::int64_t n) {
  const weft::wait_group group;
  group.add();
  for (std::int64_t i = 0; i < n; ++i) {
    group.add();
    group.done();
  }
  group.done();
  group.wait();
});

const gate::row once("once_done", [](std::int64_t n) {
  weft::once first;
  std::int64_t runs = 0;
  for (std::int64_t i = 0; i < n; ++i) first.call([&] { ++runs; });
  gate::expect_equal(runs, 1, "runs");
});

const gate::row permits("semaphore_acquire_release", [](std::int64_t n) {
  weft::semaphore s(10);
  for (std::int64_t i = 0; i < n; ++i) {
    s.acquire();
    s.release();
  }
  gate::expect_equal(s.try_acquire(10) ? 1 : 0, 1, "all are free");
});

struct one_permit {
  weft::semaphore s{1};
  void lock() { s.acquire(); }
  void unlock() { s.release(); }
};

const gate::row permit_handed(
    "semaphore_held_over_yield",
    [](std::int64_t n) {
      one_permit p;
      hand_over(p, n);
    },
    4'000);

const gate::row condition("condition_turns", [](std::int64_t n) {
  weft::mutex m;
  weft::condition_variable changed;
  std::int64_t turn = 0;
  const auto play = [&](std::int64_t me) {
    for (std::int64_t i = 0; i < n / 2; ++i) {
      const std::lock_guard guard(m);
      changed.wait(m, [&] { return turn % 2 == me; });
      ++turn;
      changed.notify_one();
    }
  };
  const weft::wait_group all;
  all.go([&] { play(0); });
  all.go([&] { play(1); });
  all.wait();
  gate::expect_equal(turn, n, "turns");
});

const gate::row pooled("pool_borrow", [](std::int64_t n) {
  weft::pool<std::int64_t> p;
  for (std::int64_t i = 0; i < n; ++i) ++*p.borrow();
});

}  // namespace
