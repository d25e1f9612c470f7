// Deadlines that cannot overflow, and functions that the clock starts: once, or not at all.
#include <weft/time.hpp>

#include <chrono>
#include <limits>
#include <memory>
#include <optional>

#include <weft/detail/atomic.hpp>

#include "port/clock.hpp"
#include "unit_support.hpp"

namespace {

using namespace std::chrono_literals;
using weft::detail::atomic;
using weft::detail::deadline_after_ns;
using weft::detail::deadline_ns;
using weft::detail::never_ns;
using weft::detail::now_ns;
using weft::detail::to_ns_saturated;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::scaled;

constexpr deadline_ns lowest = std::numeric_limits<deadline_ns>::min();

TEST(deadlines, are_counted_from_now) {
  const deadline_ns before = now_ns();
  const deadline_ns at = deadline_after_ns(1'000);
  EXPECT_GE(at, before + 1'000);
  EXPECT_LE(at, now_ns() + 1'000);
}

TEST(deadlines, beyond_the_clock_are_never) {
  EXPECT_EQ(deadline_after_ns(never_ns), never_ns);
  EXPECT_EQ(deadline_after_ns(never_ns - 1), never_ns);
}

TEST(deadlines, in_the_past_are_not_in_the_future) {
  for (const deadline_ns delay : {deadline_ns{0}, deadline_ns{-1}, lowest + 1, lowest}) {
    const deadline_ns at = deadline_after_ns(delay);
    EXPECT_LE(at, now_ns());
  }
}

TEST(deadlines, saturate_from_any_unit) {
  EXPECT_EQ(to_ns_saturated(5us), 5'000);
  EXPECT_EQ(to_ns_saturated(std::chrono::hours::max()), never_ns);
  EXPECT_EQ(to_ns_saturated(std::chrono::hours::min()), lowest);
  EXPECT_EQ(to_ns_saturated(std::chrono::duration<double>(1e300)), never_ns);
  EXPECT_EQ(to_ns_saturated(std::chrono::duration<double>(-1e300)), lowest);
  EXPECT_EQ(to_ns_saturated(std::chrono::duration<double>(0.5)), 500'000'000);
  EXPECT_EQ(to_ns_saturated(
                std::chrono::duration<float, std::nano>(std::numeric_limits<float>::quiet_NaN())),
            never_ns);
}

using sleeping = weft_test::fixture;

TEST_F(sleeping, lasts_at_least_as_long_as_asked) {
  everywhere([] {
    for (int i = 0; i < 20; ++i) {
      const deadline_ns at = now_ns() + 200'000;
      weft::sleep_for(200us);
      ASSERT_GE(now_ns(), at);
    }
  });
}

TEST_F(sleeping, for_nothing_or_less_returns) {
  everywhere([] {
    weft::sleep_for(0s);
    weft::sleep_for(std::chrono::hours::min());
    weft::sleep_until(weft::time_point::min());
    weft::sleep_until(std::chrono::system_clock::now() - 1h);
  });
}

using after_func = weft_test::fixture;

TEST_F(after_func, calls_once_and_not_too_early) {
  everywhere([] {
    const weft::chan<deadline_ns> called(2);
    const deadline_ns earliest = now_ns() + 200'000;
    const weft::timer t = weft::after_func(200us, [=] { called.send(now_ns()); });
    EXPECT_GE(called.recv().value(), earliest);
    EXPECT_FALSE(t.stop());
    EXPECT_FALSE(called.try_recv());
    EXPECT_FALSE(t.channel());
  });
}

/// Every setting either calls or was stopped: as stop() says.
TEST_F(after_func, that_was_stopped_in_time_does_not_call) {
  everywhere([] {
    atomic<int> calls{0};
    unit::sequence s(1);
    int expected = 0;
    for (int i = 0; i < scaled(1'000); ++i) {
      const weft::timer t =
          weft::after_func(std::chrono::nanoseconds(unit::below(s, 3'000)), [&] { ++calls; });
      if (i % 3 == 0) weft::yield();
      if (!t.stop()) ++expected;
    }
    EXPECT_TRUE(eventually([&] { return calls.load() == expected; }));
    weft_test::let_others_run();
    EXPECT_EQ(calls.load(), expected);
  });
}

TEST_F(after_func, that_is_reset_calls_once_for_each_setting_that_was_not_replaced) {
  everywhere([] {
    atomic<int> calls{0};
    const weft::timer t = weft::after_func(1h, [&] { ++calls; });
    unit::sequence s(2);
    int expected = 1;
    for (int i = 0; i < scaled(1'000); ++i) {
      if (t.reset(std::chrono::nanoseconds(unit::below(s, 2'000)))) --expected;
      ++expected;
      if (i % 2 == 0) weft::yield();
    }
    EXPECT_TRUE(eventually([&] { return calls.load() == expected; }));
    weft_test::let_others_run();
    EXPECT_EQ(calls.load(), expected);
  });
}

TEST_F(after_func, calls_though_nobody_holds_its_timer_and_is_gone_afterwards) {
  everywhere([] {
    const auto witness = std::make_shared<int>(1);
    atomic<int> calls{0};
    for (int i = 0; i < 50; ++i) weft::after_func(50us, [&calls, witness] { ++calls; });
    EXPECT_TRUE(eventually([&] { return calls.load() == 50 && witness.use_count() == 1; }));
  });
}

TEST_F(after_func, that_was_stopped_lets_go_of_its_function_with_its_handle) {
  const auto witness = std::make_shared<int>(1);
  {
    const weft::timer t = weft::after_func(1h, [witness] {});
    EXPECT_TRUE(t.stop());
  }
  EXPECT_EQ(witness.use_count(), 1);
}

TEST_F(after_func, may_stop_and_reset_itself) {
  everywhere([] {
    const weft::chan<int> called(4);
    const auto t = std::make_shared<std::optional<weft::timer>>();
    const auto round = std::make_shared<atomic<int>>(0);
    const weft::chan<void> made(1);
    *t = weft::after_func(10us, [=] {
      if (round->load() == 0) made.recv();
      const int now = ++*round;
      if (now < 3) (*t)->reset(10us);
      called.send(now);
    });
    made.send();
    for (int i = 1; i <= 3; ++i) EXPECT_EQ(called.recv(), i);
    // The function holds its own timer: let go of it once the last call has ended.
    EXPECT_TRUE(eventually([&] { return !(*t)->stop(); }));
    weft_test::let_others_run();
    t->reset();
  });
}

}  // namespace
