// What Go's own proc_test.go asserts, as far as it needs no garbage collector and no preemption.

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::eventually;
using weft_test::on_goroutine;
using weft_test::procs_scope;
using weft_test::scaled;

using GoProcTest = weft_test::fixture;

TEST_F(GoProcTest, StopTheWorldDeadlock) {
  const procs_scope restore(2);
  std::atomic<bool> stop{false};
  struct respawning {
    const std::atomic<bool>* stop;
    weft::wait_group alive;
    void operator()() const {
      if (!*stop) alive.go(*this);
    }
  };
  const weft::wait_group alive;
  alive.go(respawning{&stop, alive});
  weft::run([] {
    for (int i = 0; i < scaled(500); ++i) weft::set_max_procs(1 + i % 3);
  });
  stop = true;
  alive.wait();
}

void yields_until_a_message(bool locked) {
  const weft::chan<void> c;
  const weft::chan<void> seen(1);
  weft::go([=] {
    if (locked) weft::lock_os_thread();
    while (!c.try_recv()) weft::yield();
    if (locked) weft::unlock_os_thread();
    seen.send();
  });
  weft::sleep_for(1ms);
  c.send();
  EXPECT_TRUE(seen.recv());
}

TEST_F(GoProcTest, YieldProgress) {
  on_goroutine([] { yields_until_a_message(false); });
}

TEST_F(GoProcTest, YieldLockedProgress) {
  on_goroutine([] { yields_until_a_message(true); });
}

TEST_F(GoProcTest, YieldLocked) {
  on_goroutine([] {
    const weft::chan<void> c(1);
    weft::go([=] {
      weft::lock_os_thread();
      for (int i = 0; i < 10; ++i) {
        weft::yield();
        weft::sleep_for(100us);
      }
      c.send();
      // ends locked: its thread ends with it
    });
    EXPECT_TRUE(c.recv());
  });
}

/// Each of `procs` goroutines spins, without a call into weft, until the one before it has counted:
/// this ends only if all of them run at the same time.
void pass_a_counter_round(int procs) {
  const weft::wait_group all;
  std::atomic<unsigned> counter{0};
  const auto p = static_cast<unsigned>(procs);
  for (unsigned me = 0; me < p; ++me)
    all.go([&counter, me, p] {
      for (unsigned turn = 0; turn < 3; ++turn) {
        while (counter != me + p * turn) {
        }
        ++counter;
      }
    });
  all.wait();
}

TEST_F(GoProcTest, GoroutineParallelism) {
  const procs_scope four(4);
  for (int i = 0; i < 3; ++i) {
    pass_a_counter_round(3);  // from a plain thread
    weft::run([] { pass_a_counter_round(4); });
  }
}

// The same with nested starts and after other load.
TEST_F(GoProcTest, GoroutineParallelism2) {
  const procs_scope four(4);
  weft::run([] {
    weft::wait_group load;
    for (int i = 0; i < 100; ++i) load.go([] { weft::sleep_for(100us); });
    load.wait();
    for (int i = 0; i < 3; ++i) {
      const weft::wait_group nested;
      nested.go([=] { nested.go([] { pass_a_counter_round(4); }); });
      nested.wait();
    }
  });
}

TEST_F(GoProcTest, BlockLocked) {
  on_goroutine([] {
    const weft::chan<bool> c;
    weft::go([=] {
      weft::lock_os_thread();
      for (int i = 0; i < 10; ++i) c.send(true);
      weft::unlock_os_thread();
    });
    for (int i = 0; i < 10; ++i) EXPECT_EQ(c.recv(), true);
  });
}

void empty_read() { EXPECT_EQ(::read(-1, nullptr, 0), -1); }

// A timer fires although two goroutines keep a channel, and the processors, busy for ever.
void fires_beside_a_busy_channel(bool with_empty_reads) {
  const weft::chan<int> busy;
  const weft::chan<void> done;
  weft::wait_group all;
  all.go([=] {
    while (weft::select(weft::on_send(busy, 1), weft::on_recv(done)) == 0) {
      if (with_empty_reads) empty_read();
    }
  });
  all.go([=] {
    while (weft::select(weft::on_recv(busy), weft::on_recv(done)) == 0) {
      if (with_empty_reads) empty_read();
    }
  });
  weft::after(5ms).recv();
  done.close();
  all.wait();
}

