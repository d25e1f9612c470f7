// How a task group ends a program: with the exception that no wait has taken.
#include <weft/tasks/task_group.hpp>

#include <stdexcept>
#include <string>

#include "unit_support.hpp"

namespace {

using group_end = unit::in_a_fresh_process;

TEST_F(group_end, an_exception_that_no_wait_has_taken_ends_the_program) {
  EXPECT_DEATH(
      {
        weft::task_group g;
        g.go([] { throw std::runtime_error("not waited for"); });
        while (!g.context().cancelled()) weft::yield();
      },
      "fatal error: weft::task_group: destroyed with an exception that no wait\\(\\) has taken: "
      "not waited for");
}

TEST_F(group_end, what_is_not_a_std_exception_is_said_so) {
  EXPECT_DEATH(
      {
        weft::task_group g;
        g.go([] { throw 5; });
        while (!g.context().cancelled()) weft::yield();
      },
      "an exception that is not a std::exception");
}

TEST_F(group_end, a_failure_after_the_destructor_has_cancelled_is_no_answer_to_it) {
  EXPECT_DEATH(
      {
        weft::task_group g;
        g.go([](const weft::context& ctx) {
          ctx.done().recv();
          throw std::runtime_error("while cleaning up");
        });
      },
      "no wait\\(\\) has taken: while cleaning up");
}

TEST_F(group_end, what_wait_has_taken_is_no_end) {
  EXPECT_EXIT(
      {
        std::string words;
        {
          weft::task_group g;
          g.go([] { throw std::runtime_error("taken"); });
          words = weft_test::what_thrown<std::runtime_error>([&] { g.wait(); });
        }
        unit::end_with(words == "taken");
      },
      testing::ExitedWithCode(0), "^$");
}

}  // namespace
