// The rules of events: set, reset, and whom they let go.

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::scaled;

using Event = weft_test::fixture;

constinit weft::event at_load_time;

TEST_F(Event, IsMadeByTheCompiler) {
  EXPECT_FALSE(at_load_time.is_set());
  at_load_time.set();
  at_load_time.wait();
  at_load_time.reset();
}

TEST_F(Event, StaysSetUntilItIsReset) {
  everywhere([] {
    weft::event e;
    e.reset();
    EXPECT_FALSE(e.is_set());
    EXPECT_FALSE(e.wait_for(0s));
    e.set();
    e.set();
    EXPECT_TRUE(e.is_set());
    e.wait();
    EXPECT_TRUE(e.wait_for(-1s));
    e.reset();
    e.reset();
    EXPECT_FALSE(e.wait_for(1ms));
    weft::event begins_set(true);
    begins_set.wait();
  });
}

TEST_F(Event, ResetLeavesThoseWhoWaitWaiting) {
  everywhere([] {
    weft::event e;
    std::atomic<int> passed{0};
    const weft::wait_group wg;
    for (int i = 0; i < 4; ++i)
      wg.go([&] {
        e.wait();
        ++passed;
      });
    let_others_run();
    e.reset();
    let_others_run();
    EXPECT_EQ(passed, 0);
    e.set();
    wg.wait();
    EXPECT_EQ(passed, 4);
  });
}

/// Who is at the door, but not parked yet, may miss a set that is reset at once; so there are many.
TEST_F(Event, SetsThatAreResetAtOnceLetGoEverybodyInTheEnd) {
  everywhere([] {
    for (int round = 0; round < scaled(50); ++round) {
      weft::event e;
      std::atomic<int> waiting{5};
      const weft::wait_group wg;
      const auto pass = [&] {
        e.wait();
        --waiting;
      };
      for (int i = 0; i < 4; ++i) wg.go(pass);
      std::thread plain(pass);
      while (waiting != 0) {
        e.set();
        e.reset();
        weft::yield();
      }
      wg.wait();
      plain.join();
      ASSERT_FALSE(e.is_set());
    }
  });
}

TEST_F(Event, ASetThatIsResetAtOnceLosesNobodyWhoIsParked) {
  weft_test::on_one_processor([] {
    for (int round = 0; round < scaled(500); ++round) {
      weft::event e;
      int at_the_door = 0;
      const weft::wait_group wg;
      for (int i = 0; i < 3; ++i)
        wg.go([&] {
          ++at_the_door;
          e.wait();
        });
      while (at_the_door < 3) weft::yield();  // then, on one processor, they are parked
      e.set();
      e.reset();
      wg.wait();
    }
  });
}

/// What is written before a set, also a second one, is seen after the wait. TSan sees it if not.
TEST_F(Event, EverySetHappensBeforeTheWaitThatSeesIt) {
  everywhere([] {
    for (int round = 0; round < scaled(300); ++round) {
      auto ping = std::make_unique<weft::event>();
      auto pong = std::make_unique<weft::event>();
      int value = 0;
      const weft::wait_group wg;
      wg.go([&value, in = ping.get(), out = pong.get()] {
        in->wait();
        ++value;
        out->set();
      });
      value = 1;
      ping->set();
      pong->wait();
      pong.reset();  // the set may still be on its way out
      ASSERT_EQ(value, 2);
      wg.wait();
    }
  });
}

}  // namespace
