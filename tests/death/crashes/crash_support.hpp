// Deaths of goroutines, each in a process of its own, at one and at two processors.
#pragma once

#include <sys/wait.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include <weft/weft.hpp>

#include "opaque.hpp"

#define CRASH_FRAME WEFT_OPAQUE

namespace crashes {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool with_asan = true;
#elif defined(__has_feature)
inline constexpr bool with_asan = __has_feature(address_sanitizer);
#else
inline constexpr bool with_asan = false;
#endif

#if defined(__SANITIZE_THREAD__)
inline constexpr bool with_tsan = true;
#elif defined(__has_feature)
inline constexpr bool with_tsan = __has_feature(thread_sanitizer);
#else
inline constexpr bool with_tsan = false;
#endif

/// In a report of an overflow.
inline constexpr const char* sanitizers_words = "Sanitizer: (stack-overflow|SEGV)";

/// ThreadSanitizer exits.
struct dies_of {
  int signal;
  bool operator()(int status) const {
    if (with_tsan) return status != 0;
    return WIFSIGNALED(status) && WTERMSIG(status) == signal;
  }
};
/// Nothing is said, but by a sanitizer.
inline constexpr const char* nothing = with_tsan ? "" : "^$";

/// Sets a variable of the environment, for the processes that a test starts.
class environment {
 public:
  environment(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;
  ~environment() { ::unsetenv(name_); }

 private:
  const char* name_;
};

class at_processors : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    ::testing::FLAGS_gtest_death_test_style = "threadsafe";
    ::setenv("WEFT_MAXPROCS", GetParam(), 1);
  }
  void TearDown() override { ::unsetenv("WEFT_MAXPROCS"); }
};

/// Runs f as a goroutine named 'parser' that has parked once, and waits for the end.
template <class F>
void in_parser(F f, std::size_t stack_bytes = std::size_t{256} << 10) {
  weft::go(weft::named("parser").stack(stack_bytes), [f] {
    weft::yield();
    f();
    std::_Exit(99);  // nothing has happened
  });
  weft::sleep_for(std::chrono::seconds(30));
}

inline volatile int crash_sink = 0;

/// So deep that any stack overflows.
CRASH_FRAME inline int dig(int depth) {
  volatile char room[200];
  room[0] = static_cast<char>(depth);
  const int below = depth < 0 ? 0 : dig(depth + 1);
  crash_sink = room[0];
  return below + 1;
}

CRASH_FRAME inline void store_to(std::uintptr_t address) {
  *reinterpret_cast<volatile int*>(address) = 1;
  crash_sink = 1;
}

}  // namespace crashes

#define WEFT_CRASHES_AT_PROCESSORS(suite)                             \
  INSTANTIATE_TEST_SUITE_P(procs, suite, ::testing::Values("1", "2"), \
                           [](const auto& tested) { return std::string(tested.param); })
