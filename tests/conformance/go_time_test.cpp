// What Go's own sleep_test.go and tick_test.go assert, written anew from their rules. Upper bounds
// of time are left out: they belong to a benchmark.

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft::channel_status;
using weft::clock;
using weft::on_default;
using weft::on_recv;
using weft::select;
using weft_test::eventually;
using weft_test::let_others_run;
using weft_test::on_goroutine;
using weft_test::scaled;
using weft_test::what_thrown;

using GoSleepTest = weft_test::fixture;
using GoTickTest = weft_test::fixture;

TEST_F(GoSleepTest, AfterFuncChain) {
  on_goroutine([] {
    const weft::chan<void> end;
    const auto left = std::make_shared<std::atomic<int>>(10);
    struct link {
      std::shared_ptr<std::atomic<int>> left;
      weft::chan<void> end;
      void operator()() const {
        if (--*left == 0)
          end.send();
        else
          weft::after_func(0s, *this);
      }
    };
    weft::after_func(0s, link{left, end});
    EXPECT_TRUE(end.recv());
    EXPECT_EQ(*left, 0);
  });
}

TEST_F(GoSleepTest, TickerStress) {
  on_goroutine([] {
    std::atomic<bool> stop{false};
    weft::wait_group work;
    work.go([&] {
      while (!stop) {
        std::vector<int> garbage(1000, 1);
        ASSERT_EQ(garbage.back(), 1);
        weft::yield();
      }
    });
    const weft::ticker t(1ns);
    for (int i = 0; i < scaled(400); ++i) t.channel().recv();
    t.stop();
    stop = true;
    work.wait();
  });
}

TEST_F(GoSleepTest, TickerConcurrentStress) {
  on_goroutine([] {
    weft::wait_group all;
    for (int i = 0; i < 10; ++i)
      all.go([] {
        const weft::ticker t(1ns);
        for (int n = 0; n < scaled(100); ++n) t.channel().recv();
        t.stop();
      });
    all.wait();
  });
}

// Two timers that re-arm each other at once must not keep an ordinary goroutine from its turn.
TEST_F(GoSleepTest, AfterFuncStarvation) {
  weft_test::on_one_processor([] {
    std::atomic<bool> stop{false};
    struct rearming {
      const std::atomic<bool>* stop;
      weft::wait_group both;
      void operator()() const {
        if (*stop)
          both.done();
        else
          weft::after_func(0s, *this);
      }
    };
    const weft::wait_group both;
    both.add(2);
    for (int i = 0; i < 2; ++i) weft::after_func(0s, rearming{&stop, both});
    const weft::chan<int> c(1);
    for (int i = 0; i < scaled(1000); ++i) {
      weft::go([=] { c.send(i); });
      EXPECT_EQ(c.recv(), i);
      weft::yield();
    }
    stop = true;
    both.wait();
  });
}

TEST_F(GoSleepTest, After) {
  on_goroutine([] {
    const auto start = clock::now();
    const weft::time_point due = weft::after(10ms).recv().value();
    EXPECT_GE(clock::now() - start, 10ms);
    EXPECT_GE(due, start + 10ms);
  });
}

TEST_F(GoSleepTest, AfterTick) {
  on_goroutine([] {
    const auto start = clock::now();
    for (int i = 0; i < 10; ++i) weft::after(1ms).recv();
    EXPECT_GE(clock::now() - start, 10ms);
  });
}

TEST_F(GoSleepTest, AfterStop) {
  on_goroutine([] {
    weft::after_func(1ms, [] {});
    const weft::timer t0(1h);
    const weft::chan<bool> ran(1);
    const weft::timer t1 = weft::after_func(2h, [=] { ran.send(true); });
    EXPECT_TRUE(t0.stop());
    EXPECT_TRUE(t1.stop());
    weft::sleep_for(2ms);
    EXPECT_EQ(select(on_recv(t0.channel()), on_recv(ran), on_default()), 2U);
    EXPECT_FALSE(t0.stop());
    EXPECT_FALSE(t1.stop());
  });
}

