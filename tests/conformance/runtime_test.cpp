// The rules of the runtime: processors, counts, yield, run, threads.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::on_goroutine;
using weft_test::procs_scope;
using weft_test::scaled;
using weft_test::what_thrown;

using MaxProcs = weft_test::fixture;
using NumGoroutines = weft_test::fixture;
using Yield = weft_test::fixture;
using MainGoroutine = weft_test::fixture;
using LockOsThread = weft_test::fixture;

TEST_F(MaxProcs, SetReturnsTheOldValue) {
  const procs_scope restore(3);
  EXPECT_EQ(weft::max_procs(), 3);
  EXPECT_EQ(weft::set_max_procs(2), 3);
  EXPECT_EQ(weft::set_max_procs(5), 2);
  EXPECT_EQ(weft::max_procs(), 5);
}

TEST_F(MaxProcs, LessThanOneOnlyAsks) {
  const procs_scope restore(3);
  EXPECT_EQ(weft::set_max_procs(0), 3);
  EXPECT_EQ(weft::set_max_procs(-1), 3);
  EXPECT_EQ(weft::max_procs(), 3);
}

TEST_F(MaxProcs, DefaultIsPositiveAndNotAboveTheMachine) {
  EXPECT_GE(weft::num_cpu(), 1);
  EXPECT_GE(weft::max_procs(), 1);
  if (std::getenv("WEFT_MAXPROCS") == nullptr) {
    EXPECT_LE(weft::max_procs(), weft::num_cpu());
  }
}

TEST_F(MaxProcs, MayBeSetFromAGoroutine) {
  const procs_scope restore(2);
  weft::run([] {
    for (const int n : {1, 4, 2, 8, 1}) {
      weft::set_max_procs(n);
      EXPECT_EQ(weft::max_procs(), n);
      weft::yield();
    }
  });
}

TEST_F(MaxProcs, MayChangeWhileGoroutinesRun) {
  const procs_scope restore(2);
  const int count = scaled(5000);
  const weft::chan<int> c;
  weft::wait_group all;
  std::atomic<long> sum{0};
  for (int r = 0; r < 8; ++r)
    all.go([&, c] {
      for (const int v : c) sum += v;
    });
  std::thread changer([] {
    for (int i = 0; i < scaled(300); ++i) {
      weft::set_max_procs(1 + i * 7 % 6);
      std::this_thread::yield();
    }
  });
  for (int i = 1; i <= count; ++i) c.send(i);
  c.close();
  all.wait();
  changer.join();
  EXPECT_EQ(sum, static_cast<long>(count) * (count + 1) / 2);
}

TEST_F(NumGoroutines, CountsFromGoUntilTheEnd) {
  everywhere([] {
    const std::size_t before = weft::num_goroutines();
    const weft::chan<void> gate;
    for (int i = 0; i < 10; ++i) weft::go([=] { gate.recv(); });
    EXPECT_EQ(weft::num_goroutines(), before + 10);
    let_others_run();
    EXPECT_EQ(weft::num_goroutines(), before + 10) << "a parked one counts too";
    gate.close();
    EXPECT_TRUE(eventually([&] { return weft::num_goroutines() == before; }));
  });
}

TEST_F(NumGoroutines, PlainThreadsAreNotCounted) {
  const std::size_t before = weft::num_goroutines();
  const weft::chan<void> gate;
  std::thread plain([=] { gate.recv(); });
  EXPECT_EQ(weft::num_goroutines(), before);
  gate.close();
  plain.join();
  EXPECT_EQ(weft::num_goroutines(), before);
}

TEST_F(NumGoroutines, TheMainGoroutineIsOne) {
  const std::size_t before = weft::num_goroutines();
  EXPECT_EQ(weft::run([] { return weft::num_goroutines(); }), before + 1);
}

TEST_F(Yield, LetsOthersRunOnOneProcessor) {
  weft_test::on_one_processor([] {
    std::atomic<bool> ran{false};
    weft::go([&] { ran = true; });
    while (!ran) weft::yield();
  });
}

TEST_F(Yield, StarvesNobody) {
  on_goroutine([] {
    std::atomic<bool> stop{false};
    std::array<std::atomic<int>, 8> turns{};
    weft::wait_group all;
    for (std::atomic<int>& t : turns)
      all.go([&] {
        while (!stop) {
          ++t;
          weft::yield();
        }
      });
    for (std::atomic<int>& t : turns) EXPECT_TRUE(eventually([&] { return t >= 100; }));
    stop = true;
    all.wait();
  });
}

