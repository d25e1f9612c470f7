// What the tests share: bodies at several numbers of processors and in both places, waiting without
// timing, and a leak check at the end of every test.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstddef>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <weft/weft.hpp>

namespace weft_test {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

/// A loop count, a fifth of it where a sanitizer makes every step dear.
constexpr int scaled(int count) { return sanitized ? std::max(count / 5, 1) : count; }

/// For a process that ends beside goroutines: an assignment for its environment. The leak checker
/// does not see what their locals hold when those live on ASan's heap.
inline std::string with_locals_on_stacks() {
  const char* set = std::getenv("ASAN_OPTIONS");
  return std::string("ASAN_OPTIONS=") + (set ? set : "") + ":detect_stack_use_after_return=0";
}

/// Waits until `holds()`; false only if it does not for so long that something hangs.
template <class Predicate>
[[nodiscard]] bool eventually(Predicate holds) {
  using namespace std::chrono_literals;
  const auto hang = std::chrono::steady_clock::now() + 60s;
  for (int round = 0; !holds(); ++round) {
    if (round < 100) {
      weft::yield();
    } else {
      weft::sleep_for(200us);
      if (std::chrono::steady_clock::now() > hang) return false;
    }
  }
  return true;
}

/// Gives a wrong implementation the time to do what it must not do. No right one fails by it.
inline void let_others_run() {
  using namespace std::chrono_literals;
  for (int i = 0; i < 20; ++i) weft::yield();
  weft::sleep_for(1ms);
}

/// How many goroutines there are between two tests. One that has told its waiter, but not returned
/// yet, still counts for a moment.
inline std::size_t goroutines_at_rest() {
  for (int i = 0; i < 1000 && weft::num_goroutines() != 0; ++i)
    weft::sleep_for(std::chrono::milliseconds(1));
  return weft::num_goroutines();
}

/// Sets max_procs for a scope.
class procs_scope {
 public:
  explicit procs_scope(int procs) : before_(weft::set_max_procs(procs)) {}
  procs_scope(const procs_scope&) = delete;
  procs_scope& operator=(const procs_scope&) = delete;
  ~procs_scope() { weft::set_max_procs(before_); }

 private:
  int before_;
};

/// The fixture of every test: at its end no goroutine is left, and max_procs is what it was.
class fixture : public ::testing::Test {
 protected:
  void SetUp() override {
    goroutines_before_ = goroutines_at_rest();
    procs_before_ = weft::max_procs();
  }
  void TearDown() override {
    EXPECT_TRUE(eventually([this] { return weft::num_goroutines() <= goroutines_before_; }))
        << weft::num_goroutines() << " goroutines left, " << goroutines_before_ << " at the start";
    EXPECT_EQ(weft::num_goroutines(), goroutines_before_);
    EXPECT_EQ(weft::max_procs(), procs_before_);
  }

 private:
  std::size_t goroutines_before_ = 0;
  int procs_before_ = 0;
};

namespace detail {

template <class Run>
void reporting(int procs, const char* place, Run&& run) {
  const bool failed_before = ::testing::Test::HasFailure();
  const std::size_t goroutines_before = goroutines_at_rest();
  const procs_scope scope(procs);
  std::forward<Run>(run)();
  EXPECT_TRUE(eventually([&] { return weft::num_goroutines() <= goroutines_before; }))
      << weft::num_goroutines() << " goroutines left, " << goroutines_before << " at the start";
  if (!failed_before && ::testing::Test::HasFailure())
    ADD_FAILURE() << "the first failure came with max_procs " << procs << ", on " << place;
}

}  // namespace detail

/// Runs `body` on this plain thread with 1, 2 and 4 processors.
template <class Body>
void on_thread(Body body) {
  for (const int procs : {1, 2, 4}) detail::reporting(procs, "a plain thread", [&] { body(); });
}

/// Runs `body` as the main goroutine with 1, 2 and 4 processors.
template <class Body>
void on_goroutine(Body body) {
  for (const int procs : {1, 2, 4})
    detail::reporting(procs, "a goroutine", [&] { weft::run([&] { body(); }); });
}

/// Both.
template <class Body>
void everywhere(Body body) {
  on_thread(body);
  on_goroutine(body);
}

/// Runs `body` as the only running goroutine of one processor, so that what goroutines do between
/// two of their waits is not interleaved.
template <class Body>
void on_one_processor(Body body) {
  detail::reporting(1, "a goroutine", [&] { weft::run([&] { body(); }); });
}

/// The text of the exception that `f` throws; "" if it throws none.
template <class Exception, class F>
[[nodiscard]] std::string what_thrown(F f) {
  try {
    f();
  } catch (const Exception& e) {
    return e.what();
  }
  return {};
}

}  // namespace weft_test