bool arrive_in_order(const std::vector<int>& delays, clock::duration unit) {
  const weft::chan<int> result(static_cast<int>(delays.size()));
  const auto start = clock::now();
  for (const int d : delays)
    weft::go([=] {
      weft::after(start + d * unit - clock::now()).recv();
      result.send(d);
    });
  std::vector<int> order;
  for (std::size_t i = 0; i < delays.size(); ++i) {
    order.push_back(result.recv().value());
    EXPECT_GE(clock::now() - start, order.back() * unit) << "early";
  }
  return std::is_sorted(order.begin(), order.end());
}

// A machine that holds a goroutine up for longer than a unit may disturb one attempt, not all.
TEST_F(GoSleepTest, AfterQueuing) {
  on_goroutine([] {
    const std::vector<int> delays{5, 3, 6, 6, 6, 1, 1, 2, 7, 9, 4, 8, 0};
    clock::duration unit = 2ms;
    EXPECT_TRUE(eventually([&] { return arrive_in_order(delays, unit *= 2); }));
  });
}

TEST_F(GoSleepTest, TimerStopStress) {
  on_goroutine([] {
    weft::wait_group all;
    for (int i = 0; i < 100; ++i)
      all.go([] {
        const weft::timer t = weft::after_func(1h, [] { ADD_FAILURE() << "stopped, and yet"; });
        weft::sleep_for(1ms);
        EXPECT_TRUE(t.stop());
      });
    all.wait();
  });
}

TEST_F(GoSleepTest, Reset) {
  on_goroutine([] {
    const weft::timer t(1h);
    EXPECT_TRUE(t.reset(2h));
    EXPECT_EQ(t.channel().try_recv().status(), channel_status::would_block);
    const auto start = clock::now();
    EXPECT_TRUE(t.reset(5ms));
    t.channel().recv();
    EXPECT_GE(clock::now() - start, 5ms);
    EXPECT_FALSE(t.reset(1h));
    EXPECT_TRUE(t.stop());
  });
}

TEST_F(GoSleepTest, OverflowSleep) {
  on_goroutine([] {
    const weft::chan<int> never_first;
    for (const auto huge : {std::chrono::nanoseconds::max(), 9'000'000'000'000'000'000ns})
      EXPECT_EQ(select(on_recv(weft::after(huge)), weft::on_timeout(2ms)), 1U);
    EXPECT_EQ(select(on_recv(weft::after(std::chrono::hours::max())), weft::on_timeout(2ms)), 1U);
    weft::after(-std::chrono::nanoseconds::max()).recv();
    weft::after(std::chrono::nanoseconds::min()).recv();
  });
}

