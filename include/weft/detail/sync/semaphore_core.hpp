// A semaphore's compiled half, and its fast paths: one locked instruction each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>

#include <weft/detail/atomic.hpp>
#include <weft/detail/sync/waiting_line.hpp>
#include <weft/detail/wait_bound.hpp>

namespace weft::detail {

class semaphore_core {
 public:
  static constexpr std::ptrdiff_t size_max = std::numeric_limits<std::ptrdiff_t>::max() / 2;

  constexpr explicit semaphore_core(std::ptrdiff_t size)
      : word_(static_cast<std::uint64_t>(checked(size)) * one), size_(size) {}
  semaphore_core(const semaphore_core&) = delete;
  semaphore_core& operator=(const semaphore_core&) = delete;
  ~semaphore_core();

  /// False: ask the other one. A negative n never fits. Inline, for 5 ns instead of 7.
  [[nodiscard]] bool take_quickly(std::ptrdiff_t n) noexcept {
    // Order: none. The exchange looks again.
    std::uint64_t seen = word_.load(relaxed);
    const auto wanted = static_cast<std::uint64_t>(n);
    // Order: permits. acquire: all that was done before these were released is seen.
    return (seen & waits) == 0 && seen / one >= wanted &&
           word_.compare_exchange_weak(seen, seen - wanted * one, acquire, relaxed);
  }
  [[nodiscard]] bool give_back_quickly(std::ptrdiff_t n) noexcept {
    // Order: none. The exchange looks again.
    std::uint64_t seen = word_.load(relaxed);
    const auto given = static_cast<std::uint64_t>(n);
    // Order: permits. release, to those who acquire them.
    return (seen & waits) == 0 && held(seen) >= given &&
           word_.compare_exchange_weak(seen, seen + given * one, release, relaxed);
  }

  bool try_take(std::ptrdiff_t n);
  bool take(std::ptrdiff_t n, const wait_bound& bound);
  void give_back(std::ptrdiff_t n);

 private:
  struct request;
  struct requests;

  requests& waiting() noexcept;
  bool try_take_counted(std::uint64_t n) noexcept;
  bool take_or_announce_locked(std::uint64_t n) noexcept;
  bool try_give_back_counted(std::uint64_t n);
  void grant_locked(std::uint64_t free, requests& line) noexcept;
  void give_up(request& r) noexcept;

  static constexpr std::uint64_t waits = 1;  // somebody stands in the line
  static constexpr std::uint64_t one = 2;    // a permit that is free

  static constexpr std::ptrdiff_t checked(std::ptrdiff_t size) {
    if (size < 0) throw std::invalid_argument("semaphore: negative size");
    if (size > size_max) throw std::invalid_argument("semaphore: size out of range");
    return size;
  }
  std::uint64_t held(std::uint64_t seen) const noexcept {
    return static_cast<std::uint64_t>(size_) - seen / one;
  }

  atomic<std::uint64_t> word_;
  const std::ptrdiff_t size_;
  waiting_line line_;
};

}  // namespace weft::detail
