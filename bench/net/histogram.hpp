// Counts durations in buckets that are 0.4 % wide, from 1 ns to minutes; exact below 512 ns.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace net_bench {

class histogram {
 public:
  void add(std::int64_t ns) noexcept {
    const auto value = static_cast<std::uint64_t>(ns > 0 ? ns : 0);
    const std::size_t place = place_of(value);
    ++counts_[place < counts_.size() ? place : counts_.size() - 1];
    ++count_;
    if (value > max_) max_ = value;
  }
  void clear() { *this = histogram(); }

  std::uint64_t count() const noexcept { return count_; }
  std::uint64_t max_ns() const noexcept { return max_; }
  /// The middle of the bucket below which `share` of all lie; 0 <= share <= 1.
  double quantile_ns(double share) const noexcept {
    const double wanted = share * static_cast<double>(count_);
    double seen = 0;
    for (std::size_t place = 0; place < counts_.size(); ++place) {
      seen += static_cast<double>(counts_[place]);
      if (seen >= wanted && counts_[place] > 0) return middle_of(place);
    }
    return static_cast<double>(max_);
  }

 private:
  // Values with the same leading 9 bits share a bucket.
  static constexpr unsigned exact_bits = 9;
  static constexpr std::size_t half = std::size_t{1} << (exact_bits - 1);
  static constexpr std::size_t doublings = 32;

  static std::size_t place_of(std::uint64_t value) noexcept {
    const auto bits = static_cast<unsigned>(std::bit_width(value));
    if (bits <= exact_bits) return static_cast<std::size_t>(value);
    const unsigned shift = bits - exact_bits;
    return half * shift + static_cast<std::size_t>(value >> shift);
  }
  static double middle_of(std::size_t place) noexcept {
    if (place < 2 * half) return static_cast<double>(place);
    const std::size_t shift = place / half - 1;
    const auto low = static_cast<double>((place - half * shift) << shift);
    return low + static_cast<double>(std::uint64_t{1} << shift) / 2;
  }

  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(half * (doublings + 2));
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace net_bench
