// An exception that leaves a goroutine is reported with the stack of its throw.
#include <pthread.h>
#include <unistd.h>

#include <exception>
#include <stdexcept>
#include <string>
#include <thread>

#include "crash_support.hpp"

namespace {

using namespace crashes;
using ::testing::ExitedWithCode;
using ::testing::KilledBySignal;

class uncaught : public at_processors {};

CRASH_FRAME void throw_deep(int depth) {
  if (depth == 0) throw std::runtime_error("boom");
  throw_deep(depth - 1);
  crash_sink = depth;
}

TEST_P(uncaught, has_the_stack_of_the_throw) {
  EXPECT_EXIT(in_parser([] { throw_deep(3); }), KilledBySignal(SIGABRT),
              "panic: boom \\[std::runtime_error\\]\n\ngoroutine [0-9]+ 'parser', started at .*\n"
              "(.*\n)*.*throw_deep\\(int\\)\n.*\n.*throw_deep\\(int\\)\n(.*\n)*"
              "An exception left the function given to weft::go");
}

TEST_P(uncaught, on_the_smallest_stack_is_reported_likewise) {
  EXPECT_EXIT(in_parser([] { throw_deep(3); }, std::size_t{16} << 10), KilledBySignal(SIGABRT),
              "panic: boom (.*\n)*.*throw_deep\\(int\\)");
}

TEST_P(uncaught, runs_no_destructor_on_its_way) {
  EXPECT_EXIT(in_parser([] {
                struct noisy {
                  ~noisy() { std::_Exit(5); }
                } on_the_way;
                throw_deep(1);
              }),
              KilledBySignal(SIGABRT), "panic: boom");
}

TEST_P(uncaught, thrown_again_is_reported_from_there) {
  EXPECT_EXIT(in_parser([] {
                try {
                  throw_deep(1);
                } catch (const std::exception&) {
                  weft::yield();
                  throw;
                }
              }),
              KilledBySignal(SIGABRT), "panic: boom \\[std::runtime_error\\]\n\ngoroutine");
}

TEST_P(uncaught, that_is_caught_is_no_matter) {
  EXPECT_EXIT(in_parser([] {
                try {
                  throw_deep(5);
                } catch (const std::exception& e) {
                  std::fputs(e.what(), stderr);
                  std::_Exit(0);
                }
              }),
              ExitedWithCode(0), "^boom$");
}

TEST_P(uncaught, is_told_once_and_then_the_handler_before_has_its_turn) {
  EXPECT_EXIT(
      {
        std::set_terminate([] {
          std::fputs("the user's ending\n", stderr);
          std::_Exit(6);
        });
        in_parser([] { throw_deep(1); });
      },
      ExitedWithCode(6), "^panic: boom(.*\n)*the user's ending\n$");
}

TEST_P(uncaught, is_left_to_a_terminate_handler_that_comes_later) {
  EXPECT_EXIT(
      {
        weft::run([] {});
        std::set_terminate([] { std::_Exit(std::current_exception() ? 6 : 5); });
        in_parser([] { throw_deep(1); });
      },
      ExitedWithCode(6), "^$");
}

TEST_P(uncaught, in_a_noexcept_function_names_the_goroutine_too) {
  EXPECT_EXIT(in_parser([]() noexcept { throw_deep(1); }), KilledBySignal(SIGABRT),
              "panic: boom .*\n\ngoroutine [0-9]+ 'parser'");
}

TEST_P(uncaught, of_a_plain_thread_is_not_wefts) {
  EXPECT_EXIT(
      {
        weft::run([] {});
        std::set_terminate(std::get_terminate());
        std::thread([] { throw 1; }).join();
      },
      KilledBySignal(SIGABRT), "terminate called");
}

TEST_P(uncaught, terminate_without_an_exception_names_the_goroutine) {
  EXPECT_EXIT(in_parser([] { std::terminate(); }), KilledBySignal(SIGABRT),
              "panic: std::terminate was called\n\ngoroutine [0-9]+ 'parser'");
}

TEST_P(uncaught, exit_goroutine_is_none) {
  EXPECT_EXIT(
      {
        bool unwound = false;
        weft::wait_group group;
        group.go([&unwound] {
          const weft::defer note{[&unwound] { unwound = true; }};
          weft::exit_goroutine();
        });
        group.wait();
        std::_Exit(unwound ? 0 : 1);
      },
      ExitedWithCode(0), "^$");
}

TEST_P(uncaught, pthread_exit_has_a_clear_end) {
  EXPECT_EXIT(in_parser([] { ::pthread_exit(nullptr); }), KilledBySignal(SIGABRT),
              "pthread_exit (.*\n)*.*goroutine [0-9]+ 'parser', started at");
}

TEST_P(uncaught, of_many_at_once_is_one_report) {
  EXPECT_EXIT(
      {
        for (int i = 0; i < 20; ++i)
          weft::go(weft::named("twin"), [] {
            weft::yield();
            throw_deep(2);
          });
        weft::sleep_for(std::chrono::seconds(30));
      },
      KilledBySignal(SIGABRT), "^panic: boom ");
}

WEFT_CRASHES_AT_PROCESSORS(uncaught);

}  // namespace
