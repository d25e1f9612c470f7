// The rules of time: sleep, after, timer, after_func, ticker. Nothing is ever early; how late it
// may be is for a benchmark to say.

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft::channel_status;
using weft::clock;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::scaled;

using Sleep = weft_test::fixture;
using After = weft_test::fixture;
using Timer = weft_test::fixture;
using AfterFunc = weft_test::fixture;
using Ticker = weft_test::fixture;

TEST_F(Sleep, LastsAtLeastAsLongAsAsked) {
  everywhere([] {
    for (const auto d : {1us, 100us, 2000us, 12'345us}) {
      const auto start = clock::now();
      weft::sleep_for(d);
      EXPECT_GE(clock::now() - start, d);
    }
    const auto until = clock::now() + 3ms;
    weft::sleep_until(until);
    EXPECT_GE(clock::now(), until);
    const auto wall = std::chrono::system_clock::now();
    weft::sleep_until(wall + 3ms);
    weft::sleep_until(wall - 1h);
  });
}

TEST_F(Sleep, ReturnsAtOnceForNothing) {
  everywhere([] {
    weft::sleep_for(0s);
    weft::sleep_for(-1h);
    weft::sleep_for(std::chrono::hours::min());
    weft::sleep_until(weft::time_point::min());
  });
}

TEST_F(Sleep, LetsOthersRun) {
  weft_test::on_one_processor([] {
    std::atomic<bool> ran{false};
    weft::go([&] { ran = true; });
    while (!ran) weft::sleep_for(100us);
  });
}

TEST_F(Sleep, ManySleepersAllWake) {
  everywhere([] {
    weft::wait_group all;
    for (int i = 0; i < scaled(2000); ++i)
      all.go([i] {
        const auto d = std::chrono::microseconds(i * 7919 % 5000);
        const auto start = clock::now();
        weft::sleep_for(d);
        EXPECT_GE(clock::now() - start, d);
      });
    all.wait();
  });
}

TEST_F(After, DeliversTheTimeItWasDue) {
  everywhere([] {
    const auto start = clock::now();
    const auto due = weft::after(3ms).recv().value();
    const auto now = clock::now();
    EXPECT_GE(due, start + 3ms);
    EXPECT_LE(due, now) << "early";
  });
}

TEST_F(After, DeliversOnce) {
  everywhere([] {
    const weft::recv_chan<weft::time_point> c = weft::after(1ms);
    c.recv();
    EXPECT_EQ(c.recv_for(2ms).status(), channel_status::timeout);
  });
}

TEST_F(After, OfNothingIsDueAtOnce) {
  everywhere([] {
    weft::after(0s).recv();
    weft::after(-1h).recv();
  });
}

TEST_F(After, IsACaseOfSelect) {
  everywhere([] {
    const weft::chan<int> c;
    EXPECT_EQ(weft::select(weft::on_recv(c), weft::on_recv(weft::after(1ms))), 1U);
    weft::go([=] { c.send(1); });
    EXPECT_EQ(weft::select(weft::on_recv(c), weft::on_recv(weft::after(1h))), 0U);
  });
}

TEST_F(Timer, ChannelShowsNoSizeAndNoCapacity) {
  everywhere([] {
    const weft::timer t(1ms);
    EXPECT_EQ(t.channel().capacity(), 0U);
    EXPECT_EQ(t.channel().size(), 0U);
    weft::sleep_for(3ms);
    EXPECT_EQ(t.channel().size(), 0U);
    t.channel().recv();
  });
}

TEST_F(Timer, StopTellsWhetherItWasPending) {
  everywhere([] {
    const weft::timer t(1h);
    EXPECT_TRUE(t.stop());
    EXPECT_FALSE(t.stop());
    const weft::timer fired(0s);
    fired.channel().recv();
    EXPECT_FALSE(fired.stop());
  });
}

TEST_F(Timer, NothingIsReceivedAfterStop) {
  everywhere([] {
    for (const auto d : {0us, 50us, 1000us}) {
      const weft::timer t(d);
      weft::sleep_for(500us);
      EXPECT_TRUE(t.stop()) << "no receive had happened";
      EXPECT_EQ(t.channel().try_recv().status(), channel_status::would_block);
      EXPECT_EQ(t.channel().recv_for(2ms).status(), channel_status::timeout);
    }
  });
}

TEST_F(Timer, ResetSetsItAnew) {
  everywhere([] {
    const weft::timer t(1h);
    const auto start = clock::now();
    EXPECT_TRUE(t.reset(2ms));
    EXPECT_GE(t.channel().recv().value(), start + 2ms);
    EXPECT_FALSE(t.reset(1ms));
    t.channel().recv();
    EXPECT_FALSE(t.stop());
  });
}

TEST_F(Timer, NothingOfAnEarlierSettingIsReceivedAfterReset) {
  everywhere([] {
    const weft::timer t(0s);
    weft::sleep_for(1ms);
    const auto start = clock::now();
    EXPECT_TRUE(t.reset(3ms));
    EXPECT_GE(t.channel().recv().value(), start + 3ms);
    EXPECT_EQ(t.channel().try_recv().status(), channel_status::would_block);
  });
}

TEST_F(Timer, HandlesAreReferences) {
  everywhere([] {
    const weft::timer t(1h);
    const weft::timer same = t;  // NOLINT: the copy is the test
    EXPECT_TRUE(same.stop());
    EXPECT_FALSE(t.stop());
    EXPECT_TRUE(t.channel() == same.channel());
  });
}

TEST_F(Timer, MayFireAfterItsHandleIsGone) {
  everywhere([] {
    weft::recv_chan<weft::time_point> c;
    {
      const weft::timer t(1ms);
      c = t.channel();
    }
    c.recv();
  });
}

TEST_F(Timer, ThatNobodyRefersToIsGone) {
  everywhere([] {
    for (int i = 0; i < scaled(2000); ++i) static_cast<void>(weft::timer(1h));
    for (int i = 0; i < 50; ++i) static_cast<void>(weft::timer(std::chrono::microseconds(i)));
    weft::sleep_for(1ms);
  });
}

TEST_F(AfterFunc, RunsOnceInAGoroutineOfItsOwn) {
  everywhere([] {
    const weft::chan<std::pair<clock::time_point, std::size_t>> ran(2);
    const auto start = clock::now();
    const weft::timer t = weft::after_func(1ms, [=] {
      ran.send({clock::now(), weft::num_goroutines()});
    });
    EXPECT_FALSE(t.channel()) << "it has no channel";
    const auto [when, goroutines] = ran.recv().value();
    EXPECT_GE(when, start + 1ms);
    EXPECT_GE(goroutines, 1U);
    EXPECT_FALSE(t.stop());
    EXPECT_EQ(ran.recv_for(2ms).status(), channel_status::timeout);
  });
}

TEST_F(AfterFunc, StopPreventsTheCall) {
  everywhere([] {
    std::atomic<bool> ran{false};
    const weft::timer t = weft::after_func(1h, [&] { ran = true; });
    EXPECT_TRUE(t.stop());
    EXPECT_FALSE(t.stop());
    let_others_run();
    EXPECT_FALSE(ran);
  });
}

TEST_F(AfterFunc, StopAndTheCallAgree) {
  everywhere([] {
    for (int i = 0; i < scaled(200); ++i) {
      const weft::chan<void> ran(1);
      const weft::timer t =
          weft::after_func(std::chrono::microseconds(i % 50), [=] { ran.send(); });
      for (int spin = 0; spin < i % 7; ++spin) weft::yield();
      if (t.stop()) {
        weft::yield();
        ASSERT_EQ(ran.size(), 0U) << "stopped, and yet it ran";
      } else {
        ASSERT_TRUE(ran.recv());
      }
    }
  });
}

TEST_F(AfterFunc, ResetAsksForAnotherCall) {
  everywhere([] {
    const weft::chan<void> ran(4);
    const weft::timer t = weft::after_func(1h, [=] { ran.send(); });
    EXPECT_TRUE(t.reset(0s));
    ran.recv();
    EXPECT_FALSE(t.reset(1ms));
    ran.recv();
    EXPECT_EQ(ran.recv_for(2ms).status(), channel_status::timeout);
  });
}

TEST_F(AfterFunc, DroppingTheHandleDoesNotCancelTheCall) {
  everywhere([] {
    const weft::chan<void> ran;
    weft::after_func(1ms, [=] { ran.send(); });
    EXPECT_TRUE(ran.recv());
  });
}

TEST_F(AfterFunc, FunctionIsDestroyedWhenItIsOver) {
  everywhere([] {
    {
      const weft::timer stopped = weft::after_func(1h, [v = weft_test::counted(1)] {});
      EXPECT_TRUE(stopped.stop());
      weft::after_func(0s, [v = weft_test::counted(2)] {});
    }
    EXPECT_TRUE(eventually([] { return weft_test::counted::alive() == 0; }));
  });
}

TEST_F(AfterFunc, MayPark) {
  everywhere([] {
    const weft::chan<int> c;
    weft::after_func(0s, [=] {
      for (int i = 0; i < 3; ++i) c.send(i);
    });
    for (int i = 0; i < 3; ++i) EXPECT_EQ(c.recv(), i);
  });
}

TEST_F(Ticker, TicksAreDueAPeriodApart) {
  everywhere([] {
    const auto start = clock::now();
    const weft::ticker t(1ms);
    weft::time_point last = t.channel().recv().value();
    EXPECT_GE(last, start + 1ms);
    for (int i = 0; i < 5; ++i) {
      const weft::time_point due = t.channel().recv().value();
      EXPECT_LE(due, clock::now()) << "early";
      EXPECT_GT(due, last);
      EXPECT_EQ((due - last) % 1ms, 0ns) << "the phase is kept";
      last = due;
    }
    t.stop();
  });
}

// A ticker that kept them all would deliver the next one a single period later, every time.
TEST_F(Ticker, ASlowReceiverLosesTicks) {
  everywhere([] {
    const weft::ticker t(1ms);
    EXPECT_TRUE(eventually([&] {
      weft::sleep_for(10ms);
      EXPECT_EQ(t.channel().size(), 0U);
      const weft::time_point kept = t.channel().recv().value();
      return t.channel().recv().value() - kept > 1ms;
    }));
    t.stop();
  });
}

TEST_F(Ticker, StopEndsItWithoutClosingItsChannel) {
  everywhere([] {
    const weft::ticker t(500us);
    weft::sleep_for(2ms);
    t.stop();
    EXPECT_EQ(t.channel().try_recv().status(), channel_status::would_block);
    EXPECT_EQ(t.channel().recv_for(3ms).status(), channel_status::timeout);
    t.stop();
  });
}

TEST_F(Ticker, ResetSetsThePeriodAndTheNextTick) {
  everywhere([] {
    const weft::ticker t(1h);
    const auto start = clock::now();
    t.reset(1ms);
    const weft::time_point first = t.channel().recv().value();
    EXPECT_GE(first, start + 1ms);
    EXPECT_GT(t.channel().recv().value(), first);
    t.stop();
    t.reset(1ms);
    t.channel().recv();
  });
}

TEST_F(Ticker, ThatNobodyRefersToIsGone) {
  everywhere([] {
    for (int i = 0; i < scaled(500); ++i) static_cast<void>(weft::ticker(10us));
    weft::sleep_for(1ms);
  });
}

}  // namespace
