// Where an object is at home: on the processor whose goroutines use it without locked instructions.
//
// A processor has one owner lock for all objects that are at home on it. Its own goroutines pay two
// plain stores and a load for it; whoever comes from elsewhere pays a barrier on every thread, and
// takes the object out of its home for that reason: once, and not for every use.
//
// Threads: lock_owner/unlock_owner on the answer of this_home() by the calling worker alone; they
//          may be called on two stacks (the commit of a park). take_out() by any.
// Invariants: R1 an object's `home` is written under the lock of the home that it names before or
//                after, so who holds its own home's lock and finds it there has the object.
#pragma once

#include <new>

#include <weft/detail/atomic.hpp>

#include "base/block_cache.hpp"
#include "port/switch/sanitizer.hpp"
#include "port/switch/told.hpp"
#include "sched/owner_lock.hpp"
#include "sched/worker.hpp"

namespace weft::detail {

/// Of the calling worker's processor; null on a plain thread. ThreadSanitizer has to be told what
/// is ordered by the objects themselves: for its users nothing has a home.
[[gnu::always_inline]] inline owner_lock* this_home() noexcept {
  if constexpr (tells_users) return nullptr;
  worker* const w = this_worker();
  return w ? &w->owned->home : nullptr;
}

/// Locks the calling worker's home if the object is there. Null, and nothing locked: it is not.
[[nodiscard, gnu::always_inline]] inline owner_lock* lock_home(
    const hint<owner_lock*>& home) noexcept {
  owner_lock* const here = this_home();
  if (!here) return nullptr;
  here->lock_owner();
  if (home.read() == here) [[likely]]
    return here;
  here->unlock_owner();
  return nullptr;
}

/// The same; null also where lock_home() would have to wait or to pay.
[[nodiscard, gnu::always_inline]] inline owner_lock* lock_home_at_once(
    const hint<owner_lock*>& home) noexcept {
  owner_lock* const here = this_home();
  if (!here || !here->lock_owner_at_once()) [[unlikely]]
    return nullptr;
  if (home.read() == here) [[likely]]
    return here;
  here->unlock_owner();
  return nullptr;
}

/// Else the sanitizers' reports would miss things.
inline constexpr bool caches_blocks = !tells_users && !with_asan;

/// Memory for an object of at most block_cache::block_bytes, which ends where it was made, mostly.
/// Throws: std::bad_alloc.
[[gnu::always_inline]] inline void* take_small_block() {
  if (worker* const w = caches_blocks ? this_worker() : nullptr)
    if (void* const block = w->owned->small_blocks.take()) [[likely]]
      return block;
  return ::operator new(block_cache::block_bytes);
}
[[gnu::always_inline]] inline void give_small_block(void* block) noexcept {
  if (worker* const w = caches_blocks ? this_worker() : nullptr)
    if (w->owned->small_blocks.give(block)) [[likely]]
      return;
  ::operator delete(block);
}

/// Calls let_go(object) under the lock of the object's home, which writes null to `home`; does
/// nothing if it has none by then. The caller keeps the object alive.
void take_out(const hint<owner_lock*>& home, void (*let_go)(void*), void* object) noexcept;

}  // namespace weft::detail
