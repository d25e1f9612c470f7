// Whoever can still be woken is never reported: wherever the key to it is kept, and however busy
// the program is.
#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::eventually;

class StuckSearch : public weft_test::fixture {};

using key = weft::chan<int>;

/// A goroutine that waits for a value, and whether it came.
struct waiting {
  explicit waiting(const key& c) {
    weft::go(weft::named("waits"), [c, &ended = ended] {
      c.recv();
      ended = true;
    });
  }
  std::atomic<bool> ended{false};
};

std::string findings() { return weft::find_stuck_goroutines().text(); }

/// Looks until the memory was searched; where it never is (sanitizers), a few times.
void expect_nothing_is_found() {
  for (int look = 0; look < (weft_test::sanitized ? 3 : 100); ++look) {
    const weft::stuck_goroutines found = weft::find_stuck_goroutines();
    ASSERT_EQ(found.text(), "");
    if (found.memory_scanned) return;
    weft::sleep_for(2ms);
  }
  EXPECT_TRUE(weft_test::sanitized) << "the program is never quiet";
}

/// So that no key is seen by luck, in an old word.
[[gnu::noinline]] void scrub_stack() {
  volatile std::byte room[32 << 10];
  for (volatile std::byte& each : room) each = std::byte{0};
}

/// In a frame of its own, which is gone afterwards.
template <class F>
[[gnu::noinline]] void in_a_frame(F&& f) {
  f();
  asm volatile("");  // no tail call
}

/// `keep(c)` puts the key somewhere and returns what takes it from there and sends.
template <class Keep>
void expect_key_is_seen(Keep keep) {
  std::unique_ptr<waiting> one;
  std::function<void()> release;
  in_a_frame([&] {
    key c(0);
    one = std::make_unique<waiting>(c);
    release = keep(std::move(c));
  });
  scrub_stack();
  expect_nothing_is_found();
  release();
  EXPECT_TRUE(eventually([&] { return one->ended.load(); }));
}

TEST_F(StuckSearch, SeesAKeyInAStaticVariable) {
  static key kept(nullptr);
  expect_key_is_seen([](key c) {
    kept = std::move(c);
    return [] { std::exchange(kept, key(nullptr)).send(1); };
  });
}

TEST_F(StuckSearch, SeesAKeyOnTheHeap) {
  expect_key_is_seen([](key c) {
    auto tree = std::make_shared<std::map<int, key>>();
    tree->emplace(7, std::move(c));
    return [tree] { tree->at(7).send(1); };
  });
}

TEST_F(StuckSearch, SeesAKeyOnTheStackOfItsCaller) {
  key c(0);
  waiting one(c);
  expect_nothing_is_found();
  c.send(1);
  EXPECT_TRUE(eventually([&] { return one.ended.load(); }));
}

TEST_F(StuckSearch, SeesAKeyInAThreadLocal) {
  static thread_local key kept(nullptr);
  expect_key_is_seen([](key c) {
    kept = std::move(c);
    return [] { std::exchange(kept, key(nullptr)).send(1); };
  });
}

TEST_F(StuckSearch, SeesAKeyInASleepersClosure) {
  expect_key_is_seen([](key c) {
    key go_on(0);
    weft::go([c, go_on] {
      static_cast<void>(go_on.recv_for(1h));
      c.send(1);
    });
    return [go_on] { go_on.send(1); };
  });
}

TEST_F(StuckSearch, SeesAKeyInALargeClosure) {
  expect_key_is_seen([](key c) {
    key go_on(0);
    std::array<std::uint64_t, 64> ballast{};
    weft::go([ballast, c, go_on] {
      static_cast<void>(go_on.recv_for(1h + ballast[0] * 1h));
      c.send(1);
    });
    return [go_on] { go_on.send(1); };
  });
}

TEST_F(StuckSearch, SeesAKeyInAFunctionThatTheClockWillStart) {
  expect_key_is_seen([](key c) {
    auto timer = std::make_shared<weft::timer>(weft::after_func(1h, [c] { c.send(1); }));
    return [timer] { timer->reset(1ms); };
  });
}

TEST_F(StuckSearch, SeesAKeyInAFunctionThatACancellationWillStart) {
  auto [ctx, cancel] = weft::with_cancel(weft::background());
  expect_key_is_seen([ctx = ctx, cancel = cancel](key c) {
    auto call = std::make_shared<weft::after_func_stop>(weft::after_func(ctx, [c] { c.send(1); }));
    return [call, cancel] { cancel(); };
  });
}

