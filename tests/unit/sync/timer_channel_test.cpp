// Timers and tickers: nothing of an earlier setting is received, and a channel that looks
// unbuffered.
#include <weft/detail/timer_core.hpp>

#include <stdexcept>
#include <vector>

#include "port/clock.hpp"
#include "unit_support.hpp"

namespace {

using namespace std::chrono_literals;
using weft::detail::now_ns;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::scaled;

using timer_channels = weft_test::fixture;

TEST_F(timer_channels, look_unbuffered_even_with_a_value_waiting) {
  everywhere([] {
    const weft::timer t(0s);
    EXPECT_EQ(t.channel().capacity(), 0U);
    EXPECT_TRUE(t.channel().recv());
    t.reset(0s);
    weft_test::let_others_run();
    EXPECT_EQ(t.channel().size(), 0U);
  });
}

TEST_F(timer_channels, send_the_time_they_were_due_and_not_before_it) {
  everywhere([] {
    const auto before = weft::clock::now();
    const auto due = weft::timer(200us).channel().recv().value();
    EXPECT_GE(due, before + 200us);
    EXPECT_GE(weft::clock::now(), due);
  });
}

TEST_F(timer_channels, that_were_stopped_send_nothing) {
  everywhere([] {
    for (int i = 0; i < scaled(300); ++i) {
      const weft::timer t(std::chrono::nanoseconds(i * 100));
      const bool pending = t.stop();
      EXPECT_FALSE(t.channel().try_recv());
      EXPECT_TRUE(pending) << "nobody had received";
      EXPECT_FALSE(t.stop());
    }
  });
}

TEST_F(timer_channels, that_were_received_from_are_not_pending) {
  everywhere([] {
    const weft::timer t(0s);
    t.channel().recv();
    EXPECT_FALSE(t.stop());
    EXPECT_FALSE(t.reset(1h));
    EXPECT_TRUE(t.reset(1h));
    EXPECT_TRUE(t.stop());
  });
}

/// After reset() no value of the earlier setting comes, whenever that one was about to fire.
TEST_F(timer_channels, that_were_reset_send_only_the_new_time) {
  everywhere([] {
    const weft::timer t(1h);
    unit::sequence s(6);
    for (int i = 0; i < scaled(500); ++i) {
      t.reset(std::chrono::nanoseconds(unit::below(s, 20'000)));
      for (int pause = unit::below(s, 30); pause > 0; --pause) weft::yield();
      const auto earliest = weft::clock::now() + 20us;
      t.reset(20us);
      ASSERT_GE(t.channel().recv().value(), earliest) << "a value of the earlier setting";
    }
  });
}

TEST_F(timer_channels, may_be_reset_and_stopped_by_many_at_once) {
  everywhere([] {
    const weft::timer t(1h);
    unit::on_threads(3, [&](int me) {
      unit::sequence s(static_cast<unsigned>(me));
      for (int i = 0; i < scaled(1'000); ++i) {
        if (me == 0)
          t.stop();
        else
          t.reset(std::chrono::nanoseconds(unit::below(s, 5'000)));
      }
    });
    t.stop();
    EXPECT_FALSE(t.channel().try_recv());
  });
}

TEST_F(timer_channels, may_be_dropped_while_they_fire) {
  everywhere([] {
    unit::sequence s(2);
    for (int i = 0; i < scaled(2'000); ++i) {
      const weft::timer once(std::chrono::nanoseconds(unit::below(s, 3'000)));
      const weft::ticker often(std::chrono::nanoseconds(1 + unit::below(s, 3'000)));
      if (i % 4 == 0) weft::yield();
    }
  });
}

TEST_F(timer_channels, tick_in_phase_however_slow_the_receiver) {
  everywhere([] {
    const auto before = weft::clock::now();
    const weft::ticker t(100us);
    const auto first = t.channel().recv().value();
    EXPECT_GE(first, before + 100us);
    auto last = first;
    for (int i = 0; i < 20; ++i) {
      if (i % 5 == 0) weft::sleep_for(350us);
      const auto due = t.channel().recv().value();
      EXPECT_GT(due, last);
      EXPECT_EQ((due - first) % 100us, 0ns);
      last = due;
    }
    t.stop();
    EXPECT_FALSE(t.channel().try_recv());
  });
}

TEST_F(timer_channels, refuse_intervals_that_are_not_positive) {
  EXPECT_EQ(weft_test::what_thrown<std::invalid_argument>([] { weft::ticker t(0s); }),
            "non-positive interval for NewTicker");
  const weft::ticker t(1h);
  EXPECT_EQ(weft_test::what_thrown<std::invalid_argument>([&] { t.reset(-1s); }),
            "non-positive interval for Ticker.Reset");
}

TEST_F(timer_channels, can_be_selected_on) {
  everywhere([] {
    const weft::timer soon(100us);
    const weft::timer late(1h);
    EXPECT_EQ(weft::select(weft::on_recv(late.channel()), weft::on_recv(soon.channel())), 1U);
  });
}

}  // namespace
