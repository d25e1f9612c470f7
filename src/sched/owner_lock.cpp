// The expensive half of the owner lock.
#include "sched/owner_lock.hpp"

#include "port/fork.hpp"
#include "port/thread.hpp"

namespace weft::detail {

bool owner_lock::try_lock_thief() noexcept {
  constexpr int spins_max = 1000;
  if (!thieves_.try_lock()) return false;
  // Order: wanted. relaxed store, ordered before the load of busy_ by the barrier.
  wanted_.store(thief | calm_, relaxed);
  heavy_barrier_when(calm_ == nobody);  // Order: busy. Pairs with lock_owner().
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
    if (calm_ == fence) full_fence();  // Order: busy. Pairs with try_lock_thief().
    // Order: wanted.
    if (wanted_.load(acquire) == calm_) return;
    unlock_owner();
    // Order: wanted.
    while (wanted_.load(acquire) != calm_) {
      if (++round % 64 != 0) {
        pause_cpu();
        continue;
      }
      check_forked_child("a goroutine was to run");
      yield_thread();
    }
    // Order: busy.
    busy_.store(true, relaxed);
    compiler_barrier();  // Order: busy. As in lock_owner().
  }
}

}  // namespace weft::detail
