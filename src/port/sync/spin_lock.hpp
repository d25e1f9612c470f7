// A lock for a few dozen nanoseconds: it spins, then yields the CPU, then naps. Where threads keep
// meeting at their locks, each lets the others have many turns in a row (see crowd_sense.hpp).
//
// Unlocking is a plain store, which is why it is not a futex lock: half the atomic cost of every
// channel operation.
// Threads: may be locked on one stack and unlocked on another (a parking goroutine does).
// Orders: spin: unlock's release to the next lock's acquire.
// Tested by: tests/unit/port/sync/spin_lock_test.cpp
#pragma once

#include <weft/detail/atomic.hpp>
#include <weft/detail/deadline.hpp>

namespace weft::detail {

void pause_cpu() noexcept;

/// An exchange was lost: another thread has changed the word, and has its cache line. If that keeps
/// taking much of the calling thread's time it stands back for some microseconds.
void lose_exchange_in_crowd() noexcept;

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
  /// For who holds another lock, for which others wait meanwhile: it never stands back.
  void lock_beside() noexcept {
    if (!try_lock()) [[unlikely]]
      lock_beside_contended();
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
  // Never inline: a compiler may keep the thread's own data's address across a switch.
  [[gnu::noinline]] void lock_contended() noexcept;
  [[gnu::noinline]] void lock_beside_contended() noexcept;
  void take_contended(deadline_ns begin) noexcept;
  inner_atomic<bool> held_{false};
};

}  // namespace weft::detail
