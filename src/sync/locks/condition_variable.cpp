// Waiting for a notification with a lock of the user's.
//
// The waiter queues before it unlocks, so that a notification from then on finds it; but it may be
// made ready only after it has parked. A notifier that finds it not parked yet only marks it
// served, and the waiter, which looks again under the room's lock, does not park.
// Locks: the room of its address. The user's lock is called with no lock held.
// Invariants: R1 `waits` says whether the queue is empty; both change under the room's lock.
//             R2 once it is out of the queue, a waiter touches the condition variable no more: it
//                may be destroyed when all have been notified.
// Tested by: tests/unit/sync/condition_variable_test.cpp, tests/conformance/sync/go_cond_test.cpp
#include <weft/detail/sync/condition_core.hpp>

#include "sched/scheduler.hpp"
#include "sync/locks/misuse.hpp"
#include "sync/locks/room.hpp"
#include "sync/locks/wait_list.hpp"
#include "wait/bounded_wait.hpp"

namespace weft::detail {
namespace {

struct condition_waiter : wait_node {
  bool parked = false;
};

void withdraw_locked(condition_core& c, condition_waiter& self) noexcept {
  if (!self.queued) return;
  remove_locked(c.waiters, self);
  c.waits.store(!c.waiters.empty());
}

/// Marks the first waiter served. Returns: whether there was one.
bool serve_first_locked(condition_core& c, wake_list& woken) noexcept {
  wait_node* node = pop_claimed_locked(c.waiters);
  c.waits.store(!c.waiters.empty());
  if (!node) return false;
  node->served = true;
  node->who->woken.begin();
  // Safety: only condition_waiters are queued here.
  if (static_cast<condition_waiter*>(node)->parked) woken.push_back(node->who);
  return true;
}

/// It will not wait after all. A notification that it was given goes to the next.
void withdraw(condition_core& c, lock_room& room, condition_waiter& self) noexcept {
  wake_list woken;
  room.lock.lock();
  withdraw_locked(c, self);
  if (self.served) static_cast<void>(serve_first_locked(c, woken));
  room.lock.unlock();
  ready(woken);
}

wait_outcome park_unless_served(condition_core& c, lock_room& room, condition_waiter& self,
                                const wait_bound& bound, wait_claim& claim) noexcept {
  room.lock.lock();
  if (self.served) {
    self.who->woken.hear();
    room.lock.unlock();
    return wait_outcome::woken;
  }
  self.parked = true;
  const wait_outcome outcome =
      park_bounded({wait_reason::condition, &c}, {lock_room::unlock_room, &room}, bound, claim);
  if (outcome == wait_outcome::woken) return outcome;
  room.lock.lock();
  withdraw_locked(c, self);
  room.lock.unlock();
  return outcome;
}

wait_outcome only_let_others(const lock_calls& user) {
  user.unlock(user.lock);
  yield_turn();
  user.relock(user.lock);
  return wait_outcome::timeout;
}

}  // namespace

wait_outcome condition_wait(condition_core& c, const lock_calls& user, const wait_bound& bound) {
  wait_outcome outcome{};
  if (!bound.unbounded() && is_over(bound, outcome))
    return outcome == wait_outcome::timeout ? only_let_others(user) : outcome;
  lock_room& room = room_of(&c);
  condition_waiter self;
  wait_claim claim;
  self.who = &this_waiter();
  if (!bound.unbounded()) self.claim = &claim;
  room.lock.lock();
  push_back_locked(c.waiters, self);
  c.waits.store(true);
  room.lock.unlock();
  try {
    user.unlock(user.lock);
  } catch (...) {
    withdraw(c, room, self);
    throw;
  }
  outcome = park_unless_served(c, room, self, bound, claim);
  user.relock(user.lock);
  return outcome;
}

void condition_notify_one(condition_core& c) noexcept {
  if (!c.waits.load()) return;
  lock_room& room = room_of(&c);
  wake_list woken;
  room.lock.lock();
  static_cast<void>(serve_first_locked(c, woken));
  room.lock.unlock();
  ready(woken);
}

void condition_notify_all(condition_core& c) noexcept {
  if (!c.waits.load()) return;
  lock_room& room = room_of(&c);
  wake_list woken;
  room.lock.lock();
  while (serve_first_locked(c, woken)) {
  }
  room.lock.unlock();
  ready(woken);
}

void condition_destroyed_in_use() noexcept {
  die_unless_exiting("weft: condition_variable destroyed while in use");
}

}  // namespace weft::detail
