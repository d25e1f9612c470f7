// Every permit is taken by exactly one park, whichever comes first.
#include "port/sync/parker.hpp"

#include <atomic>
#include <cerrno>
#include <vector>

#include "port/clock.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::never_ns;
using weft::detail::now_ns;
using weft::detail::parker;
using weft_test::scaled;

class parker_by_pairs : public unit::at_counts {};
WEFT_AT_COUNTS(parker_by_pairs);

TEST(parker, a_permit_left_before_the_park_is_taken_at_once) {
  parker p;
  p.unpark();
  p.park();
  p.unpark();
  EXPECT_TRUE(p.park_until(0));  // a permit wins over a deadline that has passed
}

TEST(parker, many_unparks_leave_one_permit) {
  parker p;
  for (int i = 0; i < 10; ++i) p.unpark();
  EXPECT_TRUE(p.park_until(0));
  EXPECT_FALSE(p.park_until(0));
}

TEST(parker, gives_up_at_the_deadline_and_not_before) {
  parker p;
  for (int i = 0; i < 20; ++i) {
    const auto deadline = now_ns() + 200'000;
    ASSERT_FALSE(p.park_until(deadline));
    ASSERT_GE(now_ns(), deadline);
  }
}

TEST(parker, a_deadline_in_the_past_is_over) {
  parker p;
  for (const weft::detail::deadline_ns past : {INT64_MIN, std::int64_t{-1}, std::int64_t{0}})
    EXPECT_FALSE(p.park_until(past));
}

TEST(parker, is_as_new_after_a_timeout) {
  parker p;
  EXPECT_FALSE(p.park_until(now_ns() + 1'000));
  p.unpark();
  EXPECT_TRUE(p.park_until(never_ns));
}

TEST(parker, leaves_errno_alone) {
  parker p;
  errno = 77;
  static_cast<void>(p.park_until(now_ns() + 1'000));
  std::thread sleeper([&] { p.park(); });
  p.unpark();
  sleeper.join();
  EXPECT_EQ(errno, 77);
}

/// The ball is passed by permits alone, and a plain number with it.
TEST_P(parker_by_pairs, no_unpark_is_lost_and_each_carries_what_was_written_before_it) {
  struct court {
    parker here, there;
    int ball = 0;
  };
  const int rounds = scaled(20'000);
  std::vector<court> courts(static_cast<std::size_t>(GetParam()));
  unit::on_threads(2 * GetParam(), [&](int number) {
    court& c = courts[static_cast<std::size_t>(number / 2)];
    const bool serves = number % 2 == 0;
    for (int i = 0; i < rounds; ++i) {
      if (!serves || i > 0) (serves ? c.here : c.there).park();
      ++c.ball;
      (serves ? c.there : c.here).unpark();
    }
  });
  for (const court& c : courts) EXPECT_EQ(c.ball, 2 * rounds);
}

/// Each unpark waits until the permit before it was taken, so as many must be taken as were left.
TEST_P(parker_by_pairs, a_timeout_that_races_an_unpark_loses_no_permit) {
  struct pair {
    parker p;
    std::atomic<int> taken{0};
  };
  const int permits = scaled(20'000);
  std::vector<pair> pairs(static_cast<std::size_t>(GetParam()));
  unit::on_threads(2 * GetParam(), [&](int number) {
    pair& mine = pairs[static_cast<std::size_t>(number / 2)];
    if (number % 2 == 0) {
      for (int left = 0; left < permits; ++left) {
        while (mine.taken.load() != left) std::this_thread::yield();
        mine.p.unpark();
      }
      return;
    }
    unit::sequence s(static_cast<unsigned>(number));
    while (mine.taken.load() < permits)
      if (mine.p.park_until(now_ns() + unit::below(s, 20'000))) ++mine.taken;
    EXPECT_FALSE(mine.p.park_until(0)) << "a permit was left over";
  });
}

TEST_P(parker_by_pairs, one_sleeper_many_wakers) {
  parker p;
  const int wakers = GetParam();
  std::vector<std::atomic<int>> posted(static_cast<std::size_t>(wakers));
  const int each = scaled(5'000);
  unit::on_threads(wakers + 1, [&](int number) {
    if (number < wakers) {
      for (int i = 0; i < each; ++i) {
        posted[static_cast<std::size_t>(number)].fetch_add(1);
        p.unpark();
      }
      return;
    }
    const auto all = [&] {
      int sum = 0;
      for (const auto& n : posted) sum += n.load();
      return sum;
    };
    while (all() < wakers * each) p.park();
  });
}

}  // namespace
