// What a thread does while another holds the lock: stand back if it keeps happening, spin, then let
// the holder have the CPU.
#include "port/sync/spin_lock.hpp"

#include <sched.h>
#include <time.h>

#include <algorithm>

#include "port/clock.hpp"
#include "port/fork.hpp"
#include "port/sync/crowd_sense.hpp"

namespace weft::detail {
namespace {

thread_local constinit crowd_sense this_crowd;

/// Without a look at the lock. Returns: the time after it.
deadline_ns stand_back(deadline_ns now) noexcept {
  constexpr deadline_ns stand_back_ns = 4'000;
  constexpr int pauses = 8;
  for (const deadline_ns end = now + stand_back_ns; now < end; now = now_ns())
    for (int i = 0; i < pauses; ++i) pause_cpu();
  return now;
}

}  // namespace

void pause_cpu() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  asm volatile("yield");
#endif
}

[[gnu::noinline]] void lose_exchange_in_crowd() noexcept {
  constexpr deadline_ns about_ns = 50;  // for the cache line to come here and back
  const deadline_ns now = now_ns();
  if (this_crowd.meets_holder(now)) stand_back(now);
  this_crowd.waited(about_ns);
}

void spin_lock::lock_contended() noexcept {
  const deadline_ns now = now_ns();
  take_contended(this_crowd.meets_holder(now) ? stand_back(now) : now);
}

void spin_lock::take_contended(deadline_ns begin) noexcept {
  constexpr int spins_max = 20;    // about 10 us: far longer than any holder needs
  constexpr int pauses_max = 16;   // a look takes the cache line from the holder
  constexpr int yields_max = 256;  // the holder lost its CPU; after that it may have low priority
  int pauses = 1;
  deadline_ns now = begin;
  for (int round = 0;; ++round) {
    // Order: none. Only a hint that another exchange may succeed.
    if (!held_.load(relaxed) && try_lock()) return this_crowd.waited(now - begin);
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
    now = now_ns();
  }
}

void spin_lock::lock_beside_contended() noexcept { take_contended(now_ns()); }

}  // namespace weft::detail
