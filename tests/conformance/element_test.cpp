// What a channel owes its elements: every value constructed is destroyed once, none is lost when a
// copy or a move throws, and each stands where its alignment wants it.

#include <atomic>
#include <memory>
#include <optional>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft::channel_status;
using weft_test::copy_thrower;
using weft_test::counted;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::large;
using weft_test::let_others_run;
using weft_test::move_thrower;
using weft_test::on_thread;
using weft_test::over_aligned;
using weft_test::scaled;
using weft_test::what_thrown;

class Element : public weft_test::fixture {
 protected:
  void TearDown() override {
    fixture::TearDown();
    move_thrower::throw_at(0);
    EXPECT_EQ(counted::alive(), 0);
    EXPECT_EQ(counted::strays(), 0);
    EXPECT_EQ(move_thrower::alive(), 0);
  }
};

TEST_F(Element, EachIsDestroyedOnceOnItsWayThrough) {
  everywhere([] {
    for (const int capacity : {0, 1, 5}) {
      const weft::chan<counted> c(capacity);
      weft::go([=] {
        for (int i = 0; i < scaled(500); ++i) c.send(counted(i));
        c.close();
      });
      int expected = 0;
      for (const counted& v : c) ASSERT_EQ(v.value(), expected++);
    }
  });
  EXPECT_TRUE(eventually([] { return counted::alive() == 0; }));
}

TEST_F(Element, WhatIsLeftInADroppedChannelIsDestroyed) {
  everywhere([] {
    {
      const weft::chan<counted> open(8);
      const weft::chan<counted> closed(8);
      // Leave both rings with a wrapped content.
      for (int i = 0; i < 5; ++i) open.send(counted(i));
      for (int i = 0; i < 4; ++i) EXPECT_EQ(open.recv().value().value(), i);
      for (int i = 0; i < 7; ++i) open.send(counted(i));
      for (int i = 0; i < 3; ++i) closed.send(counted(i));
      closed.close();
      EXPECT_EQ(counted::alive(), 8 + 3);
    }
    EXPECT_EQ(counted::alive(), 0);
  });
}

TEST_F(Element, DroppedChannelDropsBoxedElements) {
  everywhere([] {
    {
      const weft::chan<move_thrower> c(4);
      for (int i = 0; i < 3; ++i) c.send(move_thrower(i));
      EXPECT_EQ(move_thrower::alive(), 3);
    }
    EXPECT_EQ(move_thrower::alive(), 0);
  });
}

TEST_F(Element, RefusedSendsDestroyTheirCopies) {
  everywhere([] {
    const weft::chan<counted> c(1);
    c.send(counted(0));
    const counted mine(1);
    EXPECT_EQ(c.try_send(mine), channel_status::would_block);
    EXPECT_EQ(c.send_for(mine, 1ms), channel_status::timeout);
    c.close();
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { c.send(mine); }), "send on closed channel");
    EXPECT_EQ(mine.value(), 1);
    EXPECT_EQ(counted::alive(), 2);
    EXPECT_EQ(c.recv().value().value(), 0);
  });
}

TEST_F(Element, SendersReleasedByCloseDestroyTheirValues) {
  everywhere([] {
    const weft::chan<counted> c;
    weft::wait_group all;
    for (int i = 0; i < 8; ++i)
      all.go([=] { EXPECT_THROW(c.send(counted(i)), weft::closed_channel); });
    EXPECT_TRUE(eventually([] { return counted::alive() >= 8; }));
    let_others_run();
    c.close();
    all.wait();
    EXPECT_TRUE(eventually([] { return counted::alive() == 0; }));
  });
}

TEST_F(Element, LosingSelectCasesDestroyTheirCopies) {
  everywhere([] {
    {
      const weft::chan<counted> full(1);
      const weft::chan<counted> ready(1);
      full.send(counted(0));
      ready.send(counted(1));
      const counted mine(2);
      std::optional<counted> got;
      EXPECT_EQ(weft::select(weft::on_send(full, mine), weft::on_recv(ready, got)), 1U);
      EXPECT_EQ(got.value().value(), 1);
      EXPECT_EQ(mine.value(), 2);
    }
    EXPECT_EQ(counted::alive(), 0);
  });
}

TEST_F(Element, IgnoredReceiveInSelectDestroysItsValue) {
  everywhere([] {
    const weft::chan<counted> c(1);
    c.send(counted(4));
    EXPECT_EQ(weft::select(weft::on_recv(c)), 0U);
    EXPECT_EQ(counted::alive(), 0);
  });
}

