// Each death in a process of its own: it inherits no thread and no choice of the environment.
#pragma once

#include <cstdio>
#include <cstdlib>

#include <gtest/gtest.h>

namespace death {

class in_a_fresh_process : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    ::testing::FLAGS_gtest_death_test_style = "threadsafe";
    ::setenv("WEFT_MAXPROCS", GetParam(), 1);
  }
  void TearDown() override { ::unsetenv("WEFT_MAXPROCS"); }
};

/// The body came to its end.
[[noreturn]] inline void all_is_well() {
  std::fflush(nullptr);
  std::_Exit(0);
}

}  // namespace death

#define WEFT_DEATHS_AT_COUNTS(suite) \
  INSTANTIATE_TEST_SUITE_P(procs, suite, ::testing::Values("1", "2", "4"), \
                           [](const auto& tested) { return std::string(tested.param); })
