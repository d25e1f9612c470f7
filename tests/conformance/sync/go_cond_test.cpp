// Go's cond_test. Its Copy test does not apply: a weft::condition_variable cannot be copied.

#include <mutex>
#include <shared_mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::scaled;

using GoCondTest = weft_test::fixture;
using Condition = weft_test::fixture;

TEST_F(GoCondTest, Signal) {
  everywhere([] {
    weft::mutex m;
    weft::condition_variable c;
    constexpr int n = 2;
    const weft::chan<void> running(n);
    const weft::chan<void> awake(n);
    for (int i = 0; i < n; ++i)
      weft::go([&m, &c, running, awake] {
        m.lock();
        running.send();
        c.wait(m);
        awake.send();
        m.unlock();
      });
    for (int i = 0; i < n; ++i) running.recv();  // each has the lock, or waits
    for (int left = n; left > 0; --left) {
      EXPECT_EQ(awake.size(), 0U) << "awake without a signal";
      m.lock();
      c.notify_one();
      m.unlock();
      EXPECT_TRUE(awake.recv());  // it hangs here if nobody was woken
      let_others_run();
      EXPECT_EQ(awake.size(), 0U) << "too many awake";
    }
    c.notify_one();
    EXPECT_TRUE(eventually([&] { return m.try_lock(); }));
    m.unlock();
  });
}

TEST_F(GoCondTest, SignalGenerations) {
  everywhere([] {
    weft::mutex m;
    weft::condition_variable c;
    constexpr int n = scaled(100);
    const weft::chan<bool> running(n);
    const weft::chan<int> awake(n);
    for (int i = 0; i < n; ++i) {
      weft::go([&m, &c, running, awake, i] {
        m.lock();
        running.send(true);
        c.wait(m);
        awake.send(i);
        m.unlock();
      });
      if (i > 0) {
        const auto a = awake.recv();
        ASSERT_EQ(a, i - 1) << "a later one was woken first";
      }
      running.recv();
      const std::lock_guard guard(m);
      c.notify_one();
    }
    EXPECT_EQ(awake.recv(), n - 1);
    EXPECT_TRUE(eventually([&] { return m.try_lock(); }));
    m.unlock();
  });
}

/// The state that Go's Broadcast test keeps: everybody waits, all are woken, nobody twice.
struct broadcast_round {
  weft::mutex m;
  weft::condition_variable c;
  bool exit = false;
  weft::chan<int> running;
  weft::chan<int> awake;

  explicit broadcast_round(int n)
      : running(static_cast<std::size_t>(n)), awake(static_cast<std::size_t>(n)) {}

  void wait_again_and_again(int g) {
    m.lock();
    while (!exit) {
      running.send(g);
      c.wait(m);
      awake.send(g);
    }
    m.unlock();
  }
};

TEST_F(GoCondTest, Broadcast) {
  everywhere([] {
    constexpr int n = scaled(200);
    broadcast_round b(n);
    const weft::wait_group all;
    for (int g = 0; g < n; ++g) all.go([&b, g] { b.wait_again_and_again(g); });
    for (int i = 0; i < n; ++i) {
      for (int g = 0; g < n; ++g) b.running.recv();
      if (i == n - 1) {
        const std::lock_guard guard(b.m);
        b.exit = true;
      }
      EXPECT_EQ(b.awake.size(), 0U) << "awake without a broadcast";
      {
        const std::lock_guard guard(b.m);
        b.c.notify_all();
      }
      std::vector<bool> seen(n, false);
      for (int g = 0; g < n; ++g) {
        const auto who = static_cast<std::size_t>(b.awake.recv().value());
        ASSERT_FALSE(seen[who]) << "woken twice";
        seen[who] = true;
      }
    }
    all.wait();
    EXPECT_EQ(b.running.size(), 0U);
    b.c.notify_all();
  });
}

TEST_F(GoCondTest, Race) {
  everywhere([] {
    weft::mutex m;
    weft::condition_variable c;
    int x = 0;
    const weft::wait_group all;
    all.go([&] {
      const std::lock_guard guard(m);
      x = 1;
      c.wait(m);
      EXPECT_EQ(x, 2);
      x = 3;
      c.notify_one();
    });
    all.go([&] {
      for (;; weft::yield()) {
        const std::lock_guard guard(m);
        if (x != 1) continue;
        x = 2;
        return c.notify_one();
      }
    });
    all.go([&] {
      for (;;) {
        m.lock();
        if (x == 2) {
          c.wait(m);
          EXPECT_EQ(x, 3);
          m.unlock();
          return;
        }
        const bool over = x == 3;
        m.unlock();
        if (over) return;
        weft::yield();
      }
    });
    all.wait();
  });
}

