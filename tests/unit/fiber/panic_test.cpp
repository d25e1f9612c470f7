// The report about an exception that nobody caught: what, of which type, which goroutine.
#include "fiber/panic.hpp"

#include <csignal>
#include <stdexcept>

#include "unit_support.hpp"

namespace {

using weft::detail::die_of_uncaught_exception;
using weft::detail::goroutine;

class panic : public unit::in_a_fresh_process {};

template <class Thrown>
[[noreturn]] void die_of(Thrown thrown) {
  goroutine g;
  g.id = 5;
  char name[] = "reader";
  g.own.name = name;
  try {
    throw thrown;
  } catch (...) {
    die_of_uncaught_exception(g);
  }
}

struct plain {};

TEST_F(panic, says_what_the_exception_says_and_its_type) {
  EXPECT_EXIT(die_of(std::runtime_error("out of paper")), testing::KilledBySignal(SIGABRT),
              "panic: out of paper \\[std::runtime_error\\]\n\ngoroutine 5 'reader', started at");
}

TEST_F(panic, says_the_type_of_what_cannot_say_anything) {
  EXPECT_EXIT(die_of(42), testing::KilledBySignal(SIGABRT), "panic: an exception of type int\n");
  EXPECT_EXIT(die_of(plain{}), testing::KilledBySignal(SIGABRT),
              "panic: an exception of type \\(anonymous namespace\\)::plain\n");
}

TEST_F(panic, calls_the_terminate_handler) {
  EXPECT_EXIT(
      {
        std::set_terminate([] { unit::end_with(true); });
        die_of(1);
      },
      testing::ExitedWithCode(0), "panic: ");
}

TEST_F(panic, goes_the_same_way_from_a_running_goroutine) {
  EXPECT_EXIT(
      {
        weft::go(weft::named("reader"), [] { throw std::runtime_error("out of paper"); });
        weft::chan<int>(nullptr).recv();
      },
      testing::KilledBySignal(SIGABRT), "panic: out of paper .*\n\ngoroutine 1 'reader', started");
}

}  // namespace
