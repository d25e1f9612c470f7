// The once's three states, from the compiled half.
#include <weft/detail/sync/once_core.hpp>

#include "sched/scheduler.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::atomic;
using weft::detail::once_core;
using weft::detail::once_turn;

using once_core_test = weft_test::fixture;

TEST_F(once_core_test, answers_run_once_and_done_afterwards) {
  once_core o;
  EXPECT_FALSE(o.done());
  EXPECT_EQ(o.begin({}), once_turn::run);
  EXPECT_FALSE(o.done());
  EXPECT_EQ(o.begin({.deadline = 0}), once_turn::gave_up);
  o.end();
  EXPECT_TRUE(o.done());
  EXPECT_EQ(o.begin({}), once_turn::done);
  EXPECT_EQ(o.begin({.deadline = 0}), once_turn::done);
}

TEST_F(once_core_test, is_small_and_made_of_zeros) {
  static_assert(sizeof(weft::once) <= 40);
  constinit static once_core made_by_the_compiler;
  EXPECT_EQ(made_by_the_compiler.begin({}), once_turn::run);
  made_by_the_compiler.end();
}

class once_at : public unit::at_counts {};

TEST_P(once_at, exactly_one_thread_is_to_run) {
  for (int round = 0; round < 500; ++round) {
    once_core o;
    atomic<int> runs{0};
    unit::on_threads(GetParam(), [&](int) {
      const once_turn turn = o.begin({});
      if (turn == once_turn::run) {
        ++runs;
        o.end();
      } else {
        EXPECT_EQ(turn, once_turn::done);
        EXPECT_EQ(runs, 1);
      }
    });
    ASSERT_EQ(runs, 1);
  }
}
WEFT_AT_COUNTS(once_at);

}  // namespace
