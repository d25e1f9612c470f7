// A latch's compiled half.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>

#include <weft/detail/atomic.hpp>
#include <weft/detail/sync/waiting_line.hpp>
#include <weft/detail/wait_bound.hpp>

namespace weft::detail {

class latch_core {
 public:
  static constexpr std::ptrdiff_t count_max = std::numeric_limits<std::ptrdiff_t>::max() / 2;

  constexpr explicit latch_core(std::ptrdiff_t count)
      : word_(static_cast<std::uint64_t>(checked(count)) * one) {}
  latch_core(const latch_core&) = delete;
  latch_core& operator=(const latch_core&) = delete;
  ~latch_core();

  bool open() const noexcept {
    // Order: opened. acquire pairs with the release of every count_down.
    return word_.load(acquire) < one;
  }
  void count_down(std::ptrdiff_t n);
  bool wait(const wait_bound& bound) noexcept;

 private:
  static constexpr std::uint64_t waits = 1;  // somebody stands in the line
  static constexpr std::uint64_t one = 2;    // still to be counted down

  static constexpr std::ptrdiff_t checked(std::ptrdiff_t count) {
    if (count < 0) throw std::invalid_argument("latch: negative count");
    if (count > count_max) throw std::invalid_argument("latch: count out of range");
    return count;
  }
  bool announce_locked() noexcept;
  void open_from_line(std::uint64_t n);

  atomic<std::uint64_t> word_;
  waiting_line line_;
};

}  // namespace weft::detail
