// A scene is one scenario at work in one round: its random numbers, what it does just now, and
// where its failed expectations go.
//
// Threads: random() only on the scene's own strand; everything else from anywhere.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "random_source.hpp"

namespace soak {

class scene;

struct scenario {
  const char* name;
  void (*run)(scene&);
};

/// Every scenario there is, in an order that does not change within a build.
std::span<const scenario> all_scenarios();

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

/// An amount of work; less where a sanitizer makes every step dear. At least 1.
constexpr std::size_t scaled(std::size_t amount) {
  const std::size_t less = amount / (under_tsan ? 8 : under_asan ? 4 : 1);
  return less == 0 ? 1 : less;
}

class scene {
 public:
  scene(const scenario& what, std::uint64_t seed, int number) noexcept
      : what_(what), seed_(seed), number_(number), random_(seed) {}
  scene(const scene&) = delete;
  scene& operator=(const scene&) = delete;

  const char* name() const noexcept { return what_.name; }
  std::uint64_t seed() const noexcept { return seed_; }
  int number() const noexcept { return number_; }
  random_source& random() noexcept { return random_; }

  /// What it does now, a literal: the watchdog tells it.
  void at(const char* doing) noexcept {
    doing_.store(doing, std::memory_order_relaxed);
    step();
  }
  void step() noexcept { steps_.fetch_add(1, std::memory_order_relaxed); }
  const char* doing() const noexcept { return doing_.load(std::memory_order_relaxed); }
  std::uint64_t steps() const noexcept { return steps_.load(std::memory_order_relaxed); }
  bool over() const noexcept { return over_.load(std::memory_order_acquire); }

  /// A failed expectation is told at once, with all that repeats it; the round goes on.
  void check(bool holds, const char* what) {
    if (!holds) [[unlikely]]
      tell_failure(what);
  }

  /// The scenario, from beginning to end.
  void play();

 private:
  void tell_failure(const char* what);

  const scenario& what_;
  const std::uint64_t seed_;
  const int number_;
  random_source random_;
  std::atomic<const char*> doing_{"not begun"};
  std::atomic<std::uint64_t> steps_{0};
  std::atomic<bool> over_{false};
};

/// How many expectations have failed so far.
std::uint64_t failures() noexcept;
/// The words that a failure is told with: how to repeat the round that is under way.
void set_replay(const char* command);

}  // namespace soak
