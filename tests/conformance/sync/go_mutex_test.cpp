// Go's mutex_test, and what its memory model says of Mutex. Its Semaphore test is a test of the
// semaphore; its MutexMisuse stands in tests/death/sync.

#include <array>
#include <atomic>
#include <mutex>
#include <thread>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::everywhere;
using weft_test::scaled;

using GoMutexTest = weft_test::fixture;
using Mutex = weft_test::fixture;
using MemoryModel = weft_test::fixture;

/// Every third turn also tries.
void hammer_mutex(weft::mutex& m, int loops, const weft::chan<void>& done) {
  for (int i = 0; i < loops; ++i) {
    if (i % 3 == 0) {
      if (m.try_lock()) m.unlock();
      continue;
    }
    m.lock();
    m.unlock();
  }
  done.send();
}

TEST_F(GoMutexTest, Mutex) {
  everywhere([] {
    weft::mutex m;
    m.lock();
    EXPECT_FALSE(m.try_lock());
    m.unlock();
    EXPECT_TRUE(m.try_lock());
    m.unlock();
    const weft::chan<void> done;
    for (int i = 0; i < 10; ++i) weft::go([&m, done] { hammer_mutex(m, scaled(1'000), done); });
    for (int i = 0; i < 10; ++i) done.recv();
  });
}

/// A hog holds it in a loop; another, which wants it now and then, gets it ten times. That takes no
/// longer than ten seconds, says Go; here a test that hangs is one that fails.
TEST_F(GoMutexTest, MutexFairness) {
  const weft_test::procs_scope procs(2);
  weft::mutex m;
  const weft::chan<void> stop;
  const weft::wait_group all;
  all.go([&m, stop] {
    while (stop.try_recv().status() != weft::channel_status::closed) {
      const std::lock_guard guard(m);
      for (const auto until = weft::clock::now() + 100us; weft::clock::now() < until;) {
      }
    }
  });
  all.go([&m, stop] {
    for (int i = 0; i < 10; ++i) {
      weft::sleep_for(100us);
      const std::lock_guard guard(m);
    }
    stop.close();
  });
  all.wait();
}

/// On one processor the hog hardly lets another goroutine run; a plain thread must get it all the
/// same, and so must a goroutine that is behind it.
TEST_F(Mutex, AHogOnOneProcessorIsFairToAThread) {
  const weft_test::procs_scope procs(1);
  weft::mutex m;
  std::atomic<bool> stop{false};
  const weft::wait_group all;
  all.go([&] {
    while (!stop.load()) {
      const std::lock_guard guard(m);
      for (const auto until = weft::clock::now() + 50us; weft::clock::now() < until;) {
      }
    }
  });
  for (int i = 0; i < 10; ++i) {
    const std::lock_guard guard(m);
    all.go([&m] { const std::lock_guard inner(m); });
  }
  stop.store(true);
  all.wait();
}

TEST_F(Mutex, MayBeUnlockedByAnother) {
  everywhere([] {
    weft::mutex m;
    m.lock();
    weft::go([&m] { m.unlock(); });
    m.lock();
    std::thread([&m] { m.unlock(); }).join();
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  });
}

TEST_F(Mutex, TwoLockedInBothOrdersByScopedLockDoNotDeadlock) {
  everywhere([] {
    weft::mutex a;
    weft::mutex b;
    int n = 0;
    const auto work = [&](bool swapped) {
      for (int i = 0; i < scaled(2'000); ++i) {
        std::scoped_lock both(swapped ? a : b, swapped ? b : a);
        ++n;
        if (i % 100 == 0) weft::yield();
      }
    };
    const weft::wait_group all;
    for (int g = 0; g < 4; ++g) all.go([&, g] { work(g % 2 == 0); });
    std::thread plain([&] { work(true); });
    all.wait();
    plain.join();
    EXPECT_EQ(n, 5 * scaled(2'000));
  });
}

TEST_F(Mutex, TimedFormsGiveUpNotEarlyAndLeaveNothingBehind) {
  everywhere([] {
    weft::mutex m;
    m.lock();
    const auto start = weft::clock::now();
    EXPECT_FALSE(m.try_lock_for(3ms));
    EXPECT_GE(weft::clock::now() - start, 3ms);
    EXPECT_FALSE(m.try_lock_until(start));
    EXPECT_FALSE(m.try_lock_until(std::chrono::system_clock::now() + 1ms));
    EXPECT_FALSE(m.try_lock_for(-1h));
    weft::go([&m] { m.unlock(); });
    EXPECT_TRUE(m.try_lock_for(std::chrono::hours::max())) << "a deadline beyond the clock";
    m.unlock();
    EXPECT_TRUE(m.try_lock_for(0s)) << "a free one is taken whatever the time";
    m.unlock();
    std::unique_lock lock(m, 1h);
    EXPECT_TRUE(lock.owns_lock());
  });
}

TEST_F(Mutex, ACancelledWaitGivesUpAndAnAlreadyCancelledOneDoesNothing) {
  everywhere([] {
    weft::mutex m;
    std::stop_source stop;
    m.lock();
    weft::go([&stop] { stop.request_stop(); });
    EXPECT_FALSE(m.lock(stop.get_token()));
    m.unlock();
    EXPECT_FALSE(m.lock(stop.get_token())) << "even a free one";
    EXPECT_TRUE(m.lock(std::stop_source().get_token()));
    m.unlock();
  });
}

TEST_F(MemoryModel, UnlockHappensBeforeALaterLock) {
  everywhere([] {
    weft::mutex m;
    int data = 0;
    const weft::wait_group all;
    for (int g = 0; g < 4; ++g)
      all.go([&] {
        for (int i = 0; i < scaled(2'000); ++i) {
          m.lock();
          ++data;
          m.unlock();
        }
      });
    all.wait();
    EXPECT_EQ(data, 4 * scaled(2'000));
  });
}

/// The lock is handed over through the queue here, or to a thread.
TEST_F(MemoryModel, UnlockHappensBeforeALockThatWaitedForIt) {
  everywhere([] {
    for (int i = 0; i < scaled(500); ++i) {
      weft::mutex m;
      int data = 0;
      m.lock();
      weft::go([&] {
        data = i + 1;
        m.unlock();
      });
      m.lock();
      ASSERT_EQ(data, i + 1);
      m.unlock();
    }
  });
}

TEST_F(MemoryModel, ASuccessfulTryLockActsAsLock) {
  everywhere([] {
    for (int i = 0; i < scaled(500); ++i) {
      weft::mutex m;
      int data = 0;
      m.lock();
      weft::go([&] {
        data = i + 1;
        m.unlock();
      });
      while (!m.try_lock()) weft::yield();
      ASSERT_EQ(data, i + 1);
      m.unlock();
    }
  });
}

}  // namespace
