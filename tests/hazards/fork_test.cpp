// fork() beside busy goroutines: a child execs, ends and uses the C library; one that goes on with
// weft is told so and ends, instead of waiting for threads that it has not got.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "child_program.hpp"

namespace {

using hazards::ending;
using hazards::rounds;
using hazards::run_scenario;
using hazards::settings;

constexpr bool allocator_may_be_locked = hazards::under_asan || hazards::under_tsan;

/// Again where a sanitizer's own lock may be what a child waited for.
ending run_with_free_locks(const std::string& scenario,
                           const std::vector<std::string>& environment) {
  constexpr int tries = 3;
  for (int i = 1;; ++i) {
    const ending e = run_scenario(scenario, environment);
    if (!allocator_may_be_locked || i == tries || !e.says("a child hung")) return e;
  }
}

void expect_good(const std::string& scenario) {
  const int count = rounds() < 4 ? 1 : rounds() / 2;
  for (int round = 0; round < count && !testing::Test::HasFailure(); ++round) {
    std::vector<std::string> environment = settings(round);
    environment.push_back(hazards::without_leak_check());
    const ending e = run_scenario(scenario, environment);
    EXPECT_EQ(e.status, 7) << scenario << ", round " << round << ": " << e;
  }
}

/// On a thread and on a goroutine.
void expect_refused(const std::string& scenario) {
  for (int round = 0; round < 4 && !testing::Test::HasFailure(); ++round) {
    const ending e = run_with_free_locks(scenario, settings(round));
    EXPECT_EQ(e.status, 7) << scenario << ", round " << round << ": " << e;
    EXPECT_TRUE(e.says("weft: used in a child of fork()")) << e;
    EXPECT_TRUE(e.says("only exec or _exit")) << e;
    EXPECT_FALSE(e.says("data race")) << e;
  }
}

TEST(a_child_of_fork, execs) { expect_good("child_execs"); }
TEST(a_child_of_fork, ends_at_once) { expect_good("child_ends_at_once"); }
TEST(a_child_of_fork, uses_the_c_library) {
  if (allocator_may_be_locked) GTEST_SKIP() << "a sanitizer's allocator may be locked at a fork";
  expect_good("child_uses_the_c_library");
}
TEST(a_child_of_fork, uses_what_does_not_wait) {
  if (allocator_may_be_locked) GTEST_SKIP() << "a sanitizer's allocator may be locked at a fork";
  expect_good("child_uses_what_does_not_wait");
}
TEST(a_child_of_fork, calls_exit) {
  if (allocator_may_be_locked) GTEST_SKIP() << "a sanitizer's allocator may be locked at a fork";
  expect_good("child_calls_exit");
}
TEST(a_child_of_fork, of_a_process_without_a_runtime_may_start_one) {
  expect_good("child_of_a_fresh_process_may_do_anything");
}
TEST(commands, run_from_goroutines) { expect_good("commands_from_goroutines"); }

TEST(a_child_that_goes_on, is_told_when_it_starts_a_goroutine) {
  expect_refused("child_starts_a_goroutine");
}
TEST(a_child_that_goes_on, is_told_when_it_waits) {
  expect_refused("child_waits_on_a_channel");
  expect_refused("child_selects");
  expect_refused("child_waits_for_a_mutex");
}
TEST(a_child_that_goes_on, is_told_when_it_needs_the_clock) {
  expect_refused("child_sleeps");
  expect_refused("child_makes_a_timer");
}
TEST(a_child_that_goes_on, is_told_when_it_runs_tasks) {
  expect_refused("child_runs_tasks");
  expect_refused("child_uses_run");
}
TEST(a_child_that_goes_on, is_told_when_it_wakes_somebody) {
  expect_refused("child_wakes_a_goroutine");
}
TEST(a_child_that_goes_on, is_told_when_its_goroutine_ends) {
  expect_refused("child_lets_its_goroutine_end");
}

}  // namespace
