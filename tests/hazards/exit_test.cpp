// The process ends while goroutines run, wait, sleep, block and hold locks:
// with the right status, without a crash, without a hang, and with static
// objects that join their goroutines.
#include <csignal>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "child_program.hpp"

namespace {

using hazards::ending;
using hazards::rounds;
using hazards::run_scenario;
using hazards::settings;

/// Every round of `scenario` ends with status 7 and says each of `words`, split
/// at commas.
void expect_seven(const std::string &scenario, std::string_view words = "") {
  for (int round = 0; round < rounds() && !testing::Test::HasFailure();
       ++round) {
    const ending e = run_scenario(scenario, settings(round));
    EXPECT_EQ(e.status, 7) << scenario << ", round " << round << ": " << e;
    for (std::string_view left = words; !left.empty();) {
      const std::size_t comma = left.find(',');
      const std::string each(left.substr(0, comma));
      EXPECT_TRUE(e.says(each))
          << scenario << " did not say '" << each << "': " << e;
      left = comma == std::string_view::npos ? "" : left.substr(comma + 1);
    }
    EXPECT_FALSE(e.says("Sanitizer")) << e;
    EXPECT_FALSE(e.says("fatal error")) << e;
  }
}

void expect_abort(const std::string &scenario, const std::string &words = "") {
  for (int round = 0; round < rounds() && !testing::Test::HasFailure();
       ++round) {
    const ending e = run_scenario(scenario, settings(round));
    EXPECT_EQ(e.signal, SIGABRT)
        << scenario << ", round " << round << ": " << e;
    EXPECT_TRUE(e.says(words)) << e;
  }
}

TEST(exit, main_returns) { expect_seven("main_returns"); }
TEST(exit, main_calls_exit) { expect_seven("main_exits"); }
TEST(exit, main_calls_quick_exit) { expect_seven("main_quick_exits", "quick"); }
TEST(exit, main_calls_underscore_exit) {
  expect_seven("main_leaves_by_the_system");
}
TEST(exit, main_aborts) { expect_abort("main_aborts"); }
TEST(exit, a_goroutine_calls_exit) { expect_seven("goroutine_exits"); }
TEST(exit, a_goroutine_calls_quick_exit) {
  expect_seven("goroutine_quick_exits", "quick");
}
TEST(exit, a_goroutine_calls_underscore_exit) {
  expect_seven("goroutine_leaves_by_the_system");
}
TEST(exit, a_goroutine_aborts) { expect_abort("goroutine_aborts"); }
TEST(exit, a_locked_goroutine_calls_exit) {
  expect_seven("locked_goroutine_exits");
}
TEST(exit, in_a_blocking_call) {
  expect_seven("goroutine_exits_in_a_blocking_call");
}
TEST(exit, in_a_catch_block_after_a_park) {
  expect_seven("exit_in_a_catch_block");
}
TEST(exit, a_plain_thread_calls_exit) { expect_seven("thread_exits"); }
TEST(exit, plain_threads_are_in_the_middle_of_weft) {
  expect_seven("detached_threads_and_no_goroutine");
}

TEST(pthread_exit_of_main, leaves_the_goroutines_running) {
  expect_seven("main_thread_ends", "sum 4950");
  expect_seven("main_thread_ends_beside_everything", "sum 4950");
}
TEST(pthread_exit_of_main, may_park_while_it_unwinds) {
  expect_seven("main_thread_ends_while_it_unwinds_weft", "sum 4950");
}
TEST(pthread_exit_in_a_goroutine, is_named) {
  if (hazards::under_tsan)
    GTEST_SKIP() << "ThreadSanitizer ends the program by itself";
  expect_abort("goroutine_ends_its_thread", "pthread_exit in a goroutine");
  EXPECT_TRUE(run_scenario("goroutine_ends_its_thread").says("'last'"));
}

TEST(static_objects, join_their_goroutines) {
  expect_seven("static_server_is_joined", "did 100");
}
TEST(static_objects, join_when_a_goroutine_exits) {
  expect_seven("static_server_is_joined_by_a_goroutine_that_exits", "did 100");
}
TEST(static_objects, join_when_a_locked_goroutine_exits) {
  expect_seven("static_server_is_joined_by_a_locked_goroutine", "did 100");
}
TEST(static_objects, join_when_a_thread_exits) {
  expect_seven("static_server_is_joined_by_a_thread_that_exits", "did 100");
}
TEST(static_objects, join_one_after_the_other_beside_a_crowd) {
  expect_seven("several_static_servers_beside_a_crowd",
               "first did 100,second did 100,third did 100");
}
TEST(static_objects, start_goroutines_when_they_are_older_than_the_runtime) {
  expect_seven("goroutines_started_by_an_old_static_object",
               "older 5,6 in main's goroutine");
}
TEST(static_objects, are_destroyed_with_waiters_in_their_queues) {
  expect_seven("static_objects_with_waiters");
}

TEST(handlers_of_exit, use_weft) {
  expect_seven("handlers_use_weft", "newer handler 3,older handler 3");
  expect_seven("handlers_use_weft_when_a_goroutine_exits",
               "newer handler 3,older handler 3");
}
TEST(thread_locals, use_weft_when_they_end) {
  expect_seven("thread_locals_use_weft", "main's 3,a thread's 3,a worker's 3");
  expect_seven("thread_locals_use_weft_when_a_goroutine_exits",
               "the exiting worker's 3");
}

} // namespace
