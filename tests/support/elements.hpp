// Element types that tell when a channel treats them wrongly.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <utility>

namespace weft_test {

/// Counts its instances and knows itself, so that a lost, doubled or bytewise copied one is seen.
class counted {
 public:
  explicit counted(int value = 0) noexcept : value_(value) { ++alive_; }
  counted(const counted& other) noexcept : value_(other.value_) { ++alive_; }
  counted(counted&& other) noexcept : value_(std::exchange(other.value_, moved)) { ++alive_; }
  counted& operator=(const counted& other) noexcept {
    value_ = other.value_;
    return *this;
  }
  counted& operator=(counted&& other) noexcept {
    value_ = std::exchange(other.value_, moved);
    return *this;
  }
  ~counted() {
    if (self_ != this) ++strays_;
    self_ = nullptr;
    --alive_;
  }

  static constexpr int moved = -1;
  int value() const noexcept { return self_ == this ? value_ : -2; }
  static int alive() noexcept { return alive_; }
  /// Destroyed twice, or where they were not constructed.
  static int strays() noexcept { return strays_; }

 private:
  static inline std::atomic<int> alive_{0};
  static inline std::atomic<int> strays_{0};
  const counted* self_ = this;
  int value_;
};

/// Throws when it is copied; moves without throwing.
class copy_thrower {
 public:
  explicit copy_thrower(int v) noexcept : value(v) {}
  copy_thrower(const copy_thrower& other) : value(other.value) {
    throw std::runtime_error("copying throws");
  }
  copy_thrower(copy_thrower&&) noexcept = default;
  copy_thrower& operator=(const copy_thrower&) = default;
  copy_thrower& operator=(copy_thrower&&) noexcept = default;

  int value;
};

/// Throws at the n-th move from now; every instance is counted.
class move_thrower {
 public:
  explicit move_thrower(int value) noexcept : value_(value) { ++alive_; }
  move_thrower(move_thrower&& other) : value_(tick(other)) {
    other.value_ = counted::moved;
    ++alive_;
  }
  move_thrower& operator=(move_thrower&& other) {
    value_ = tick(other);
    other.value_ = counted::moved;
    return *this;
  }
  ~move_thrower() { --alive_; }

  int value() const noexcept { return value_; }
  static int alive() noexcept { return alive_; }
  /// The n-th move from now throws, and no other; 0: none.
  static void throw_at(int n) noexcept { fuse_ = n; }
  static int moves_until_throw() noexcept { return fuse_; }

 private:
  static int tick(const move_thrower& from) {
    if (fuse_ > 0 && --fuse_ == 0) throw std::runtime_error("moving throws");
    return from.value_;
  }
  static inline std::atomic<int> alive_{0};
  static inline std::atomic<int> fuse_{0};
  int value_;
};

/// Knows whether it stands at a multiple of its alignment.
struct alignas(128) over_aligned {
  explicit over_aligned(int v = 0) noexcept : value(v), aligned(at_home()) {}
  over_aligned(over_aligned&& other) noexcept
      : value(other.value), aligned(other.aligned && at_home()) {}
  over_aligned& operator=(over_aligned&& other) noexcept {
    value = other.value;
    aligned = other.aligned && at_home();
    return *this;
  }
  bool at_home() const noexcept {
    return reinterpret_cast<std::uintptr_t>(this) % alignof(over_aligned) == 0;
  }

  int value;
  bool aligned;
};

/// 4 KiB, with every word a function of its seed.
struct large {
  explicit large(std::uint32_t seed = 0) noexcept {
    for (std::uint32_t i = 0; i < words.size(); ++i) words[i] = seed * 2654435761U + i;
  }
  bool is(std::uint32_t seed) const noexcept { return words == large(seed).words; }

  std::array<std::uint32_t, 1024> words;
};

}  // namespace weft_test