TEST_F(GoSleepTest, ZeroTimer) {
  on_goroutine([] {
    for (int i = 0; i < scaled(20'000); ++i) weft::timer(0s).channel().recv();
    const weft::timer t(1h);
    for (int i = 0; i < scaled(20'000); ++i) {
      t.reset(0s);
      t.channel().recv();
    }
  });
}

TEST_F(GoSleepTest, TimerModifiedEarlier) {
  on_goroutine([] {
    for (int i = 0; i < scaled(1000); ++i) {
      const weft::timer t(1h);
      EXPECT_TRUE(t.reset(-1h));
      t.channel().recv();
    }
  });
}

// Many timers walk through making, resetting and stopping, and each ends as its last step says.
TEST_F(GoSleepTest, AdjustTimers) {
  on_goroutine([] {
    std::vector<weft::timer> timers;
    std::uint32_t random = 12345;
    for (int i = 0; i < 100; ++i) timers.emplace_back(1h);
    for (int step = 0; step < scaled(5000); ++step) {
      random = random * 1664525U + 1013904223U;
      const weft::timer& t = timers[(random >> 8) % timers.size()];
      switch ((random >> 20) % 4) {
        case 0:
          t.reset(1h);
          break;
        case 1:
          t.reset(std::chrono::microseconds(random % 500));
          break;
        case 2:
          t.stop();
          break;
        default:
          weft::yield();
      }
    }
    for (const weft::timer& t : timers) {
      t.reset(100us);
      t.channel().recv();
      EXPECT_EQ(t.channel().try_recv().status(), channel_status::would_block);
    }
  });
}

template <class Act>
void result_agrees_with_what_arrives(Act act) {
  for (int i = 0; i < scaled(500); ++i) {
    const weft::timer t(std::chrono::microseconds(i % 40));
    const weft::chan<bool> received(1);
    const weft::chan<void> give_up;
    weft::go([=] { received.send(select(on_recv(t.channel()), on_recv(give_up)) == 0); });
    for (int spin = 0; spin < i % 5; ++spin) weft::yield();
    const bool pending = act(t);
    if (!pending) {
      ASSERT_EQ(received.recv(), true) << "neither stopped nor delivered";
    } else {
      give_up.close();
      ASSERT_EQ(received.recv(), false) << "stopped, and yet delivered";
    }
  }
}

TEST_F(GoSleepTest, StopResult) {
  on_goroutine(
      [] { result_agrees_with_what_arrives([](const weft::timer& t) { return t.stop(); }); });
}

TEST_F(GoSleepTest, ResetResult) {
  on_goroutine(
      [] { result_agrees_with_what_arrives([](const weft::timer& t) { return t.reset(1h); }); });
}

TEST_F(GoSleepTest, MultiWakeupTicker) {
  on_goroutine([] {
    const weft::ticker t(1us);
    weft::wait_group all;
    for (int g = 0; g < 4; ++g)
      all.go([=] {
        for (int i = 0; i < scaled(200); ++i) t.channel().recv();
      });
    all.wait();
    t.stop();
  });
}

TEST_F(GoSleepTest, MultiWakeupTimer) {
  on_goroutine([] {
    const weft::timer t(1ns);
    const weft::chan<void> give_up;
    std::atomic<int> fired{0};
    weft::wait_group all;
    for (int g = 0; g < 4; ++g)
      all.go([&, t, give_up] {
        while (select(on_recv(t.channel()), on_recv(give_up)) == 0) {
          ++fired;
          t.reset(1ns);
        }
      });
    EXPECT_TRUE(eventually([&] { return fired >= scaled(500); }));
    give_up.close();
    all.wait();
  });
}

TEST_F(GoTickTest, Ticker) {
  on_goroutine([] {
    for (const int count : {5, 10}) {
      const auto start = clock::now();
      const weft::ticker t(2ms);
      for (int i = 0; i < count / 2; ++i) t.channel().recv();
      const auto middle = clock::now();
      t.reset(4ms);
      for (int i = 0; i < count / 2; ++i) t.channel().recv();
      t.stop();
      // A held-up receiver catches up with one kept tick at each setting.
      EXPECT_GE(middle - start, 2ms);
      EXPECT_GE(clock::now() - middle, 4ms);
      EXPECT_EQ(t.channel().recv_for(9ms).status(), channel_status::timeout);
    }
  });
}

TEST_F(GoTickTest, Teardown) {
  on_goroutine([] {
    for (int i = 0; i < 5; ++i) {
      const weft::ticker t(1ms);
      t.channel().recv();
      t.stop();
    }
  });
}

TEST_F(GoTickTest, NewTickerLtZeroDuration) {
  for (const auto d : {0ns, -1ns, -3'600'000'000'000ns})
    EXPECT_EQ(what_thrown<std::invalid_argument>([&] { static_cast<void>(weft::ticker(d)); }),
              "non-positive interval for NewTicker");
}

TEST_F(GoTickTest, ResetLtZeroDuration) {
  const weft::ticker t(1h);
  for (const auto d : {0ns, -1ns})
    EXPECT_EQ(what_thrown<std::invalid_argument>([&] { t.reset(d); }),
              "non-positive interval for Ticker.Reset");
}

TEST_F(GoTickTest, LongAdjustTimers) {
  on_goroutine([] {
    std::atomic<bool> stop{false};
    weft::wait_group churn;
    for (int g = 0; g < 3; ++g)
      churn.go([&] {
        std::vector<weft::timer> many;
        while (!stop) {
          for (int i = 0; i < 50; ++i) many.emplace_back(1h + std::chrono::microseconds(i));
          for (const weft::timer& t : many) t.reset(2h);
          many.clear();
          weft::yield();
        }
      });
    weft::wait_group sleepers;
    for (int g = 0; g < 10; ++g) sleepers.go([] { weft::after(1ms).recv(); });
    sleepers.wait();
    stop = true;
    churn.wait();
  });
}

// The matrix of Timer and Ticker channels: what len, cap, receive, stop, reset and select say.
void nothing_before_its_time(const weft::recv_chan<weft::time_point>& c) {
  EXPECT_EQ(c.size(), 0U);
  EXPECT_EQ(c.capacity(), 0U);
  EXPECT_EQ(c.try_recv().status(), channel_status::would_block);
  EXPECT_EQ(select(on_recv(c), on_default()), 1U);
}

TEST_F(GoTickTest, ChanOfATimer) {
  on_goroutine([] {
    const weft::timer t(1h);
    nothing_before_its_time(t.channel());
    t.stop();
    nothing_before_its_time(t.channel());
    t.reset(1us);
    weft::sleep_for(1ms);
    EXPECT_EQ(t.channel().size(), 0U);
    EXPECT_TRUE(eventually([&] { return select(on_recv(t.channel()), on_default()) == 0; }));
    nothing_before_its_time(t.channel());
    t.reset(1us);
    weft::sleep_for(1ms);
    t.reset(1h);
    nothing_before_its_time(t.channel());
    t.reset(1us);
    weft::sleep_for(1ms);
    t.stop();
    nothing_before_its_time(t.channel());
  });
}

TEST_F(GoTickTest, ChanOfATicker) {
  on_goroutine([] {
    const weft::ticker t(1h);
    nothing_before_its_time(t.channel());
    t.reset(1us);
    weft::sleep_for(1ms);
    EXPECT_EQ(t.channel().size(), 0U);
    t.channel().recv();
    t.reset(1h);
    nothing_before_its_time(t.channel());
    t.reset(1us);
    weft::sleep_for(1ms);
    t.stop();
    nothing_before_its_time(t.channel());
  });
}

TEST_F(GoTickTest, ChanOfAfter) {
  on_goroutine([] { nothing_before_its_time(weft::after(1h)); });
}

// Waiters that wait already when the timer is set anew, stopped or due.
TEST_F(GoTickTest, ChanWithConcurrentWaiters) {
  on_goroutine([] {
    const weft::timer t(1h);
    std::atomic<int> received{0};
    const weft::chan<void> give_up;
    weft::wait_group all;
    for (int g = 0; g < 5; ++g)
      all.go([&, t, give_up] {
        if (select(on_recv(t.channel()), on_recv(give_up)) == 0) ++received;
      });
    let_others_run();
    EXPECT_EQ(received, 0);
    t.reset(1us);
    EXPECT_TRUE(eventually([&] { return received == 1; }));
    t.reset(1us);
    EXPECT_TRUE(eventually([&] { return received == 2; }));
    t.reset(1h);
    t.stop();
    let_others_run();
    EXPECT_EQ(received, 2);
    give_up.close();
    all.wait();
  });
}

TEST_F(GoTickTest, AfterTimes) {
  on_goroutine([] {
    const auto start = clock::now();
    const weft::recv_chan<weft::time_point> c = weft::after(1ms);
    const auto made = clock::now();
    weft::sleep_for(10ms);
    const weft::time_point due = c.recv().value();
    EXPECT_GE(due, start + 1ms);
    EXPECT_LE(due, made + 1ms) << "the value is when it was due, not when it was received";
  });
}

TEST_F(GoTickTest, TickTimes) {
  on_goroutine([] {
    const auto start = clock::now();
    const weft::ticker t(1ms);
    const auto made = clock::now();
    weft::sleep_for(10ms);
    const weft::time_point due = t.channel().recv().value();
    EXPECT_GE(due, start + 1ms);
    EXPECT_LE((due - start) % 1ms, made - start) << "not on the ticker's grid";
    t.stop();
  });
}

}  // namespace