TEST_F(StuckSearch, SeesAKeyInABufferOfAChannelThatIsKnown) {
  weft::chan<key> post(1);
  expect_key_is_seen([&](key c) {
    post.send(std::move(c));
    return [&] { post.recv()->send(1); };
  });
}

TEST_F(StuckSearch, SeesAKeyOnAParkedThread) {
  expect_key_is_seen([](key c) {
    key go_on(0);
    auto thread = std::make_shared<std::thread>([c, go_on] {
      go_on.recv();
      c.send(1);
    });
    c = key(nullptr);
    return [thread, go_on] {
      go_on.send(1);
      thread->join();
    };
  });
}

TEST_F(StuckSearch, FollowsOneWaiterToTheNext) {
  key first(0);
  std::atomic<int> ended{0};
  {
    key at = first;
    for (int i = 0; i < 20; ++i) {
      key next(0);
      weft::go([at, next, &ended] {
        at.recv();
        if (ended.fetch_add(1) < 19) next.send(1);
      });
      at = next;
    }
  }
  expect_nothing_is_found();
  first.send(1);
  EXPECT_TRUE(eventually([&] { return ended == 20; }));
}

TEST_F(StuckSearch, KnowsThatTheClockSendsToATimer) {
  std::atomic<bool> ended{false};
  in_a_frame([&] {
    weft::go([c = weft::after(300ms), &ended] {
      c.recv();
      ended = true;
    });
  });
  scrub_stack();
  expect_nothing_is_found();
  EXPECT_TRUE(eventually([&] { return ended.load(); }));
}

TEST_F(StuckSearch, KnowsThatTheHolderOfALockGoesOn) {
  key go_on(0);
  const weft::wait_group all;
  in_a_frame([&] {
    auto m = std::make_shared<weft::mutex>();
    all.go([m, go_on] {
      const std::lock_guard lock(*m);
      go_on.recv();
    });
    for (int i = 0; i < 3; ++i) all.go([m] { const std::lock_guard lock(*m); });
  });
  scrub_stack();
  expect_nothing_is_found();
  go_on.send(1);
  all.wait();
}

TEST_F(StuckSearch, CanTellNothingOfMemoryWhileAThreadRuns) {
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) std::this_thread::yield();
  });
  const weft::stuck_goroutines found = weft::find_stuck_goroutines();
  EXPECT_FALSE(found.memory_scanned);
  EXPECT_TRUE(found.empty());
  stop = true;
  busy.join();
}

TEST_F(StuckSearch, WorksOnAGoroutine) {
  weft::run([] {
    key c(0);
    weft::go([c] { c.recv(); });
    for (int i = 0; i < 20; ++i) {
      weft::yield();
      EXPECT_EQ(findings(), "");
    }
    c.send(1);
  });
}

/// Whoever asked may hand a lock on: then no conclusion follows from who locked it.
TEST_F(StuckSearch, FollowsNoLockIfLockersNeedNotUnlock) {
  weft::mutex m;
  m.lock();
  std::atomic<bool> ended{false};
  weft::go([&] {
    m.lock();
    m.unlock();
    ended = true;
  });
  weft::go(weft::named("locks for another"), [&] {
    m.unlock();
    m.lock();
  });
  static_cast<void>(eventually([] { return weft::num_goroutines() == 1; }));
  EXPECT_TRUE(weft::find_stuck_goroutines({.lockers_unlock = false, .scan_memory = false}).empty());
  m.unlock();
  EXPECT_TRUE(eventually([&] { return ended.load(); }));
}

/// Two locks, always in the same order, short and long queues, upgrades by try_lock: no ring ever.
TEST_F(StuckSearch, FindsNoRingAmongBusyLocks) {
  for (const int procs : {1, 2, 4}) {
    const weft_test::procs_scope scope(procs);
    std::vector<weft::mutex> locks(5);
    weft::shared_mutex shared;
    std::atomic<bool> stop{false};
    const weft::wait_group all;
    for (std::size_t g = 0; g < 12; ++g)
      all.go([&, g] {
        for (std::size_t i = g; !stop; ++i) {
          const std::size_t low = i * 7 % 4;
          const std::lock_guard first(locks[low]);
          if (i % 5 == 0) weft::yield();
          const std::lock_guard second(locks[low + 1]);
          if (i % 3 == 0) {
            const std::lock_guard writes(shared);
            if (i % 2 == 0) weft::yield();
          } else {
            const std::shared_lock reads(shared);
            weft::yield();
          }
        }
      });
    for (int look = 0; look < weft_test::scaled(200); ++look) {
      ASSERT_EQ(findings(), "");
      std::this_thread::yield();
    }
    stop = true;
    all.wait();
  }
}

}  // namespace
