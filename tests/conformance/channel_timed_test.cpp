// The operations that do not wait, and those that wait with a bound.

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft::channel_status;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::scaled;

using ChanTry = weft_test::fixture;
using ChanTimed = weft_test::fixture;

/// Far enough away that it never matters; a wait that ends by it has hung.
constexpr auto ages = 1h;

TEST_F(ChanTry, ReceiveTellsWouldBlockFromClosed) {
  everywhere([] {
    for (const int capacity : {0, 1}) {
      const weft::chan<int> c(capacity);
      EXPECT_EQ(c.try_recv().status(), channel_status::would_block);
      EXPECT_FALSE(c.try_recv());
      c.close();
      EXPECT_EQ(c.try_recv().status(), channel_status::closed);
    }
  });
}

TEST_F(ChanTry, ReceiveTakesWhatIsThere) {
  everywhere([] {
    const weft::chan<std::string> c(1);
    c.send("value");
    auto r = c.try_recv();
    ASSERT_TRUE(r);
    EXPECT_EQ(r.status(), channel_status::ok);
    EXPECT_EQ(*r, "value");
    EXPECT_EQ(r->size(), 5U);
    EXPECT_EQ(r.value(), "value");
    auto none = c.try_recv();
    EXPECT_THROW(static_cast<void>(none.value()), std::bad_optional_access);
  });
}

TEST_F(ChanTry, ReceiveTakesFromAWaitingSender) {
  everywhere([] {
    const weft::chan<int> c;
    weft::go([=] { c.send(9); });
    std::optional<int> got;
    EXPECT_TRUE(weft_test::eventually([&] {
      auto r = c.try_recv();
      if (r) got = *r;
      return static_cast<bool>(r);
    }));
    EXPECT_EQ(got, 9);
  });
}

TEST_F(ChanTry, SendTellsWouldBlockFromClosed) {
  everywhere([] {
    const weft::chan<int> unbuffered;
    EXPECT_EQ(unbuffered.try_send(1), channel_status::would_block);
    const weft::chan<int> c(1);
    EXPECT_EQ(c.try_send(1), channel_status::ok);
    EXPECT_EQ(c.try_send(2), channel_status::would_block);
    c.close();
    EXPECT_EQ(c.try_send(3), channel_status::closed);
    EXPECT_EQ(c.recv(), 1);
    EXPECT_EQ(c.try_send(3), channel_status::closed);
    EXPECT_EQ(c.recv(), std::nullopt);
  });
}

TEST_F(ChanTry, SendGivesToAWaitingReceiver) {
  everywhere([] {
    const weft::chan<int> c;
    const weft::chan<int> got(1);
    weft::go([=] { got.send(c.recv().value()); });
    EXPECT_TRUE(weft_test::eventually([&] { return c.try_send(6) == channel_status::ok; }));
    EXPECT_EQ(got.recv(), 6);
  });
}

TEST_F(ChanTry, RefusedRvalueIsLeftUnmoved) {
  everywhere([] {
    const weft::chan<std::unique_ptr<int>> c(1);
    ASSERT_EQ(c.try_send(std::make_unique<int>(1)), channel_status::ok);
    auto kept = std::make_unique<int>(2);
    EXPECT_EQ(c.try_send(std::move(kept)), channel_status::would_block);
    ASSERT_NE(kept, nullptr);
    EXPECT_EQ(c.send_for(std::move(kept), 1ms), channel_status::timeout);
    ASSERT_NE(kept, nullptr);
    c.close();
    EXPECT_EQ(c.try_send(std::move(kept)), channel_status::closed);
    ASSERT_NE(kept, nullptr);
    EXPECT_EQ(c.send_for(std::move(kept), ages), channel_status::closed);
    ASSERT_NE(kept, nullptr);
    EXPECT_EQ(*kept, 2);
  });
}

TEST_F(ChanTry, AcceptedRvalueIsMoved) {
  everywhere([] {
    const weft::chan<std::unique_ptr<int>> c(1);
    auto given = std::make_unique<int>(3);
    EXPECT_EQ(c.try_send(std::move(given)), channel_status::ok);
    EXPECT_EQ(given, nullptr);
    EXPECT_EQ(*c.recv().value(), 3);
  });
}

TEST_F(ChanTry, LvalueIsCopied) {
  everywhere([] {
    const weft::chan<std::string> c(2);
    const std::string text(100, 'x');
    EXPECT_EQ(c.try_send(text), channel_status::ok);
    EXPECT_EQ(c.send_for(text, ages), channel_status::ok);
    EXPECT_EQ(text.size(), 100U);
    EXPECT_EQ(c.recv(), text);
    EXPECT_EQ(c.recv(), text);
  });
}

TEST_F(ChanTimed, ReceiveGivesUpNotEarly) {
  everywhere([] {
    const weft::chan<int> c;
    const auto start = weft::clock::now();
    EXPECT_EQ(c.recv_for(5ms).status(), channel_status::timeout);
    EXPECT_GE(weft::clock::now() - start, 5ms);
    const auto until = weft::clock::now() + 5ms;
    EXPECT_EQ(c.recv_until(until).status(), channel_status::timeout);
    EXPECT_GE(weft::clock::now(), until);
  });
}

