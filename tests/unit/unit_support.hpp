// What the unit tests share: bodies run by 1, 2 and 4 threads at once, and deaths in a fresh
// process.
#pragma once

#include <functional>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "weft_test.hpp"

namespace unit {

/// Runs f(0) ... f(count - 1), each on a thread of its own, and joins them.
template <class F>
void on_threads(int count, F f) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&f, i] { f(i); });
  for (std::thread& t : threads) t.join();
}

/// A test for 1, 2 and 4 threads or processors: GetParam() says which.
class at_counts : public testing::TestWithParam<int> {};

/// A test whose statement runs in a process of its own, started anew: it inherits no thread, no
/// lock and no choice that this process has made already.
class in_a_fresh_process : public testing::Test {
 protected:
  void SetUp() override { testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

/// Ends the fresh process: status 0 if it holds.
[[noreturn]] inline void end_with(bool holds) {
  std::fflush(nullptr);
  std::_Exit(holds ? 0 : 1);
}

/// A sequence that a failure can be replayed with: the seed is fixed.
using sequence = std::minstd_rand;

/// Uniform in [0, bound).
inline int below(sequence& s, int bound) {
  return std::uniform_int_distribution<int>(0, bound - 1)(s);
}

}  // namespace unit

#define WEFT_AT_COUNTS(suite)                                       \
  INSTANTIATE_TEST_SUITE_P(counts, suite, testing::Values(1, 2, 4), \
                           [](const auto& tested) { return std::to_string(tested.param); })
