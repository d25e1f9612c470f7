// How many switches lie between two looks, and what the looks are for: who was to be woken while
// others have long turns goes before them.
#include "sched/housekeeping.hpp"

#include <cstdlib>

#include "port/clock.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::atomic;
using weft::detail::deadline_ns;
using weft::detail::housekeeping_pace;
using weft::detail::now_ns;
using weft_test::procs_scope;
using weft_test::scaled;
using namespace std::chrono_literals;

int turns_until_due(housekeeping_pace& p) {
  int turns = 1;
  while (!p.is_due()) ++turns;
  return turns;
}

/// Turns of `turn_ns` until the rounds no longer change. Returns: how many make a round.
int settle(housekeeping_pace& p, deadline_ns turn_ns) {
  deadline_ns now = 1'000'000;
  int turns = 0;
  for (int round = 0; round < 10; ++round) {
    turns = turns_until_due(p);
    now += turns * turn_ns;
    p.begin_round(now);
  }
  return turns;
}

TEST(housekeeping_pace, is_usual_at_first_and_without_a_clock) {
  housekeeping_pace p;
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(turns_until_due(p), housekeeping_pace::usual_turns);
    p.begin_round();
  }
}

TEST(housekeeping_pace, looks_at_each_turn_where_turns_are_long) {
  housekeeping_pace p;
  EXPECT_EQ(settle(p, 20'000), 1);
}

TEST(housekeeping_pace, looks_rarely_where_turns_are_short) {
  housekeeping_pace p;
  EXPECT_EQ(settle(p, 10), housekeeping_pace::most_turns);
}

TEST(housekeeping_pace, fills_a_round_where_turns_are_neither) {
  housekeeping_pace p;
  EXPECT_EQ(settle(p, 100), 20);
}

TEST(housekeeping_pace, counts_switches_and_not_looks) {
  housekeeping_pace p;
  settle(p, 20'000);  // looks at each
  int looks = 1;
  for (; !p.have_passed(64); ++looks) p.begin_round(1'000'000 * (looks + 1));
  EXPECT_EQ(looks, 64);
}

TEST(housekeeping_pace, comes_back_to_the_usual_when_the_clock_is_no_longer_read) {
  housekeeping_pace p;
  settle(p, 20'000);
  for (int round = 0; round < 4; ++round) {
    turns_until_due(p);
    p.begin_round();
  }
  EXPECT_EQ(turns_until_due(p), housekeeping_pace::usual_turns);
}

TEST(housekeeping_pace, a_clock_that_stands_still_or_goes_back_only_makes_rounds_longer) {
  housekeeping_pace p;
  p.begin_round(1'000);
  p.begin_round(1'000);
  p.begin_round(500);
  EXPECT_EQ(turns_until_due(p), housekeeping_pace::most_turns);
}

/// Turns of 50 us, one after another on one processor.
class long_turns : public weft_test::fixture {
 protected:
  static constexpr int hogs_count = 8;

  void start_hogs() {
    for (int i = 0; i < hogs_count; ++i)
      hogs_.go([this] {
        for (; !over_.load(); weft::yield()) {
          const deadline_ns begin = now_ns();
          const deadline_ns due = due_.load();
          if (due != 0 && begin > due) begun_late_.fetch_add(1);
          while (now_ns() - begin < 50'000) {
          }
        }
      });
  }
  void end_hogs() {
    over_.store(true);
    hogs_.wait();
  }

  weft::wait_group hogs_;
  atomic<bool> over_{false};
  atomic<deadline_ns> due_{0};
  atomic<int> begun_late_{0};
};

TEST_F(long_turns, who_sleeps_is_not_kept_waiting_by_those_whose_turn_comes) {
  if (std::getenv("WEFT_FORCE_MIGRATE"))
    GTEST_SKIP() << "nobody gives way where each switch is to another worker";
  const procs_scope one(1);
  const int sleeps = scaled(100);
  weft::run([&] {
    start_hogs();
    weft::sleep_for(20ms);  // how long turns are is known by then
    for (int i = 0; i < sleeps; ++i) {
      const deadline_ns due = now_ns() + 1'000'000;
      due_.store(due);
      weft::sleep_until(weft::clock::time_point(std::chrono::nanoseconds(due)));
      due_.store(0);
    }
    end_hogs();
  });
  EXPECT_LE(begun_late_.load(), sleeps);  // eight hogs would each have begun one
}

TEST_F(long_turns, those_whose_turn_it_is_go_on_beside_one_whose_time_always_has_come) {
  const procs_scope one(1);
  int turns = 0;
  weft::run([&] {
    start_hogs();
    weft::wait_group sleeper;
    sleeper.go([&] {
      while (!over_.load()) weft::sleep_for(1ns);
    });
    for (; turns < scaled(100); ++turns) weft::yield();
    over_.store(true);
    sleeper.wait();
    end_hogs();
  });
  EXPECT_EQ(turns, scaled(100));
}

}  // namespace
