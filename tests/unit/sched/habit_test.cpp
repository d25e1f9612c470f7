// When a worker looks about before it sleeps: never at first, and rarely after it looked in vain.
#include "sched/idle/habit.hpp"

#include <gtest/gtest.h>

namespace {

using weft::detail::looking_habit;

int soon_until_it_wants(looking_habit& h) {
  int count = 0;
  for (; !h.wants(); ++count) h.came_soon();
  return count;
}

TEST(looking_habit, is_not_there_at_first) {
  const looking_habit h;
  EXPECT_FALSE(h.wants());
}

TEST(looking_habit, comes_from_waits_that_were_short_in_a_row) {
  looking_habit h;
  h.came_soon();
  h.came_late();
  h.came_soon();
  EXPECT_FALSE(h.wants());
  h.came_soon();
  EXPECT_TRUE(h.wants());
}

TEST(looking_habit, lasts_while_it_pays) {
  looking_habit h;
  soon_until_it_wants(h);
  for (int i = 0; i < 1000; ++i) h.found();
  EXPECT_TRUE(h.wants());
}

TEST(looking_habit, ends_when_it_looks_in_vain_again_and_again) {
  looking_habit h;
  soon_until_it_wants(h);
  h.in_vain();
  h.in_vain();
  h.found();
  h.in_vain();
  h.in_vain();
  EXPECT_TRUE(h.wants());
  h.in_vain();
  EXPECT_FALSE(h.wants());
}

TEST(looking_habit, ends_when_it_does_harm_and_comes_back_later_each_time) {
  looking_habit h;
  int needed = soon_until_it_wants(h);
  for (int i = 0; i < 5; ++i) {
    h.did_harm();
    EXPECT_FALSE(h.wants());
    const int next = soon_until_it_wants(h);
    EXPECT_GT(next, needed);
    needed = next;
  }
  for (int i = 0; i < 100; ++i) h.did_harm();
  EXPECT_LE(soon_until_it_wants(h), 128);
}

TEST(looking_habit, is_forgiven_when_it_pays_again) {
  looking_habit h;
  const int first = soon_until_it_wants(h);
  for (int i = 0; i < 100; ++i) h.did_harm();
  soon_until_it_wants(h);
  for (int i = 0; i < 100; ++i) h.found();
  h.did_harm();
  EXPECT_LE(soon_until_it_wants(h), 2 * first);
}

int naps_until_it_steals(weft::detail::stealing_habit& h) {
  int naps = 1;
  while (!h.may_steal()) ++naps;
  return naps;
}

TEST(stealing_habit, becomes_rare_when_it_does_not_pay_and_frequent_when_it_does) {
  weft::detail::stealing_habit h;
  EXPECT_EQ(naps_until_it_steals(h), 1);
  EXPECT_EQ(naps_until_it_steals(h), 1);
  h.did_not();
  naps_until_it_steals(h);
  EXPECT_EQ(naps_until_it_steals(h), 8);
  for (int i = 0; i < 100; ++i) h.did_not();
  naps_until_it_steals(h);
  EXPECT_EQ(naps_until_it_steals(h), 64);
  for (int i = 0; i < 100; ++i) h.did();
  EXPECT_EQ(naps_until_it_steals(h), 1);
}

/// Returns: the time after a millisecond in which one fires every `apart`, late or not.
weft::detail::deadline_ns run_a_millisecond(weft::detail::rush_habit& h,
                                            weft::detail::deadline_ns from,
                                            weft::detail::deadline_ns apart) {
  const weft::detail::deadline_ns end = from + 1'000'000;
  for (weft::detail::deadline_ns now = from; now < end;) {
    const weft::detail::deadline_ns slack = h.slack_ns(now);
    const weft::detail::deadline_ns step = apart + slack;
    const auto count = static_cast<std::size_t>(step / apart);
    h.note(count, now += step);
    if (slack > 0) h.judge(count);
  }
  return end;
}

TEST(rush_habit, waits_for_more_only_while_many_fire) {
  weft::detail::rush_habit h;
  weft::detail::deadline_ns now = run_a_millisecond(h, 1'000'000'000, 20'000);
  EXPECT_EQ(h.slack_ns(now), 0);
  now = run_a_millisecond(h, now, 1'000);
  EXPECT_GT(h.slack_ns(now), 0);
  now = run_a_millisecond(h, now + 100'000, 20'000);
  EXPECT_EQ(h.slack_ns(now), 0);
}

TEST(rush_habit, is_over_when_nothing_has_fired_for_a_while) {
  weft::detail::rush_habit h;
  const weft::detail::deadline_ns now = run_a_millisecond(h, 1'000'000'000, 1'000);
  EXPECT_GT(h.slack_ns(now), 0);
  EXPECT_EQ(h.slack_ns(now + 1'000'000), 0);
}

/// A few that sleep again and again fire often, until they are made to wait for each other.
TEST(rush_habit, ends_where_waiting_does_not_bring_more_together) {
  weft::detail::rush_habit h;
  weft::detail::deadline_ns now = 1'000'000'000;
  int late = 0;
  constexpr int rounds = 10'000;
  for (int i = 0; i < rounds; ++i) {
    const weft::detail::deadline_ns slack = h.slack_ns(now);
    late += slack > 0;
    h.note(4, now += 10'000 + slack);
    if (slack > 0) h.judge(4);
  }
  EXPECT_LT(late, rounds / 20);
}

TEST(lateness, allows_for_what_it_has_seen_within_bounds) {
  weft::detail::lateness l;
  EXPECT_EQ(l.allowance_ns(), 0);
  for (int i = 0; i < 100; ++i) l.note(3'000);
  EXPECT_NEAR(static_cast<double>(l.allowance_ns()), 3'000, 10);
  for (int i = 0; i < 100; ++i) l.note(1'000'000'000);
  const weft::detail::deadline_ns most = l.allowance_ns();
  EXPECT_LE(most, 24'000);
  for (int i = 0; i < 100; ++i) l.note(-1'000'000'000);
  EXPECT_NEAR(static_cast<double>(l.allowance_ns()), 0, 10);
}

}  // namespace
