// One thread sleeps here until somebody leaves it a permit: on a futex, or in the poller.
//
// Threads: park*() only by the one thread that owns it; unpark() by anyone.
// Invariants: R1 a permit that was left is taken by exactly one park, now or later.
// Orders: parker-permit: unpark's exchange publishes what was written before it to the park that
//         takes the permit.
// Tested by: tests/unit/port/sync/parker_test.cpp
#pragma once

#include <cstdint>

#include <weft/detail/atomic.hpp>
#include <weft/detail/deadline.hpp>

namespace weft::detail {

class parker {
 public:
  /// Sleeps until there is a permit, and takes it.
  void park() noexcept { static_cast<void>(park_until(never_ns)); }
  /// Returns: whether a permit was taken before the deadline.
  [[nodiscard]] bool park_until(deadline_ns deadline) noexcept;
  /// Sleeps in `poll()`, which must come back soon after interrupt_poll() was called.
  /// Returns: whether a permit was taken.
  template <class Poll>
  bool park_in_poller(Poll&& poll) noexcept {
    std::uint32_t seen = empty;
    // Order: parker-permit. acquire takes the permit that unpark() released.
    if (state_.compare_exchange_strong(seen, polling, acquire)) poll();
    // Order: parker-permit.
    return state_.exchange(empty, acquire) == permit;
  }
  /// Leaves a permit; a second one on top of it changes nothing. The owner may be gone when the
  /// futex is woken: a wake-up on a dead address is harmless.
  void unpark() noexcept;

  /// By the owner, awake: the next park will not sleep.
  bool has_permit() const noexcept {
    // Order: none. A hint: the park takes the permit.
    return state_.load(relaxed) == permit;
  }

  /// A permit has not been left since its owner went to sleep. True: what it does next, it does
  /// after unpark() or its deadline.
  bool is_asleep() const noexcept {
    // Order: parker-permit. acquire: what the owner did before it went to sleep is seen.
    const std::uint32_t state = state_.load(acquire);
    return state == asleep || state == polling;
  }

 private:
  static constexpr std::uint32_t empty = 0;
  static constexpr std::uint32_t permit = 1;
  static constexpr std::uint32_t asleep = 2;
  static constexpr std::uint32_t polling = 3;
  inner_atomic<std::uint32_t> state_{empty};
};

}  // namespace weft::detail
