// Go's rwmutex_test, and what its memory model says of RWMutex.

#include <algorithm>
#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <thread>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::scaled;

using GoRWMutexTest = weft_test::fixture;
using SharedMutex = weft_test::fixture;
using MemoryModel = weft_test::fixture;

/// All readers must be inside together: each waits in there until the last has come.
void parallel_readers(int readers, int procs) {
  const weft_test::procs_scope scope(procs);
  weft::shared_mutex m;
  const weft::chan<void> locked;
  const weft::chan<void> leave;
  const weft::chan<void> done;
  for (int i = 0; i < readers; ++i)
    weft::go([&m, locked, leave, done] {
      m.lock_shared();
      locked.send();
      leave.recv();
      m.unlock_shared();
      done.send();
    });
  for (int i = 0; i < readers; ++i) locked.recv();
  for (int i = 0; i < readers; ++i) leave.send();
  for (int i = 0; i < readers; ++i) done.recv();
}

TEST_F(GoRWMutexTest, ParallelReaders) {
  parallel_readers(1, 4);
  parallel_readers(3, 4);
  parallel_readers(4, 2);
}

/// Readers count 1, a writer 10,000: nobody ever sees what may not be together.
struct hammered {
  weft::shared_mutex m;
  std::atomic<int> activity{0};
  weft::chan<void> done;

