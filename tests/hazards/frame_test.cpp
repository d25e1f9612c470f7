// Frames larger than a stack: with -fstack-clash-protection, as these files and
// the library are compiled, every page of a frame is touched in turn, so that
// the guard is met and not stepped over.
#include <csignal>
#include <string>

#include <gtest/gtest.h>

#include "child_program.hpp"

namespace {

using hazards::ending;
using hazards::run_scenario;

/// The goroutine ends the program where its stack ends. What is said depends on
/// who listens: a sanitizer, the report of the overflow, or nobody.
void expect_stopped_at_the_guard(const std::string &scenario) {
  for (const char *setting :
       {"WEFT_MAXPROCS=1", "WEFT_MAXPROCS=4", "WEFT_GUARDS=mprotect"}) {
    const ending e = run_scenario(scenario, {setting});
    const bool stopped = e.signal == SIGSEGV || e.signal == SIGABRT ||
                         e.signal == SIGBUS ||
                         e.says("AddressSanitizer: stack-overflow") ||
                         e.says("ThreadSanitizer: stack-overflow");
    EXPECT_TRUE(stopped) << scenario << " with " << setting << ": " << e;
    EXPECT_FALSE(e.says("nothing happened")) << scenario << ": " << e;
  }
}

TEST(large_frames, of_a_mebibyte_meet_the_guard) {
  expect_stopped_at_the_guard("frame_of_a_mebibyte");
}
TEST(large_frames, meet_the_guard_after_a_park) {
  expect_stopped_at_the_guard("frame_after_a_park");
}
TEST(large_frames, by_alloca_meet_the_guard) {
  expect_stopped_at_the_guard("alloca_of_half_a_mebibyte");
}
TEST(small_frames, without_end_meet_the_guard) {
  expect_stopped_at_the_guard("recursion_without_end");
}
TEST(large_frames, that_fit_are_fine) {
  const ending e = run_scenario("frames_that_fit");
  EXPECT_EQ(e.status, 7) << e;
}

} // namespace