/// A waiter that came before a broadcast is woken by it, although another comes and a signal is
/// sent at the same time.
TEST_F(GoCondTest, SignalStealing) {
  everywhere([] {
    for (int i = 0; i < scaled(1'000); ++i) {
      weft::mutex m;
      weft::condition_variable c;
      const weft::chan<void> ch;
      weft::go([&m, &c, ch] {
        m.lock();
        ch.send();
        c.wait(m);
        m.unlock();
        ch.send();
      });
      ch.recv();
      { const std::lock_guard guard(m); }  // it waits now
      bool done = false;
      const weft::wait_group all;
      all.go([&] { c.notify_all(); });
      all.go([&m, &c, &done] {
        const std::lock_guard guard(m);
        while (!done) c.wait(m);
      });
      EXPECT_TRUE(ch.recv()) << "the first waiter was not woken";
      {
        const std::lock_guard guard(m);
        done = true;
      }
      c.notify_all();
      all.wait();
    }
  });
}

TEST_F(GoCondTest, Copy) {
  static_assert(!std::is_copy_constructible_v<weft::condition_variable>);
  static_assert(!std::is_copy_assignable_v<weft::condition_variable>);
  static_assert(!std::is_move_constructible_v<weft::condition_variable>);
}

template <class Lock, class Mutex>
void hand_a_value_over(Mutex& m) {
  weft::condition_variable c;
  int value = 0;
  const weft::wait_group all;
  all.go([&] {
    Lock lock(m);
    c.wait(lock, [&] { return value == 1; });
  });
  std::thread plain([&] {
    Lock lock(m);
    c.wait(lock, [&] { return value == 1; });
  });
  let_others_run();
  {
    const std::lock_guard guard(m);
    value = 1;
  }
  c.notify_all();
  all.wait();
  plain.join();
}

TEST_F(Condition, TakesEveryLock) {
  everywhere([] {
    weft::mutex m;
    weft::shared_mutex s;
    hand_a_value_over<std::unique_lock<weft::mutex>>(m);
    hand_a_value_over<std::unique_lock<weft::shared_mutex>>(s);
    hand_a_value_over<std::shared_lock<weft::shared_mutex>>(s);
  });
}

TEST_F(Condition, TimedWaitsGiveUpNotEarlyWithTheLockHeld) {
  everywhere([] {
    weft::mutex m;
    weft::condition_variable c;
    std::unique_lock lock(m);
    const auto start = weft::clock::now();
    EXPECT_EQ(c.wait_for(lock, 2ms), std::cv_status::timeout);
    EXPECT_FALSE(c.wait_for(lock, 2ms, [] { return false; }));
    EXPECT_GE(weft::clock::now() - start, 4ms);
    EXPECT_TRUE(c.wait_for(lock, 0s, [] { return true; }));
    EXPECT_EQ(c.wait_until(lock, start), std::cv_status::timeout);
    EXPECT_FALSE(c.wait_until(lock, start, [] { return false; }));
    EXPECT_TRUE(lock.owns_lock());
    bool ready = false;
    weft::go([&] {
      const std::lock_guard guard(m);
      ready = true;
      c.notify_one();
    });
    EXPECT_TRUE(c.wait_for(lock, 1h, [&] { return ready; }));
  });
}

TEST_F(Condition, AWaitThatPollsLetsOthersHaveTheLock) {
  everywhere([] {
    weft::mutex m;
    weft::condition_variable c;
    bool ready = false;
    const weft::wait_group all;
    std::unique_lock lock(m);
    all.go([&] {
      const std::lock_guard guard(m);
      ready = true;
    });
    while (!c.wait_for(lock, 0s, [&] { return ready; })) {
    }
    lock.unlock();
    all.wait();
  });
}

TEST_F(Condition, ACancelledWaitReturnsWithTheLockHeld) {
  everywhere([] {
    weft::mutex m;
    weft::condition_variable c;
    std::stop_source stop;
    std::unique_lock lock(m);
    weft::go([&stop] { stop.request_stop(); });
    EXPECT_FALSE(c.wait(lock, stop.get_token(), [] { return false; }));
    EXPECT_TRUE(lock.owns_lock());
    EXPECT_FALSE(c.wait(lock, stop.get_token()));
    bool ready = false;
    std::stop_source never;
    weft::go([&] {
      const std::lock_guard guard(m);
      ready = true;
      c.notify_one();
    });
    EXPECT_TRUE(c.wait(lock, never.get_token(), [&] { return ready; }));
  });
}

}  // namespace
