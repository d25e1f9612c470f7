// The rules of wait groups, and what Go's own waitgroup_test asserts.

#include <array>
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::scaled;
using weft_test::what_thrown;

using WaitGroup = weft_test::fixture;
using GoWaitGroupTest = weft_test::fixture;

TEST_F(WaitGroup, WaitReturnsAtOnceAtZero) {
  everywhere([] {
    const weft::wait_group wg;
    wg.wait();
    wg.add(2);
    wg.add(-2);
    wg.wait();
    EXPECT_TRUE(wg.wait_for(-1s));
  });
}

TEST_F(WaitGroup, WaitReturnsOnlyWhenAllAreDone) {
  everywhere([] {
    const weft::wait_group wg;
    std::atomic<int> finished{0};
    for (int i = 0; i < 50; ++i)
      wg.go([&] {
        weft::yield();
        ++finished;
      });
    wg.wait();
    EXPECT_EQ(finished, 50);
  });
}

TEST_F(WaitGroup, ReleasesEveryWaiter) {
  everywhere([] {
    const weft::wait_group wg;
    wg.add(1);
    const weft::chan<void> released(10);
    for (int i = 0; i < 9; ++i)
      weft::go([=] {
        wg.wait();
        released.send();
      });
    std::thread plain([=] {
      wg.wait();
      released.send();
    });
    let_others_run();
    EXPECT_EQ(released.size(), 0U);
    wg.done();
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(released.recv());
    plain.join();
  });
}

TEST_F(WaitGroup, HandlesCountTogether) {
  everywhere([] {
    const weft::wait_group a;
    weft::wait_group b;
    b = a;
    const weft::wait_group c = b;  // NOLINT: the copy is the test
    a.add(3);
    EXPECT_FALSE(c.wait_for(1ms));
    a.done();
    b.done();
    c.done();
    a.wait();
  });
}

TEST_F(WaitGroup, BelowZeroThrowsGosWordsAndCountsNothing) {
  everywhere([] {
    const weft::wait_group wg;
    const std::string words = "sync: negative WaitGroup counter";
    EXPECT_EQ(what_thrown<std::logic_error>([&] { wg.done(); }), words);
    EXPECT_EQ(what_thrown<std::logic_error>([&] { wg.add(-5); }), words);
    wg.add(2);
    EXPECT_EQ(what_thrown<std::logic_error>([&] { wg.add(-3); }), words);
    EXPECT_FALSE(wg.wait_for(1ms)) << "the count changed";
    wg.add(-2);
    EXPECT_TRUE(wg.wait_for(0s));
  });
}

TEST_F(WaitGroup, AboveItsLimitThrowsAndCountsNothing) {
  const weft::wait_group wg;
  wg.add(2'147'483'647);
  EXPECT_THROW(wg.add(1), std::logic_error);
  wg.add(-2'147'483'647);
  wg.wait();
}

TEST_F(WaitGroup, GoCountsUntilTheFunctionReturns) {
  everywhere([] {
    const weft::wait_group wg;
    const weft::chan<void> gate;
    wg.go([=] { gate.recv(); });
    wg.go(weft::named("second"), [=] { gate.recv(); });
    EXPECT_FALSE(wg.wait_for(1ms));
    gate.close();
    wg.wait();
  });
}

TEST_F(WaitGroup, ExitGoroutineIsStillDone) {
  everywhere([] {
    const weft::wait_group wg;
    bool unwound = false;
    wg.go([&] {
      weft::defer d{[&] { unwound = true; }};
      weft::exit_goroutine();
    });
    wg.wait();
    EXPECT_TRUE(unwound);
  });
}

TEST_F(WaitGroup, WhatItsFunctionsCapturedIsGoneWhenWaitReturns) {
  everywhere([] {
    for (int i = 0; i < scaled(500); ++i) {
      const weft::wait_group wg;
      wg.go([v = weft_test::counted(1)] {});
      wg.go([v = weft_test::counted(2)] { weft::exit_goroutine(); });
      wg.wait();
      ASSERT_EQ(weft_test::counted::alive(), 0);
    }
  });
}

TEST_F(WaitGroup, BoundedWaitGivesUpNotEarly) {
  everywhere([] {
    const weft::wait_group wg;
    wg.add(1);
    const auto start = weft::clock::now();
    EXPECT_FALSE(wg.wait_for(5ms));
    EXPECT_GE(weft::clock::now() - start, 5ms);
    const auto until = weft::clock::now() + 5ms;
    EXPECT_FALSE(wg.wait_until(until));
    EXPECT_GE(weft::clock::now(), until);
    EXPECT_FALSE(wg.wait_until(std::chrono::system_clock::now() - 1h));
    weft::go([=] { wg.done(); });
    EXPECT_TRUE(wg.wait_for(1h));
  });
}

TEST_F(WaitGroup, LivesUntilItsLastHandleIsGone) {
  everywhere([] {
    for (int i = 0; i < scaled(500); ++i) {
      weft::chan<void> waited;
      {
        const weft::wait_group wg;
        wg.add(1);
        weft::go([wg, waited] {
          wg.wait();
          waited.send();
        });
        wg.done();
      }
      EXPECT_TRUE(waited.recv());
    }
  });
}

TEST_F(WaitGroup, IsReusedRoundAfterRound) {
  everywhere([] {
    const weft::wait_group wg;
    int value = 0;
    for (int round = 0; round < scaled(500); ++round) {
      wg.go([&] { ++value; });
      wg.wait();
      ASSERT_EQ(value, round + 1);
    }
  });
}

// Two barriers of sixteen: nobody passes the first before all came, nor the second before main did.
TEST_F(GoWaitGroupTest, WaitGroup) {
  everywhere([] {
    const weft::wait_group first;
    const weft::wait_group second;
    constexpr int n = 16;
    for (int repeat = 0; repeat < 8; ++repeat) {
      first.add(n);
      second.add(n);
      const weft::chan<bool> exited(n);
      for (int i = 0; i < n; ++i)
        weft::go([=] {
          first.done();
          second.wait();
          exited.send(true);
        });
      first.wait();
      for (int i = 0; i < n; ++i) {
        EXPECT_EQ(exited.try_recv().status(), weft::channel_status::would_block)
            << "released too soon";
        second.done();
      }
      for (int i = 0; i < n; ++i) EXPECT_EQ(exited.recv(), true);
    }
  });
}

TEST_F(GoWaitGroupTest, Misuse) {
  const weft::wait_group wg;
  wg.add(1);
  wg.done();
  EXPECT_EQ(what_thrown<std::logic_error>([&] { wg.done(); }), "sync: negative WaitGroup counter");
}

TEST_F(GoWaitGroupTest, Race) {
  everywhere([] {
    for (int i = 0; i < scaled(1000); ++i) {
      const weft::wait_group wg;
      std::atomic<int> n{0};
      wg.add(1);
      weft::go([wg, &n] {
        ++n;
        wg.done();
      });
      wg.add(1);
      weft::go([wg, &n] {
        ++n;
        wg.done();
      });
      wg.wait();
      ASSERT_EQ(n, 2);
    }
  });
}

TEST_F(GoWaitGroupTest, Go) {
  everywhere([] {
    const weft::wait_group wg;
    std::array<int, 100> done{};
    for (int& d : done) wg.go([&d] { d = 1; });
    wg.wait();
    for (const int d : done) EXPECT_EQ(d, 1);
  });
}

}  // namespace
