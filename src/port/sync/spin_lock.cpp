// What a thread does while another holds the lock: spin, then let the holder have the CPU.
#include "port/sync/spin_lock.hpp"

#include <sched.h>
#include <time.h>

#include <algorithm>

#include "port/fork.hpp"

namespace weft::detail {

void pause_cpu() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  asm volatile("yield");
#endif
}

void spin_lock::lock_contended() noexcept {
  constexpr int spins_max = 20;    // about 10 us: far longer than any holder needs
  constexpr int pauses_max = 16;   // a look takes the cache line from the holder
  constexpr int yields_max = 256;  // the holder lost its CPU; after that it may have low priority
  int pauses = 1;
  for (int round = 0;; ++round) {
    // Order: none. Only a hint that another exchange may succeed.
    if (!held_.load(relaxed) && try_lock()) return;
    if (round < spins_max) {
      for (int i = 0; i < pauses; ++i) pause_cpu();
      pauses = std::min(2 * pauses, pauses_max);
    } else if (round < spins_max + yields_max) {
      ::sched_yield();
    } else {
      check_forked_child("a lock that another thread held");
      const timespec nap{0, 50'000};
      ::nanosleep(&nap, nullptr);
    }
  }
}

}  // namespace weft::detail
