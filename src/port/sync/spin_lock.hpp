// A lock for a few dozen nanoseconds: it spins, then yields the CPU, then naps.
//
// Unlocking is a plain store, which is why it is not a futex lock: half the atomic cost of every
// channel operation.
// Threads: may be locked on one stack and unlocked on another (a parking goroutine does).
// Orders: spin: unlock's release to the next lock's acquire.
// Tested by: tests/unit/port/spin_lock_test.cpp
#pragma once

#include <weft/detail/atomic.hpp>

namespace weft::detail {

void pause_cpu() noexcept;

class spin_lock {
 public:
  constexpr spin_lock() noexcept = default;
  spin_lock(const spin_lock&) = delete;
  spin_lock& operator=(const spin_lock&) = delete;

  // Always inline: see owner_lock.hpp.
  [[gnu::always_inline]] void lock() noexcept {
    if (!try_lock()) [[unlikely]]
      lock_contended();
  }
  [[gnu::always_inline]] bool try_lock() noexcept {
    // Order: spin. acquire pairs with the release in unlock().
    return !held_.exchange(true, acquire);
  }
  void unlock() noexcept {
    // Order: spin. release pairs with the acquire in try_lock().
    held_.store(false, release);
  }

 private:
  void lock_contended() noexcept;
  inner_atomic<bool> held_{false};
};

}  // namespace weft::detail
