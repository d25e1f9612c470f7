// Processors on their way between workers: goroutines tied to a thread, and processors that retire.
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "opaque.hpp"
#include "sched/runtime.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::atomic;
using weft_test::eventually;
using weft_test::on_goroutine;
using weft_test::procs_scope;
using weft_test::scaled;

using worker_loop = weft_test::fixture;

WEFT_OPAQUE long thread_id() { return ::syscall(SYS_gettid); }

bool thread_exists(long id) {
  return std::filesystem::exists("/proc/self/task/" + std::to_string(id));
}

TEST_F(worker_loop, a_tied_goroutine_stays_on_its_thread_and_nobody_else_comes) {
  on_goroutine([] {
    atomic<long> tied_to{0};
    atomic<bool> done{false};
    weft::wait_group wg;
    wg.go([&] {
      weft::lock_os_thread();
      tied_to.store(thread_id());
      for (int i = 0; i < scaled(500); ++i) {
        weft::yield();
        ASSERT_EQ(thread_id(), tied_to.load());
      }
      tied_to.store(0);
      weft::unlock_os_thread();
      done.store(true);
    });
    for (int me = 0; me < 4; ++me)
      wg.go([&] {
        while (!done.load()) {
          const long before = tied_to.load();
          const long here = thread_id();
          ASSERT_FALSE(before == here && tied_to.load() == here) << "ran on a tied thread";
          weft::yield();
        }
      });
    wg.wait();
  });
}

TEST_F(worker_loop, it_takes_as_many_unlocks_as_locks) {
  on_goroutine([] {
    weft::lock_os_thread();
    weft::lock_os_thread();
    const long home = thread_id();
    weft::unlock_os_thread();
    for (int i = 0; i < 50; ++i) {
      weft::yield();
      ASSERT_EQ(thread_id(), home);
    }
    weft::unlock_os_thread();
    weft::unlock_os_thread();  // one too many changes nothing
    weft::yield();
  });
}

TEST_F(worker_loop, tied_goroutines_talk_to_each_other) {
  on_goroutine([] {
    const weft::chan<int> there;
    const weft::chan<int> back;
    weft::wait_group wg;
    wg.go([=] {
      weft::lock_os_thread();
      const long home = thread_id();
      for (const int i : there) {
        EXPECT_EQ(thread_id(), home);
        back.send(i + 1);
      }
      weft::unlock_os_thread();
    });
    weft::lock_os_thread();
    const long home = thread_id();
    for (int i = 0; i < scaled(1'000); ++i) {
      there.send(i);
      ASSERT_EQ(back.recv(), i + 1);
      ASSERT_EQ(thread_id(), home);
    }
    weft::unlock_os_thread();
    there.close();
    wg.wait();
  });
}

TEST_F(worker_loop, a_thread_ends_with_the_goroutine_that_ends_tied_to_it) {
  on_goroutine([] {
    for (int i = 0; i < 10; ++i) {
      weft::chan<long> id(1);
      weft::go([=] {
        weft::lock_os_thread();
        id.send(thread_id());
      });
      const long ended = id.recv().value();
      EXPECT_TRUE(eventually([&] { return !thread_exists(ended); }));
    }
  });
}

TEST_F(worker_loop, many_tied_goroutines_share_few_processors) {
  on_goroutine([] {
    weft::wait_group wg;
    atomic<int> turns{0};
    for (int me = 0; me < 10; ++me)
      wg.go([&] {
        weft::lock_os_thread();
        for (int i = 0; i < scaled(200); ++i) {
          ++turns;
          weft::yield();
        }
        weft::unlock_os_thread();
      });
    wg.wait();
    EXPECT_EQ(turns.load(), 10 * scaled(200));
  });
}

TEST_F(worker_loop, a_tied_goroutine_sleeps_and_wakes_at_home) {
  on_goroutine([] {
    weft::lock_os_thread();
    const long home = thread_id();
    for (int i = 0; i < 20; ++i) {
      weft::sleep_for(std::chrono::microseconds(100));
      ASSERT_EQ(thread_id(), home);
    }
    weft::unlock_os_thread();
  });
}

/// Whatever waits on a processor that retires: fresh, started, in the next-slot, asleep.
TEST_F(worker_loop, a_processor_that_retires_leaves_nothing_behind) {
  const procs_scope scope(4);
  for (int round = 0; round < scaled(100); ++round) {
    weft::set_max_procs(4);
    weft::wait_group wg;
    atomic<int> ended{0};
    const weft::chan<int> c;
    for (int i = 0; i < 8; ++i) {
      wg.go([&] {
        for (int turn = 0; turn < 20; ++turn) weft::yield();
        wg.go([&] { ++ended; });
        ++ended;
      });
      wg.go([&] {
        weft::sleep_for(std::chrono::microseconds(300));
        ++ended;
      });
      wg.go([&] { ended += c.recv().value(); });
      wg.go([&] { c.send(2); });
    }
    weft::set_max_procs(1 + round % 3);
    wg.wait();
    ASSERT_EQ(ended.load(), 8 * 5);
  }
}

TEST_F(worker_loop, a_processor_may_retire_under_a_tied_goroutine) {
  const procs_scope scope(4);
  weft::wait_group wg;
  atomic<bool> done{false};
  for (int me = 0; me < 4; ++me)
    wg.go([&] {
      weft::lock_os_thread();
      const long home = thread_id();
      while (!done.load()) {
        weft::yield();
        ASSERT_EQ(thread_id(), home);
      }
      weft::unlock_os_thread();
    });
  for (int round = 0; round < scaled(60); ++round) {
    weft::set_max_procs(1 + round % 4);
    for (int i = 0; i < 20; ++i) std::this_thread::yield();
  }
  done.store(true);
  wg.wait();
}

}  // namespace