TEST_F(Element, MoveOnlyTravelsEveryWay) {
  everywhere([] {
    for (const int capacity : {0, 1}) {
      const weft::chan<std::unique_ptr<int>> c(capacity);
      weft::go([=] {
        c.send(std::make_unique<int>(1));
        EXPECT_EQ(c.send_for(std::make_unique<int>(2), 1h), channel_status::ok);
        weft::select(weft::on_send(c, std::make_unique<int>(3)));
        weft::selector s;
        s.add(weft::on_send(c, std::make_unique<int>(4)));
        s.select();
        c.close();
      });
      EXPECT_EQ(*c.recv().value(), 1);
      EXPECT_EQ(**c.recv_for(1h), 2);
      std::optional<std::unique_ptr<int>> into;
      weft::select(weft::on_recv(c, into));
      EXPECT_EQ(*into.value(), 3);
      for (const std::unique_ptr<int>& p : c) EXPECT_EQ(*p, 4);
    }
  });
}

TEST_F(Element, CopyThatThrowsLeavesTheChannelAsItWas) {
  everywhere([] {
    const weft::chan<copy_thrower> c(2);
    c.send(copy_thrower(1));
    const copy_thrower loaded(2);
    const std::string words = "copying throws";
    EXPECT_EQ(what_thrown<std::runtime_error>([&] { c.send(loaded); }), words);
    EXPECT_EQ(what_thrown<std::runtime_error>([&] { c.try_send(loaded); }), words);
    EXPECT_EQ(what_thrown<std::runtime_error>([&] { c.send_for(loaded, 1h); }), words);
    EXPECT_EQ(what_thrown<std::runtime_error>([&] { weft::select(weft::on_send(c, loaded)); }),
              words);
    EXPECT_EQ(c.size(), 1U);
    EXPECT_EQ(c.recv().value().value, 1) << "a copy was made where a move would do";
  });
}

// At whichever move it happens: the exception reaches the caller, and the channel stays usable with
// every other value in its place.
TEST_F(Element, MoveThatThrowsLosesNoOtherValue) {
  on_thread([] {
    for (int nth = 1; nth <= 8; ++nth) {
      const weft::chan<move_thrower> c(3);
      c.send(move_thrower(10));
      move_thrower::throw_at(nth);
      std::string said = what_thrown<std::runtime_error>([&] { c.send(move_thrower(11)); });
      const bool sent = said.empty();
      EXPECT_EQ(c.size(), sent ? 2U : 1U);
      bool received = true;
      if (sent) {
        said = what_thrown<std::runtime_error>([&] { EXPECT_EQ(c.recv()->value(), 10); });
        received = said.empty();
        EXPECT_EQ(c.size(), 1U) << "a receive took one value, whether its move threw or not";
      }
      EXPECT_EQ(said.empty(), move_thrower::moves_until_throw() > 0);
      move_thrower::throw_at(0);
      if (!said.empty()) {
        EXPECT_EQ(said, "moving throws");
      }
      EXPECT_EQ(c.recv()->value(), sent ? 11 : 10);
      EXPECT_EQ(c.try_recv().status(), channel_status::would_block);
      EXPECT_TRUE(received || sent);
    }
  });
}

TEST_F(Element, MoveThatThrowsAcrossARendezvousReachesOneSide) {
  everywhere([] {
    for (int nth = 1; nth <= 6; ++nth) {
      const weft::chan<move_thrower> c;
      const weft::chan<std::string> sender_said(1);
      move_thrower::throw_at(nth);
      weft::go([=] {
        sender_said.send(what_thrown<std::runtime_error>([&] { c.send(move_thrower(1)); }));
        c.close();
      });
      bool got = false;
      const std::string said = what_thrown<std::runtime_error>([&] {
        const auto v = c.recv();
        got = v.has_value();
        if (got) {
          EXPECT_EQ(v->value(), 1);
        }
      });
      const std::string theirs = sender_said.recv().value();
      move_thrower::throw_at(0);
      EXPECT_EQ(int{got} + int{!said.empty()} + int{!theirs.empty()}, 1) << "nth " << nth;
    }
  });
}

