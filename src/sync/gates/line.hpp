// A lock and those who wait under it: what once, latch, event and barrier have in common.
//
// Threads: any. Locks: `lock`, a leaf but for the cancel_state that park_bounded takes after it.
// Invariants: R1 a waiter that gave up is out of the queue before its wait returns.
//             R2 who lets waiters go touches nothing of the object after `unlock`: one of them may
//                destroy it at once. close() therefore takes the lock once more.
// Tested by: tests/unit/sync/gates_test.cpp
#pragma once

#include <mutex>
#include <new>

#include <weft/detail/sync/waiting_line.hpp>
#include <weft/detail/wait_bound.hpp>

#include "port/sync/spin_lock.hpp"
#include "sched/scheduler.hpp"
#include "wait/bounded_wait.hpp"
#include "wait/wait_queue.hpp"

namespace weft::detail {

/// What a room holds: a `T` that is all zeros when it is new.
template <class T>
T& open(waiting_line& room) noexcept {
  static_assert(sizeof(T) <= waiting_line::bytes && alignof(T) <= alignof(waiting_line));
  // Safety: a free lock and an empty queue are all zeros, which is how the room begins.
  return *std::launder(static_cast<T*>(room.room()));
}

struct line {
  spin_lock lock;
  wait_queue waiters;

  static line& of(waiting_line& room) noexcept { return open<line>(room); }
  static void unlock(void* raw) { static_cast<line*>(raw)->lock.unlock(); }

  /// Lets everybody go and unlocks.
  void release_all_locked() noexcept {
    wake_list woken;
    waiters.take_all_locked(woken);
    lock.unlock();
    ready(woken);
  }

  /// Sleeps and unlocks. Returns: whether it was woken; if it gave up and nobody else waits any
  /// more, `emptied()` ran under the lock.
  template <class Emptied>
  [[nodiscard]] bool wait_locked(wait_reason reason, const wait_bound& bound,
                                 Emptied emptied) noexcept {
    wait_node node;
    wait_claim claim;
    node.who = &this_waiter();
    if (!bound.unbounded()) node.claim = &claim;
    waiters.push_locked(node);
    if (park_bounded({reason, this}, {unlock, this}, bound, claim) == wait_outcome::woken)
      return true;
    const std::lock_guard guard(lock);
    waiters.remove_locked(node);
    if (waiters.empty()) emptied();
    return false;
  }
};

/// For destructors: whoever still holds the lock finishes first. If somebody waits, the program
/// ends with `words`, unless it is ending anyway.
void close_line(waiting_line& room, const char* words) noexcept;

/// Whether a wait that cannot succeed at once is over. Then others have had a turn: a loop that
/// polls must not keep the processor.
[[nodiscard]] bool over_before_waiting(const wait_bound& bound) noexcept;

/// Makes one ready as the next, several behind what is runnable.
void wake(wake_list& woken) noexcept;

}  // namespace weft::detail
