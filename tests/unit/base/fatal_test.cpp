// The end of a program: its words, its signal, and what it had printed before.
#include "base/fatal.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string_view>

#include "unit_support.hpp"

namespace {

using fatal = unit::in_a_fresh_process;

TEST_F(fatal, prints_the_words_and_aborts) {
  EXPECT_EXIT(weft::detail::fatal("the sky fell"), testing::KilledBySignal(SIGABRT),
              "^fatal error: the sky fell\n");
}

TEST_F(fatal, takes_words_without_an_end_mark) {
  const std::string_view words("stack overflow and more", 14);
  EXPECT_EXIT(weft::detail::fatal(words), testing::KilledBySignal(SIGABRT),
              "fatal error: stack overflow\n");
}

void die_with_output_pending() {
  std::setvbuf(stdout, nullptr, _IOFBF, 1 << 16);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  std::printf("what came before\n");
  weft::detail::fatal("the end");
}

TEST_F(fatal, does_not_lose_what_was_printed_before) {
  EXPECT_EXIT(die_with_output_pending(), testing::KilledBySignal(SIGABRT),
              "what came before\nfatal error: the end\n");
}

}  // namespace