TEST_F(Element, RefusedThrowingMoveIsMovedBack) {
  everywhere([] {
    const weft::chan<move_thrower> c(1);
    c.send(move_thrower(0));
    move_thrower mine(5);
    EXPECT_EQ(c.try_send(std::move(mine)), channel_status::would_block);
    EXPECT_EQ(mine.value(), 5);
    EXPECT_EQ(c.send_for(std::move(mine), 1ms), channel_status::timeout);
    EXPECT_EQ(mine.value(), 5);
    EXPECT_EQ(weft::select(weft::on_send(c, std::move(mine)), weft::on_default()), 1U);
    EXPECT_EQ(mine.value(), 5);
    EXPECT_EQ(c.recv()->value(), 0);
  });
}

// The receive has happened when giving the loser's value back throws: the value must not leak.
TEST_F(Element, MovingBackThatThrowsLeaksNothing) {
  on_thread([] {
    for (int nth = 1; nth <= 4; ++nth) {
      const weft::chan<move_thrower> full(1);
      const weft::chan<counted> ready(1);
      full.send(move_thrower(0));
      ready.send(counted(1));
      move_thrower mine(5);
      move_thrower::throw_at(nth);
      static_cast<void>(what_thrown<std::runtime_error>(
          [&] { weft::select(weft::on_send(full, std::move(mine)), weft::on_recv(ready)); }));
      move_thrower::throw_at(0);
      const bool received = ready.size() == 0;
      EXPECT_EQ(counted::alive(), received ? 0 : 1) << "nth " << nth;
    }
  });
}

TEST_F(Element, OverAlignedStandsAligned) {
  everywhere([] {
    for (const int capacity : {0, 1, 3}) {
      const weft::chan<over_aligned> c(capacity);
      weft::go([=] {
        for (int i = 0; i < 20; ++i) c.send(over_aligned(i));
        c.close();
      });
      int expected = 0;
      while (auto v = c.recv()) {
        EXPECT_TRUE(v->aligned);
        EXPECT_EQ(v->value, expected++);
      }
      EXPECT_EQ(expected, 20);
    }
  });
}

TEST_F(Element, OverAlignedClosureStandsAligned) {
  everywhere([] {
    const weft::chan<bool> aligned(1);
    weft::go([aligned, here = over_aligned(1)] { aligned.send(here.aligned && here.at_home()); });
    EXPECT_EQ(aligned.recv(), true);
  });
}

TEST_F(Element, LargeArrivesWhole) {
  everywhere([] {
    for (const int capacity : {0, 2}) {
      const weft::chan<large> c(capacity);
      weft::go([=] {
        for (std::uint32_t i = 0; i < 50; ++i) c.send(large(i));
        c.close();
      });
      std::uint32_t expected = 0;
      for (const large& v : c) EXPECT_TRUE(v.is(expected++));
      EXPECT_EQ(expected, 50U);
    }
  });
}

struct only_constructible {
  explicit only_constructible(int v) noexcept : value(v) {}
  only_constructible(only_constructible&&) noexcept = default;
  const int value;
};

TEST_F(Element, NeedsNoAssignment) {
  everywhere([] {
    const weft::chan<only_constructible> c(2);
    c.send(only_constructible(1));
    EXPECT_EQ(c.try_send(only_constructible(2)), channel_status::ok);
    EXPECT_EQ(c.recv()->value, 1);
    int seen = 0;
    weft::select(
        weft::on_recv(c, [&](std::optional<only_constructible> v) { seen = v.value().value; }));
    EXPECT_EQ(seen, 2);
    c.send(only_constructible(3));
    c.send(only_constructible(4));
    EXPECT_EQ(c.try_recv()->value, 3);
    EXPECT_EQ(c.recv_for(1h)->value, 4);
    c.send(only_constructible(5));
    c.close();
    for (const only_constructible& v : c) EXPECT_EQ(v.value, 5);
  });
}

TEST_F(Element, DestructorMayUseTheChannel) {
  struct announcer {
    explicit announcer(weft::chan<int> to) : on(std::move(to)) {}
    announcer(announcer&&) noexcept = default;
    announcer& operator=(announcer&&) = default;
    ~announcer() {
      if (on) on.try_send(1);
    }
    weft::chan<int> on;
  };
  everywhere([] {
    const weft::chan<int> heard(10);
    {
      const weft::chan<announcer> c(2);
      c.send(announcer(heard));
    }
    EXPECT_EQ(heard.recv(), 1);
    EXPECT_EQ(heard.size(), 0U);
  });
}

}  // namespace