TEST_F(GoProcTest, BigMaxProcs) {
  const procs_scope restore(1024);
  EXPECT_EQ(weft::max_procs(), 1024);
  weft::wait_group all;
  std::atomic<int> ran{0};
  for (int i = 0; i < 100; ++i)
    all.go([&] {
      weft::yield();
      ++ran;
    });
  all.wait();
  EXPECT_EQ(ran, 100);
}

TEST_F(GoProcTest, NumGoroutine) {
  const std::size_t before = weft::num_goroutines();
  weft::run([&] {
    EXPECT_EQ(weft::num_goroutines(), before + 1);
    const weft::chan<void> gate;
    for (std::size_t i = 1; i <= 5; ++i) {
      weft::go([=] { gate.recv(); });
      EXPECT_EQ(weft::num_goroutines(), before + 1 + i);
    }
    gate.close();
  });
}

/// Two goroutines that hand a turn to and fro and work in between, until told to stop.
void ping_pong(const weft::wait_group& all, const std::atomic<bool>& stop, int work,
               std::atomic<int>& turns) {
  const weft::chan<void> there;
  const weft::chan<void> back;
  const auto busy = [work] {
    for (int i = 0; i < work; ++i) asm volatile("");
  };
  all.go([=, &stop, &turns] {
    while (!stop) {
      busy();
      ++turns;
      there.send();
      back.recv();
    }
    there.close();
  });
  all.go([=] {
    while (there.recv()) {
      busy();
      back.send();
    }
  });
}

// A pair that works hard between its turns does not keep a pair that works little from its own.
TEST_F(GoProcTest, PingPongHog) {
  const procs_scope one(1);
  const weft::wait_group all;
  std::atomic<bool> stop{false};
  std::atomic<int> hog{0};
  std::atomic<int> light{0};
  ping_pong(all, stop, 100'000, hog);
  ping_pong(all, stop, 1'000, light);
  EXPECT_TRUE(eventually([&] { return hog >= 50 && light >= 50; }));
  stop = true;
  all.wait();
}

TEST_F(GoProcTest, LockOSThreadNesting) {
  on_goroutine([] {
    weft::lock_os_thread();
    weft::lock_os_thread();
    weft::unlock_os_thread();
    const auto thread = std::this_thread::get_id();
    weft::wait_group others;
    for (int i = 0; i < 10; ++i)
      others.go([=] { EXPECT_NE(std::this_thread::get_id(), thread) << "the lock was undone"; });
    others.wait();
    weft::unlock_os_thread();
  });
}

TEST_F(GoProcTest, LockOSThreadExit) {
  on_goroutine([] {
    const weft::chan<long> id(1);
    weft::go([=] {
      weft::lock_os_thread();
      id.send(::syscall(SYS_gettid));
    });
    const std::string task = "/proc/self/task/" + std::to_string(id.recv().value());
    EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(task); }))
        << "a thread outlived the goroutine that ended tied to it";
  });
}

// After a park a goroutine may be on another thread: what it knows of itself must have come along.
TEST_F(GoProcTest, GetgThreadSwitch) {
  on_goroutine([] {
    weft::wait_group all;
    const weft::chan<int> c;
    for (int g = 0; g < 8; ++g)
      all.go([=] {
        const auto own = std::make_shared<int>(g);
        for (int i = 0; i < scaled(500); ++i) {
          if (g % 2 == 0)
            c.send(g);
          else
            EXPECT_EQ(c.recv().value() % 2, 0);
          ASSERT_EQ(*own, g);
        }
      });
    all.wait();
  });
}

TEST_F(GoProcTest, TimerFairness) {
  on_goroutine([] { fires_beside_a_busy_channel(false); });
}

TEST_F(GoProcTest, TimerFairness2) {
  on_goroutine([] { fires_beside_a_busy_channel(true); });
}

}  // namespace
