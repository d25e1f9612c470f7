// Who stands back: threads that lose much of their time to locks, for some turns.
#include "port/sync/crowd_sense.hpp"

#include <gtest/gtest.h>

namespace {

using weft::detail::crowd_sense;
using weft::detail::deadline_ns;

/// A thread that meets somebody at a lock every `apart_ns` and then waits for `waits_ns`.
class visitor {
 public:
  visitor(deadline_ns apart_ns, deadline_ns waits_ns) : apart_ns_(apart_ns), waits_ns_(waits_ns) {}

  /// Returns: how often it stood back.
  int meets(crowd_sense& sense, int times) {
    int stood_back = 0;
    for (int i = 0; i < times; ++i) {
      now_ += apart_ns_;
      if (sense.meets_holder(now_)) ++stood_back;
      sense.waited(waits_ns_);
    }
    return stood_back;
  }

 private:
  const deadline_ns apart_ns_;
  const deadline_ns waits_ns_;
  deadline_ns now_ = 1'000'000;
};

TEST(crowd_sense, does_not_stand_back_at_first) {
  crowd_sense sense;
  EXPECT_FALSE(sense.meets_holder(1'000'000));
}

TEST(crowd_sense, does_not_stand_back_where_threads_meet_by_chance) {
  crowd_sense sense;
  EXPECT_EQ(visitor(1'000, 100).meets(sense, 10'000), 0);
}

TEST(crowd_sense, stands_back_where_much_of_the_time_is_lost) {
  crowd_sense sense;
  EXPECT_GT(visitor(400, 200).meets(sense, 10'000), 5'000);
}

TEST(crowd_sense, finds_out_when_the_crowd_has_gone) {
  crowd_sense sense;
  visitor(400, 200).meets(sense, 1'000);
  visitor by_chance(10'000, 100);
  by_chance.meets(sense, 200);
  EXPECT_EQ(by_chance.meets(sense, 1'000), 0);
}

TEST(crowd_sense, does_not_blame_the_crowd_for_a_holder_that_lost_its_cpu) {
  crowd_sense sense;
  EXPECT_EQ(visitor(10'000'000, 5'000'000).meets(sense, 1'000), 0);
}

}  // namespace
