// A lock that costs its owner two plain stores and a load, and everybody else a system call.
//
// The owner is one worker at a time; thieves come rarely. The owner says "busy" and looks whether
// anybody wants in. A thief asks the owner to pay for a fence from now on, makes every running
// thread pass a barrier, which may take 10 us, and only then says "wanted" and looks whether the
// owner is busy. One of them sees the other. Meanwhile the owner goes on, with fences. A Chase-Lev
// deque would need one in every pop (measured: 15 ns for push and pop) and could hold no next-slot,
// no list, no fairness.
// Threads: lock_owner/unlock_owner by the owning worker; try_lock_thief/unlock_thief by any other.
// Orders: busy: the owner's last section to the thief's. wanted: the thief's section to the
//         owner's. The store-load order between the two words is light_barrier/heavy_barrier.
// Tested by: tests/unit/sched/owner_lock_test.cpp
#pragma once

#include <cstdint>

#include <weft/detail/atomic.hpp>

#include "port/sync/barrier.hpp"
#include "port/sync/spin_lock.hpp"

namespace weft::detail {

class owner_lock {
 public:
  // Always inline: in one large translation unit the compiler stops by itself, and a call more on
  // the way to a switch costs 2 ns (see the context switch's notes on return prediction).
  [[gnu::always_inline]] void lock_owner() noexcept {
    // Order: busy. relaxed store, ordered before the load of wanted_ by the barrier: a free one
    // needs no instruction, the other is one more case of "wanted".
    busy_.store(true, relaxed);
    compiler_barrier();  // Order: busy. Pairs with heavy_barrier in try_lock_thief().
    // Order: wanted. acquire pairs with the release in unlock_thief().
    if (wanted_.load(acquire) != nobody) [[unlikely]]
      lock_slowly();
  }
  /// Returns false, and has not locked, where lock_owner() would have to wait or to pay: for who
  /// then calls another function, and needs no stack frame itself.
  [[nodiscard, gnu::always_inline]] bool lock_owner_at_once() noexcept {
    // Order: busy. As in lock_owner().
    busy_.store(true, relaxed);
    compiler_barrier();  // Order: busy. As in lock_owner().
    // Order: wanted. As in lock_owner().
    if (wanted_.load(acquire) == nobody) [[likely]]
      return true;
    unlock_owner();
    return false;
  }
  [[gnu::always_inline]] void unlock_owner() noexcept {
    // Order: busy. release pairs with the acquire in try_lock_thief().
    busy_.store(false, release);
  }

  /// Gives up when another thief is there or the owner has lost its CPU inside.
  [[nodiscard]] bool try_lock_thief() noexcept;
  void unlock_thief() noexcept;

 private:
  static constexpr std::uint8_t nobody = 0;
  static constexpr std::uint8_t fence = 1;  // the owner has to pay for its barrier
  static constexpr std::uint8_t thief = 2;  // and to keep out

  void lock_slowly() noexcept;

  const std::uint8_t calm_ = light_barrier_is_free.read() ? nobody : fence;
  inner_atomic<bool> busy_{false};
  inner_atomic<std::uint8_t> wanted_{calm_};
  spin_lock thieves_;
};

/// The owner's section as a scope.
class owner_section {
 public:
  [[gnu::always_inline]] explicit owner_section(owner_lock& lock) noexcept : lock_(lock) {
    lock_.lock_owner();
  }
  owner_section(const owner_section&) = delete;
  owner_section& operator=(const owner_section&) = delete;
  [[gnu::always_inline]] ~owner_section() { lock_.unlock_owner(); }

 private:
  owner_lock& lock_;
};

}  // namespace weft::detail
