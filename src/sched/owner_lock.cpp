// The expensive half of the owner lock.
#include "sched/owner_lock.hpp"

#include "port/fork.hpp"
#include "port/thread.hpp"

namespace weft::detail {

bool owner_lock::try_lock_thief() noexcept {
  constexpr int spins_max = 1000;
  if (!thieves_.try_lock()) return false;
  if (calm_ == nobody) {
    // Order: wanted. release: the owner goes on if it reads this, after the thief before.
    wanted_.store(fence, release);
    // Past it every section of the owner's has begun with a fence, or is seen to be busy below.
    heavy_barrier();  // Order: busy. Pairs with the compiler_barrier in lock_owner().
  }
  // Order: wanted. relaxed store, ordered before the load of busy_ by the fence.
  wanted_.store(thief, relaxed);
  full_fence();  // Order: busy. Pairs with the one in lock_slowly().
  for (int i = 0; i < spins_max; ++i) {
    // Order: busy. acquire pairs with the release in unlock_owner().
    if (!busy_.load(acquire)) return true;
    pause_cpu();
  }
  unlock_thief();
  return false;
}

void owner_lock::unlock_thief() noexcept {
  // Order: wanted. release pairs with the acquire in lock_owner().
  wanted_.store(calm_, release);
  thieves_.unlock();
}

/// "Busy" has been said.
[[gnu::cold]] void owner_lock::lock_slowly() noexcept {
  for (int round = 0;; ++round) {
    full_fence();  // Order: busy. Pairs with the one in try_lock_thief().
    // Order: wanted.
    if (wanted_.load(acquire) != thief) return;
    unlock_owner();
    // Order: wanted.
    while (wanted_.load(acquire) == thief) {
      if (++round % 64 != 0) {
        pause_cpu();
        continue;
      }
      check_forked_child("a goroutine was to run");
      yield_thread();
    }
    // Order: busy. relaxed: the fence follows.
    busy_.store(true, relaxed);
  }
}

}  // namespace weft::detail
