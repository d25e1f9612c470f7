// A small generator of its own (SplitMix64), so that a seed means the same everywhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace soak {

class random_source {
 public:
  explicit random_source(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }
  /// Uniform in [0, n), n > 0.
  std::size_t below(std::size_t n) noexcept { return static_cast<std::size_t>(next() % n); }
  /// Uniform in [low, high].
  std::size_t between(std::size_t low, std::size_t high) noexcept {
    return low + below(high - low + 1);
  }
  bool percent(std::size_t p) noexcept { return below(100) < p; }
  /// Another generator, whose numbers have nothing to do with this one's.
  random_source split() noexcept { return random_source(next() ^ 0xD1B54A32D192ED03U); }

  /// A wait that is sometimes already over, mostly tiny, sometimes longer than a time slice.
  std::chrono::nanoseconds tiny_wait() noexcept {
    static constexpr std::size_t bounds_ns[] = {1,      1'000,  1'000,   20'000,
                                                20'000, 50'000, 200'000, 2'000'000};
    return std::chrono::nanoseconds(below(bounds_ns[below(8)]));
  }

 private:
  std::uint64_t state_;
};

}  // namespace soak