TEST_F(ChanTimed, SendGivesUpNotEarly) {
  everywhere([] {
    const weft::chan<int> c;
    const auto start = weft::clock::now();
    EXPECT_EQ(c.send_for(1, 5ms), channel_status::timeout);
    EXPECT_GE(weft::clock::now() - start, 5ms);
    const auto until = weft::clock::now() + 5ms;
    EXPECT_EQ(c.send_until(1, until), channel_status::timeout);
    EXPECT_GE(weft::clock::now(), until);
    EXPECT_EQ(c.try_recv().status(), channel_status::would_block) << "a value was left behind";
  });
}

TEST_F(ChanTimed, AnyClockWillDo) {
  everywhere([] {
    const weft::chan<int> c;
    EXPECT_EQ(c.recv_until(std::chrono::system_clock::now() + 1ms).status(),
              channel_status::timeout);
    EXPECT_EQ(c.send_until(1, std::chrono::system_clock::now() - 1h), channel_status::timeout);
  });
}

TEST_F(ChanTimed, WhatIsReadyWinsOverATimeThatHasPassed) {
  everywhere([] {
    const weft::chan<int> c(1);
    EXPECT_EQ(c.recv_for(-1s).status(), channel_status::timeout);
    EXPECT_EQ(c.send_for(1, -1s), channel_status::ok);
    EXPECT_EQ(c.send_for(2, 0s), channel_status::timeout);
    EXPECT_EQ(c.recv_for(-1s).value(), 1);
    c.close();
    EXPECT_EQ(c.recv_for(-1s).status(), channel_status::closed);
  });
}

TEST_F(ChanTimed, AValueComesBeforeTheBound) {
  everywhere([] {
    const weft::chan<int> c;
    weft::go([=] { EXPECT_EQ(c.send_for(8, ages), channel_status::ok); });
    EXPECT_EQ(c.recv_for(ages).value(), 8);
    const weft::chan<void> signal;
    weft::go([=] { EXPECT_EQ(signal.send_for(ages), channel_status::ok); });
    EXPECT_EQ(signal.recv_for(ages).status(), channel_status::ok);
    EXPECT_EQ(signal.recv_for(1ms).status(), channel_status::timeout);
    EXPECT_EQ(signal.send_for(1ms), channel_status::timeout);
  });
}

TEST_F(ChanTimed, ABoundThatOverflowsTheClockIsNone) {
  everywhere([] {
    const weft::chan<int> c;
    weft::go([=] {
      let_others_run();
      c.send(1);
    });
    EXPECT_EQ(c.recv_for(std::chrono::hours::max()).value(), 1);
    weft::go([=] {
      let_others_run();
      c.recv();
    });
    EXPECT_EQ(c.send_until(2, weft::time_point::max()), channel_status::ok);
  });
}

TEST_F(ChanTimed, CloseEndsABoundedWait) {
  everywhere([] {
    const weft::chan<int> c;
    const weft::chan<channel_status> ends(2);
    weft::go([=] { ends.send(c.recv_for(ages).status()); });
    let_others_run();
    c.close();
    EXPECT_EQ(ends.recv(), channel_status::closed);
    const weft::chan<int> d;
    weft::go([=] { ends.send(d.send_for(1, ages)); });
    let_others_run();
    d.close();
    EXPECT_EQ(ends.recv(), channel_status::closed);
  });
}

TEST_F(ChanTimed, NothingIsLostWhenReceiversTimeOut) {
  everywhere([] {
    const int count = scaled(2000);
    const weft::chan<int> c;
    const weft::chan<long> sums(3);
    for (int r = 0; r < 3; ++r)
      weft::go([=] {
        long sum = 0;
        for (;;) {
          auto got = c.recv_for(std::chrono::microseconds(r));
          if (got) sum += *got;
          if (got.status() == channel_status::closed) break;
          weft::yield();  // a bound that is over already does not wait, so it lets nobody run
        }
        sums.send(sum);
      });
    for (int i = 1; i <= count; ++i) c.send(i);
    c.close();
    long total = 0;
    for (int r = 0; r < 3; ++r) total += sums.recv().value();
    EXPECT_EQ(total, static_cast<long>(count) * (count + 1) / 2);
  });
}

TEST_F(ChanTimed, NothingIsSentTwiceWhenSendersTimeOut) {
  everywhere([] {
    const int count = scaled(2000);
    const weft::chan<int> c;
    weft::go([=] {
      for (int i = 0; i < count; ++i)
        while (c.send_for(i, 1us) != channel_status::ok) weft::yield();
      c.close();
    });
    int expected = 0;
    for (const int v : c) ASSERT_EQ(v, expected++);
    EXPECT_EQ(expected, count);
  });
}

}  // namespace