  void read(int times) {
    for (int i = 0; i < times; ++i) {
      if (i % 2 != 0 && !m.try_lock_shared()) continue;
      if (i % 2 == 0) m.lock_shared();
      const int n = activity.fetch_add(1) + 1;
      EXPECT_TRUE(n >= 1 && n < 10'000) << n;
      if (i % 10 == 0) weft::yield();
      activity.fetch_sub(1);
      m.unlock_shared();
    }
    done.send();
  }
  void write(int times) {
    for (int i = 0; i < times; ++i) {
      if (i % 2 != 0 && !m.try_lock()) continue;
      if (i % 2 == 0) m.lock();
      EXPECT_EQ(activity.fetch_add(10'000), 0);
      if (i % 10 == 0) weft::yield();
      EXPECT_EQ(activity.fetch_sub(10'000), 10'000);
      m.unlock();
    }
    done.send();
  }
};

void hammer(int procs, int readers, int times) {
  const weft_test::procs_scope scope(procs);
  hammered h;
  weft::go([&] { h.write(times); });
  int i = 0;
  for (; i < readers / 2; ++i) weft::go([&] { h.read(times); });
  weft::go([&] { h.write(times); });
  for (; i < readers; ++i) weft::go([&] { h.read(times); });
  for (int n = 0; n < 2 + readers; ++n) h.done.recv();
}

TEST_F(GoRWMutexTest, RWMutex) {
  weft::shared_mutex m;
  m.lock();
  EXPECT_FALSE(m.try_lock());
  EXPECT_FALSE(m.try_lock_shared());
  m.unlock();
  EXPECT_TRUE(m.try_lock());
  m.unlock();
  EXPECT_TRUE(m.try_lock_shared());
  EXPECT_TRUE(m.try_lock_shared());
  EXPECT_FALSE(m.try_lock());
  m.unlock_shared();
  m.unlock_shared();
  for (const int procs : {1, 4, 10})
    for (const int readers : {1, 3, 5, 10}) hammer(procs, readers, scaled(1'000));
}

/// Go's RLocker is std::shared_lock: an object whose lock() locks for reading. Two such locks of
/// one goroutine alternate with a writer.
TEST_F(GoRWMutexTest, RLocker) {
  everywhere([] {
    weft::shared_mutex m;
    std::shared_lock locker(m, std::defer_lock);
    std::shared_lock again(m, std::defer_lock);
    const weft::chan<void> wlocked(1);
    const weft::chan<void> rlocked(1);
    constexpr int n = 10;
    const weft::wait_group all;
    all.go([&m, wlocked, rlocked] {
      for (int i = 0; i < n; ++i) {
        rlocked.recv();
        m.lock();
        wlocked.send();
        m.unlock();
      }
    });
    for (int i = 0; i < n; ++i) {
      locker.lock();
      again.lock();
      rlocked.send();
      EXPECT_EQ(wlocked.try_recv().status(), weft::channel_status::would_block)
          << "the writer was let in beside readers";
      again.unlock();
      locker.unlock();
      EXPECT_TRUE(wlocked.recv());
    }
    all.wait();
  });
}

TEST_F(SharedMutex, AWaitingWriterBlocksNewReaders) {
  everywhere([] {
    weft::shared_mutex m;
    m.lock_shared();
    const weft::wait_group all;
    all.go([&] { const std::lock_guard guard(m); });
    EXPECT_TRUE(eventually([&] {
      if (!m.try_lock_shared()) return true;
      m.unlock_shared();
      return false;
    }));
    EXPECT_FALSE(m.try_lock_shared_for(1ms));
    m.unlock_shared();
    all.wait();
    EXPECT_TRUE(m.try_lock_shared_for(0s));
    m.unlock_shared();
  });
}

TEST_F(SharedMutex, AWriterIsNotStarvedByReadersThatComeAgainAndAgain) {
  everywhere([] {
    weft::shared_mutex m;
    std::atomic<bool> written{false};
    const weft::wait_group all;
    for (int i = 0; i < 4; ++i)
      all.go([&] {
        while (!written.load()) {
          const std::shared_lock guard(m);
          weft::yield();
        }
      });
    all.go([&] {
      const std::lock_guard guard(m);
      written.store(true);
    });
    all.wait();
  });
}

TEST_F(SharedMutex, AReaderIsNotStarvedByWritersThatComeAgainAndAgain) {
  everywhere([] {
    weft::shared_mutex m;
    std::atomic<bool> seen{false};
    const weft::wait_group all;
    for (int i = 0; i < 4; ++i)
      all.go([&] {
        while (!seen.load()) {
          const std::lock_guard guard(m);
          weft::yield();
        }
      });
    all.go([&] {
      const std::shared_lock guard(m);
      seen.store(true);
    });
    all.wait();
  });
}

TEST_F(SharedMutex, BoundedFormsGiveUpNotEarlyAndLeaveNothingBehind) {
  everywhere([] {
    weft::shared_mutex m;
    std::stop_source stop;
    m.lock();
    const auto start = weft::clock::now();
    EXPECT_FALSE(m.try_lock_for(2ms));
    EXPECT_FALSE(m.try_lock_shared_for(2ms));
    EXPECT_GE(weft::clock::now() - start, 4ms);
    EXPECT_FALSE(m.try_lock_until(start));
    EXPECT_FALSE(m.try_lock_shared_until(start));
    weft::go([&stop] { stop.request_stop(); });
    EXPECT_FALSE(m.lock_shared(stop.get_token()));
    EXPECT_FALSE(m.lock(stop.get_token()));
    m.unlock();
    EXPECT_FALSE(m.lock(stop.get_token())) << "cancelled already: not even a free one";
    EXPECT_FALSE(m.lock_shared(stop.get_token()));
    EXPECT_TRUE(m.lock_shared(std::stop_source().get_token()));
    EXPECT_TRUE(m.try_lock_shared_until(start)) << "reading is free";
    m.unlock_shared();
    m.unlock_shared();
    EXPECT_TRUE(m.try_lock_until(start));
    m.unlock();
  });
}

TEST_F(SharedMutex, MayBeUnlockedByAnother) {
  everywhere([] {
    weft::shared_mutex m;
    m.lock();
    std::thread([&m] { m.unlock(); }).join();
    m.lock_shared();
    weft::go([&m] { m.unlock_shared(); });
    m.lock();
    m.unlock();
  });
}

TEST_F(MemoryModel, UnlockHappensBeforeARLockAndRUnlockBeforeTheNextLock) {
  everywhere([] {
    weft::shared_mutex m;
    int data = 0;
    std::atomic<int> sum{0};
    const weft::wait_group all;
    constexpr int times = scaled(1'000);
    all.go([&] {
      for (int i = 0; i < times; ++i) {
        const std::lock_guard guard(m);
        ++data;
        if (i % 10 == 0) weft::yield();
      }
    });
    for (int g = 0; g < 3; ++g)
      all.go([&] {
        int last = 0;
        for (int i = 0; i < times; ++i) {
          const std::shared_lock guard(m);
          EXPECT_GE(data, last);
          last = data;
        }
        sum += last;
      });
    all.wait();
    EXPECT_EQ(data, times);
    EXPECT_LE(sum.load(), 3 * times);
  });
}

TEST_F(MemoryModel, ASuccessfulTryLockOfARWMutexActsAsLock) {
  everywhere([] {
    for (int i = 0; i < scaled(500); ++i) {
      weft::shared_mutex m;
      int data = 0;
      m.lock();
      weft::go([&] {
        data = i + 1;
        m.unlock();
      });
      while (i % 2 == 0 ? !m.try_lock() : !m.try_lock_shared()) weft::yield();
      ASSERT_EQ(data, i + 1);
      i % 2 == 0 ? m.unlock() : m.unlock_shared();
    }
  });
}

}  // namespace
