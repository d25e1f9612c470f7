// The reader-writer lock under contention: queueing, and handing over to those who wait.
//
// It is handed over, never left free for whoever comes by: a woken writer could lose to readers for
// ever. The invariants stand in <weft/detail/sync/shared_mutex_core.hpp>; R2 and R3 make every
// hand-over a plain store.
// Orders: shared-mutex: see the header.
// Tested by: tests/unit/sync/shared_mutex_test.cpp, tests/conformance/sync/go_rwmutex_test.cpp
#include <weft/detail/sync/shared_mutex_core.hpp>

#include "sched/scheduler.hpp"
#include "sync/locks/misuse.hpp"
#include "sync/locks/room.hpp"
#include "sync/locks/spin.hpp"
#include "sync/locks/wait_list.hpp"
#include "wait/bounded_wait.hpp"

namespace weft::detail {
namespace {

using rw = shared_mutex_core;

std::uint32_t waits_bit_locked(const rw& m) noexcept {
  return m.writers.empty() && m.readers.empty() ? 0 : rw::waits;
}

/// Every queued reader holds it from now on. Returns: what they add to the word.
std::uint32_t admit_readers_locked(rw& m, wake_list& woken) noexcept {
  std::uint32_t added = 0;
  while (wait_node* node = pop_claimed_locked(m.readers)) {
    woken.push_back(node->who);
    added += rw::reader;
  }
  return added;
}

struct shared_mutex_waiter : wait_node {
  const stack_token stack = this_stack_token();  // where it will have been locked
};

/// The first queued writer that has not given up holds it from now on. Returns: as above.
std::uint32_t admit_writer_locked(rw& m, wake_list& woken) noexcept {
  wait_node* node = pop_claimed_locked(m.writers);
  if (!node) return 0;
  // Safety: only shared_mutex_waiters are queued at a shared_mutex.
  m.writer_stack.write(static_cast<const shared_mutex_waiter*>(node)->stack);
  woken.push_back(node->who);
  return rw::writer;
}

/// Gets hold of it, or sets `waits`, after which only holders of the room's lock change the word.
bool hold_or_announce_locked(rw& m, std::uint32_t holders_in_the_way, std::uint32_t mine) noexcept {
  // Order: none. The exchange looks again.
  std::uint32_t seen = m.state.load(relaxed);
  for (;;) {
    const bool free = (seen & (holders_in_the_way | rw::waits)) == 0;
    // Order: shared-mutex. acquire: with `mine` it is this caller's.
    if (m.state.compare_exchange_weak(seen, free ? seen + mine : seen | rw::waits, acquire,
                                      relaxed))
      return free;
  }
}

/// Looks whether it can be had; not if somebody waits already.
template <class Try>
bool spin_for_shared_mutex(rw& m, Try&& attempt) noexcept {
  return spin_for(room_of(&m).patience, [&] {
    // Order: none. Only a hint that an exchange may succeed.
    if ((m.state.load(relaxed) & rw::waits) != 0) return spin_answer::hopeless;
    return attempt() ? spin_answer::got_it : spin_answer::look_again;
  });
}

/// Returns: whether the bound allows to wait at all.
bool may_wait(const wait_bound& bound) noexcept {
  wait_outcome outcome{};
  if (bound.unbounded() || !is_over(bound, outcome)) return true;
  yield_turn();  // or a loop that polls would keep the processor
  return false;
}

/// Parks in `queue` with the room's lock held, and lets it go. When it was woken, it was given the
/// lock, and is out of the queue. Returns false with the room's lock held.
bool wait_in_list(lock_room& room, wait_list& queue, wait_cause cause,
                  const wait_bound& bound) noexcept {
  shared_mutex_waiter node;
  wait_claim claim;
  node.who = &this_waiter();
  if (!bound.unbounded()) node.claim = &claim;
  push_back_locked(queue, node);
  if (park_bounded(cause, {lock_room::unlock_room, &room}, bound, claim) == wait_outcome::woken)
    return true;
  room.lock.lock();
  remove_locked(queue, node);
  return false;
}

/// After a waiter gave up: readers whom only that writer held back go on.
void repair_locked(rw& m, wake_list& woken) noexcept {
  // Order: none. If `waits` is set, it changes under the room's lock only.
  const std::uint32_t seen = m.state.load(relaxed);
  if ((seen & rw::waits) == 0) return;  // whoever popped this waiter's node has seen to it
  std::uint32_t next = seen & ~rw::waits;
  if (m.writers.empty() && (seen & rw::writer) == 0) next += admit_readers_locked(m, woken);
  // Order: shared-mutex. The readers that hold it already keep what they have seen.
  m.state.store(next | waits_bit_locked(m), release);
}

void unlock_and_ready(lock_room& room, wake_list& woken) noexcept {
  room.lock.unlock();
  ready(woken);
}

}  // namespace

bool shared_mutex_lock_bounded(shared_mutex_core& m, const wait_bound& bound) noexcept {
  if (!may_wait(bound)) return false;
  if (spin_for_shared_mutex(m, [&m] { return m.try_write(); })) return true;
  lock_room& room = room_of(&m);
  room.lock.lock();
  if (hold_or_announce_locked(m, ~rw::waits, rw::writer)) {
    m.writer_stack.write(this_stack_token());
    room.lock.unlock();
    return true;
  }
  if (wait_in_list(room, m.writers, {wait_reason::shared_mutex_lock, &m}, bound)) return true;
  wake_list woken;
  repair_locked(m, woken);
  unlock_and_ready(room, woken);
  return false;
}

bool shared_mutex_lock_shared_bounded(shared_mutex_core& m, const wait_bound& bound) noexcept {
  if (!may_wait(bound)) return false;
  if (spin_for_shared_mutex(m, [&m] { return m.try_read(); })) return true;
  lock_room& room = room_of(&m);
  room.lock.lock();
  if (hold_or_announce_locked(m, rw::writer, rw::reader)) {
    room.lock.unlock();
    return true;
  }
  if (wait_in_list(room, m.readers, {wait_reason::shared_mutex_lock_shared, &m}, bound))
    return true;
  wake_list woken;
  repair_locked(m, woken);
  unlock_and_ready(room, woken);
  return false;
}

void shared_mutex_unlock_slow(shared_mutex_core& m) noexcept {
  // Order: none. The holder's own bit.
  if ((m.state.load(relaxed) & rw::writer) == 0) die_of_misuse("sync: Unlock of unlocked RWMutex");
  lock_room& room = room_of(&m);
  wake_list woken;
  room.lock.lock();
  std::uint32_t next = admit_readers_locked(m, woken);
  if (next == 0) next = admit_writer_locked(m, woken);
  // Order: shared-mutex. If nobody took it, this store is the last that touches it.
  m.state.store(next == 0 ? 0 : next | waits_bit_locked(m), release);
  unlock_and_ready(room, woken);
}

void shared_mutex_unlock_shared_slow(shared_mutex_core& m) noexcept {
  // Order: none. The caller's own share of the count, if it has one.
  if (m.state.load(relaxed) < rw::reader) die_of_misuse("sync: RUnlock of unlocked RWMutex");
  lock_room& room = room_of(&m);
  wake_list woken;
  room.lock.lock();
  // Order: shared-mutex. acq_rel: the last reader passes on what all the others did.
  const std::uint32_t left = m.state.fetch_sub(rw::reader, acq_rel) - rw::reader;
  if (left == rw::waits) {
    std::uint32_t next = admit_writer_locked(m, woken);
    if (next == 0) next = admit_readers_locked(m, woken);
    // Order: shared-mutex.
    m.state.store(next == 0 ? 0 : next | waits_bit_locked(m), release);
  }
  unlock_and_ready(room, woken);
}

void shared_mutex_destroyed_in_use() noexcept {
  die_unless_exiting("weft: shared_mutex destroyed while in use");
}

}  // namespace weft::detail
