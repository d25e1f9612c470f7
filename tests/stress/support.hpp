// What the stress tests share: a seed that can be set, a time budget, and a watchdog that says
// which seed hung. WEFT_STRESS_SEED replays a run, WEFT_STRESS_SECONDS scales every test.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <weft/weft.hpp>

namespace stress {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool under_tsan = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr bool under_tsan = true;
#else
inline constexpr bool under_tsan = false;
#endif
#else
inline constexpr bool under_tsan = false;
#endif

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool under_asan = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool under_asan = true;
#else
inline constexpr bool under_asan = false;
#endif
#else
inline constexpr bool under_asan = false;
#endif

/// How many goroutines a storm may keep alive at once. ThreadSanitizer gives up beyond a few
/// thousand fibers, and AddressSanitizer keeps a fake stack for each.
inline constexpr int crowd = under_tsan ? 1'000 : under_asan ? 2'000 : 10'000;
/// Divides amounts of work, so that an instrumented run takes about as long as a plain one.
inline constexpr int slowdown = under_tsan ? 10 : under_asan ? 3 : 1;

/// A small generator of its own (SplitMix64), so that a seed means the same on every library.
class random_source {
 public:
  explicit random_source(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }
  /// Uniform in [0, n), n > 0.
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
  bool percent(std::size_t p) { return below(100) < p; }
  /// A wait that is sometimes already over, mostly tiny, sometimes longer than a time slice.
  std::chrono::nanoseconds tiny_wait();

 private:
  std::uint64_t state_;
};

/// Seconds that one test case may take.
double seconds();

/// Runs `program(seed)` with new seeds until the time is over or an expectation failed. The first
/// seed is WEFT_STRESS_SEED if it is set. A program that does not end is reported with its seed.
void repeat(const std::function<void(std::uint64_t)>& program);

/// Waits until every goroutine has ended. A hang, not slowness, makes it fail.
void expect_no_goroutines();

/// Runs a test at 1, 2 and 4 processors, and checks at the end that no goroutine is left.
class at_processors : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { before_ = weft::set_max_procs(GetParam()); }
  void TearDown() override {
    expect_no_goroutines();
    weft::set_max_procs(before_);
  }

 private:
  int before_ = 0;
};

/// Runs functions side by side, each as a goroutine or as a plain thread, and joins them all.
class crew {
 public:
  crew() = default;
  crew(const crew&) = delete;
  crew& operator=(const crew&) = delete;
  ~crew() { join(); }

  template <class F>
  void start(bool as_thread, F f) {
    if (as_thread)
      threads_.emplace_back(std::move(f));
    else
      goroutines_.go(std::move(f));
  }
  void join() {
    for (std::thread& t : threads_) t.join();
    threads_.clear();
    goroutines_.wait();
  }

 private:
  std::vector<std::thread> threads_;
  weft::wait_group goroutines_;
};

/// Keeps changing max_procs, from a plain thread, for as long as it lives.
class processor_shaker {
 public:
  explicit processor_shaker(std::uint64_t seed);
  processor_shaker(const processor_shaker&) = delete;
  processor_shaker& operator=(const processor_shaker&) = delete;
  ~processor_shaker();

 private:
  weft::chan<void> stop_;
  std::thread shaker_;
};

}  // namespace stress

#define WEFT_AT_PROCESSORS(suite) \
  INSTANTIATE_TEST_SUITE_P(processors, suite, testing::Values(1, 2, 4))
