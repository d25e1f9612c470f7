// The expensive half of the owner lock.
#include "sched/owner_lock.hpp"

#include "port/fork.hpp"
#include "port/thread.hpp"

namespace weft::detail {

bool owner_lock::try_lock_thief() noexcept {
  constexpr int spins_max = 1000;
  if (!thieves_.try_lock()) return false;
  // Order: wanted. relaxed store, ordered before the load of busy_ by the barrier.
  wanted_.store(true, relaxed);
  heavy_barrier();  // Order: busy. Pairs with light_barrier in lock_owner().
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
  wanted_.store(false, release);
  thieves_.unlock();
}

[[gnu::cold]] void owner_lock::wait_for_thief() noexcept {
  for (int round = 0;; ++round) {
    unlock_owner();
    // Order: wanted.
    while (wanted_.load(acquire)) {
      if (++round % 64 != 0) {
        pause_cpu();
        continue;
      }
      check_forked_child("a goroutine was to run");
      yield_thread();
    }
    // Order: busy.
    busy_.store(true, relaxed);
    light_barrier();  // Order: busy.
    // Order: wanted.
    if (!wanted_.load(acquire)) return;
  }
}

}  // namespace weft::detail