TEST_F(Yield, OnAPlainThreadReturns) {
  for (int i = 0; i < 10; ++i) weft::yield();
}

// A pair that hands a value to and fro must not keep a third goroutine from its turn.
TEST_F(Yield, PingPongPairsStarveNobody) {
  on_goroutine([] {
    const weft::chan<int> ping;
    const weft::chan<int> pong;
    weft::go([=] {
      for (const int v : ping) pong.send(v);
      pong.close();
    });
    std::atomic<bool> third_ran{false};
    weft::go([&, ping, pong] {
      while (!third_ran) {
        ping.send(1);
        pong.recv();
      }
      ping.close();
    });
    weft::yield();
    weft::wait_group third;
    third.go([&] { third_ran = true; });
    third.wait();
    EXPECT_TRUE(eventually([] { return weft::num_goroutines() == 1; }));
  });
}

TEST_F(MainGoroutine, ReturnsWhatTheFunctionReturns) {
  EXPECT_EQ(weft::run([] { return 7; }), 7);
  EXPECT_EQ(*weft::run([] { return std::make_unique<int>(8); }), 8);
  bool ran = false;
  weft::run([&] { ran = true; });
  EXPECT_TRUE(ran);
}

TEST_F(MainGoroutine, ThrowsWhatTheFunctionThrows) {
  EXPECT_EQ(what_thrown<std::runtime_error>(
                [] { weft::run([] { throw std::runtime_error("from main"); }); }),
            "from main");
  EXPECT_THROW(weft::run([]() -> int { throw 5; }), int);
}

TEST_F(MainGoroutine, MayBeCalledAgainAndFromAGoroutine) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(weft::run([=] { return i; }), i);
  EXPECT_EQ(weft::run([] { return weft::run([] { return 3; }); }), 3);
}

TEST_F(MainGoroutine, DoesNotWaitForTheOthers) {
  const weft::chan<void> gate;
  weft::run([=] { weft::go([=] { gate.recv(); }); });
  EXPECT_TRUE(eventually([] { return weft::num_goroutines() == 1; }));
  gate.close();
}

TEST_F(LockOsThread, KeepsTheThreadAcrossParks) {
  on_goroutine([] {
    weft::wait_group all;
    const weft::chan<int> c;
    for (int g = 0; g < 4; ++g)
      all.go([=] {
        weft::lock_os_thread();
        const auto mine = std::this_thread::get_id();
        for (int i = 0; i < scaled(200); ++i) {
          if (g % 2 == 0)
            c.send(i);
          else
            c.recv();
          weft::yield();
          ASSERT_EQ(std::this_thread::get_id(), mine);
        }
        weft::sleep_for(1ms);
        EXPECT_EQ(std::this_thread::get_id(), mine);
        weft::unlock_os_thread();
      });
    all.wait();
  });
}

TEST_F(LockOsThread, IsCounted) {
  on_goroutine([] {
    weft::lock_os_thread();
    weft::lock_os_thread();
    weft::unlock_os_thread();
    const auto mine = std::this_thread::get_id();
    for (int i = 0; i < 50; ++i) {
      weft::yield();
      EXPECT_EQ(std::this_thread::get_id(), mine);
    }
    weft::unlock_os_thread();
  });
}

TEST_F(LockOsThread, NothingElseRunsOnTheThread) {
  on_goroutine([] {
    const weft::chan<void> go_on;
    const weft::chan<std::thread::id> locked;
    weft::wait_group all;
    all.go([=] {
      weft::lock_os_thread();
      locked.send(std::this_thread::get_id());
      go_on.recv();
      weft::unlock_os_thread();
    });
    const auto theirs = locked.recv().value();
    weft::wait_group others;
    for (int i = 0; i < 50; ++i)
      others.go([=] {
        EXPECT_NE(std::this_thread::get_id(), theirs);
        weft::yield();
        EXPECT_NE(std::this_thread::get_id(), theirs);
      });
    others.wait();
    go_on.send();
    all.wait();
  });
}

TEST_F(LockOsThread, HasNoEffectOnAPlainThread) {
  weft::lock_os_thread();
  weft::yield();
  weft::unlock_os_thread();
}

}  // namespace
