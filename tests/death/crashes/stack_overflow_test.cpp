// A goroutine that overflows its stack is named, with its stack, however the guard is made.
#include <unistd.h>

#include <cstdint>
#include <thread>

#include "crash_support.hpp"

namespace {

using namespace crashes;

struct kind {
  const char* processors;
  const char* guards;
};

class stack_overflow : public ::testing::TestWithParam<kind> {
 protected:
  void SetUp() override {
    ::testing::FLAGS_gtest_death_test_style = "threadsafe";
    ::setenv("WEFT_MAXPROCS", GetParam().processors, 1);
    ::setenv("WEFT_GUARDS", GetParam().guards, 1);
  }
  void TearDown() override {
    ::unsetenv("WEFT_MAXPROCS");
    ::unsetenv("WEFT_GUARDS");
  }
};

/// Sanitizers handle the signal, and report the overflow, themselves.
inline constexpr bool sanitized = with_asan || with_tsan;
bool ends_as_an_overflow(int status) { return sanitized ? status != 0 : dies_of{SIGABRT}(status); }
#define EXPECT_OVERFLOW(statement, words) \
  EXPECT_EXIT(statement, ends_as_an_overflow, sanitized ? sanitizers_words : words)

TEST_P(stack_overflow, by_recursion_is_named_with_its_stack_and_what_helps) {
  EXPECT_OVERFLOW(in_parser([] { dig(0); }),
                  "stack overflow: goroutine [0-9]+ 'parser' overflowed its 256 KiB stack\n\n"
                  "goroutine [0-9]+ 'parser', started at .*crash_support.hpp:[0-9]+ .*\n"
                  "(.*\n)*.*dig\\(int\\)\n(.*\n)*"
                  "\\.\\.\\. [0-9]+ frames are left out \\.\\.\\.\n(.*\n)*"
                  "If it is no endless recursion: weft::go\\(weft::named\\(\"parser\"\\)"
                  "\\.stack\\(512 << 10\\)");
}

TEST_P(stack_overflow, of_a_small_stack_is_told_likewise) {
  EXPECT_OVERFLOW(in_parser([] { dig(0); }, std::size_t{16} << 10),
                  "'parser' overflowed its 16 KiB stack(.*\n)*.*dig\\(int\\)");
}

TEST_P(stack_overflow, of_a_large_stack_is_told_likewise) {
  EXPECT_OVERFLOW(in_parser([] { dig(0); }, std::size_t{64} << 20),
                  "'parser' overflowed its 65536 KiB stack(.*\n)*.*dig\\(int\\)");
}

INSTANTIATE_TEST_SUITE_P(guards, stack_overflow,
                         ::testing::Values(kind{"1", "light"}, kind{"2", "light"},
                                           kind{"1", "mprotect"}, kind{"2", "mprotect"}),
                         [](const auto& tested) {
                           return std::string(tested.param.guards) + tested.param.processors;
                         });

// What runs on over the end of a stack without a guard spoils another's: the test spoils nothing
// but the canary.
class stack_overflow_without_guard : public at_processors {};

/// Down to where the canary is, which stack_pool.cpp plants, and no further.
CRASH_FRAME void spoil_the_canary() {
  constexpr std::uint64_t canary = 0x77656674'63616e61U;
  constexpr std::uintptr_t page = 4096;
  volatile char here = 0;
  // Safety: the stack is mapped down to the page that begins with the canary.
  for (auto at = reinterpret_cast<std::uintptr_t>(&here) & ~(page - 1);; at -= page) {
    auto* const word = reinterpret_cast<volatile std::uint64_t*>(at);
    if (*word == canary) {
      *word = 0;
      return;
    }
  }
}

TEST_P(stack_overflow_without_guard, is_found_at_the_next_park) {
  if (with_asan) GTEST_SKIP() << "it reads beyond its own frame";
  const environment none("WEFT_GUARDS", "none");
  EXPECT_EXIT(
      in_parser([] {
        spoil_the_canary();
        weft::yield();
      }),
      dies_of{SIGABRT},
      "'parser' overflowed its 256 KiB stack\n(.*\n)*goroutine [0-9]+ 'parser', started at");
}

WEFT_CRASHES_AT_PROCESSORS(stack_overflow_without_guard);

class stack_overflow_report : public at_processors {};

TEST_P(stack_overflow_report, of_a_library_function_has_its_name) {
  EXPECT_OVERFLOW(in_parser([] {
                    // qsort's comparison recurses: libc's frames are in between.
                    struct deeper {
                      static int compare(const void*, const void*) {
                        int two[2] = {1, 2};
                        ::qsort(two, 2, sizeof(int), compare);
                        return two[0];
                      }
                    };
                    deeper::compare(nullptr, nullptr);
                  }),
                  "'parser' overflowed its 256 KiB stack(.*\n)*.*qsort");
}

TEST_P(stack_overflow_report, is_not_given_if_it_is_switched_off) {
  if (with_asan) GTEST_SKIP() << "AddressSanitizer reports in its own words";
  const environment off("WEFT_OVERFLOW_REPORT", "0");
  EXPECT_EXIT(in_parser([] { dig(0); }), dies_of{SIGSEGV}, nothing);
}

TEST_P(stack_overflow_report, of_a_plain_thread_is_not_wefts) {
  if (with_asan) GTEST_SKIP() << "AddressSanitizer reports in its own words";
  EXPECT_EXIT(
      {
        weft::run([] {});
        std::thread([] { dig(0); }).join();
      },
      dies_of{SIGSEGV}, nothing);
}

TEST_P(stack_overflow_report, of_a_wild_pointer_is_not_given) {
  if (with_asan) GTEST_SKIP() << "AddressSanitizer reports in its own words";
  EXPECT_EXIT(in_parser([] { store_to(8); }), dies_of{SIGSEGV}, nothing);
}

void users_handler(int) {
  constexpr char words[] = "the user's handler\n";
  if (::write(2, words, sizeof words - 1) < 0) std::abort();
  std::_Exit(7);
}

TEST_P(stack_overflow_report, leaves_a_handler_alone_that_was_there_before) {
  EXPECT_EXIT(
      {
        std::signal(SIGSEGV, users_handler);
        in_parser([] { store_to(8); });
      },
      ::testing::ExitedWithCode(7), "^the user's handler\n$");
}

TEST_P(stack_overflow_report, leaves_a_handler_alone_that_comes_later) {
  EXPECT_EXIT(
      {
        weft::run([] {});
        std::signal(SIGSEGV, users_handler);
        in_parser([] { store_to(8); });
      },
      ::testing::ExitedWithCode(7), "^the user's handler\n$");
}

WEFT_CRASHES_AT_PROCESSORS(stack_overflow_report);

}  // namespace
