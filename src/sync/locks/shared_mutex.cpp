// The reader-writer lock under contention: queueing, and handing over to those who wait.
//
// Readers hand it over to a waiting writer. A writer does not as long as a worker has nothing to
// do: whoever runs may take it until the one that was woken, the envoy, comes. Else each operation
// would be a switch for as long as all of them want it again (two processors, eight goroutines: 50
// ns instead of 15). If too many pass the envoy by, or it has come in vain twice, it is handed it.
// All readers change one word: who keeps losing exchanges stands back (port/sync/crowd_sense.hpp).
// Invariants: R5 there is at most one envoy; it stands first in its queue until it comes.
//             R6 somebody is queued => `waits` is set, or there is an envoy, who sees to it.
// The others stand in <weft/detail/sync/shared_mutex_core.hpp>.
// Orders: shared-mutex: see the header.
// Tested by: tests/unit/sync/shared_mutex_test.cpp, tests/conformance/sync/go_rwmutex_test.cpp
#include <weft/detail/sync/shared_mutex_core.hpp>

#include "sched/runtime.hpp"
#include "sched/scheduler.hpp"
#include "sync/locks/misuse.hpp"
#include "sync/locks/room.hpp"
#include "sync/locks/spin.hpp"
#include "sync/locks/wait_list.hpp"
#include "wait/bounded_wait.hpp"

namespace weft::detail {
namespace {

using rw = shared_mutex_core;

constexpr int vain_trips_max = 2;
constexpr std::uint16_t passes_max = 256;

std::uint32_t waits_bit_locked(const rw& m) noexcept {
  return m.writers.empty() && m.readers.empty() ? 0 : rw::waits;
}

struct shared_mutex_waiter : wait_node {
  const stack_token stack = this_stack_token();  // where it will have been locked
  int losses = 0;                                // how often it was woken in vain
};

shared_mutex_waiter& as_shared_mutex_waiter(wait_node& node) noexcept {
  // Safety: only shared_mutex_waiters are queued at a shared_mutex.
  return static_cast<shared_mutex_waiter&>(node);
}

bool is_envoy(const wait_node* node) noexcept { return node && node->awake; }

/// Takes the first that has not given up out of the queue: it holds the lock. Null: none.
shared_mutex_waiter* serve_first_locked(rw& m, wait_list& queue, wake_list& woken) noexcept {
  wait_node* node = queue.first;
  if (is_envoy(node)) {
    remove_locked(queue, *node);
    node->served = true;
    tell_at(&m.state);  // it was woken by somebody else
  } else {
    node = pop_claimed_locked(queue);
    if (node) woken.push_back(node->who);
  }
  return node ? &as_shared_mutex_waiter(*node) : nullptr;
}

/// Every queued reader holds it from now on. Returns: what they add to the word.
std::uint32_t admit_readers_locked(rw& m, wake_list& woken) noexcept {
  std::uint32_t added = 0;
  while (serve_first_locked(m, m.readers, woken)) added += rw::reader;
  return added;
}

/// The first queued writer that has not given up holds it from now on. Returns: as above.
std::uint32_t admit_writer_locked(rw& m, wake_list& woken) noexcept {
  const shared_mutex_waiter* first = serve_first_locked(m, m.writers, woken);
  if (!first) return 0;
  m.writer_stack.write(first->stack);
  return rw::writer;
}

/// Makes the first that has not given up the envoy. Null: there is none in this queue.
shared_mutex_waiter* send_envoy_locked(wait_list& queue, wake_list& woken) noexcept {
  while (wait_node* node = queue.first) {
    shared_mutex_waiter& first = as_shared_mutex_waiter(*node);
    if (first.losses >= vain_trips_max) return &first;
    if (!node->claim || node->claim->try_claim(node->index)) {
      node->awake = true;
      woken.push_back(node->who);
      return &first;
    }
    remove_locked(queue, *node);
  }
  return nullptr;
}

bool has_envoy_locked(const rw& m) noexcept {
  return is_envoy(m.readers.first) || is_envoy(m.writers.first);
}

/// Whether enough have passed the envoy by.
bool is_overdue_locked(const lock_room& room, const rw& m) noexcept {
  return room.passes.read() == 1 && has_envoy_locked(m);
}

/// A writer leaves. Returns: whether the lock stays free, for whoever comes first.
bool leave_to_competition_locked(lock_room& room, rw& m, wake_list& woken) noexcept {
  if (has_envoy_locked(m)) return !is_overdue_locked(room, m);
  if (!runtime::get().has_lookout_hint()) return false;
  const shared_mutex_waiter* next = send_envoy_locked(m.readers, woken);
  if (!next) next = send_envoy_locked(m.writers, woken);
  if (!is_envoy(next)) return false;
  room.passes.write(passes_max);
  return true;
}

/// Gets hold of it, or sets `waits`, after which only holders of the room's lock change the word.
/// For an envoy that is overdue it is set in any case: then the next unlock serves it.
bool hold_or_announce_locked(lock_room& room, rw& m, std::uint32_t holders_in_the_way,
                             std::uint32_t mine) noexcept {
  if (is_overdue_locked(room, m)) mine |= rw::waits;
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
  lock_room& room = room_of(&m);
  const std::uint16_t passes = room.passes.read();
  if (passes == 1) return false;
  if (passes != 0) room.passes.write(static_cast<std::uint16_t>(passes - 1));
  return spin_for(room.patience, [&] {
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

/// The envoy is there. Returns: whether it holds the lock; else it stays the first in its queue.
bool arrive_locked(lock_room& room, rw& m, shared_mutex_waiter& self, bool reads,
                   wake_list& woken) noexcept {
  self.awake = false;
  room.passes.write(0);
  if (self.served) {
    hear_at(&m.state);
    return true;
  }
  const std::uint32_t in_the_way = reads ? rw::writer : ~rw::waits;
  // Order: none. The exchange looks again.
  std::uint32_t seen = m.state.load(relaxed);
  bool free;
  std::uint32_t next;
  do {
    free = (seen & in_the_way) == 0;
    next = free ? seen + (reads ? rw::reader : rw::writer) : seen;
    // Order: shared-mutex. acquire: it may be this waiter's now.
  } while (!m.state.compare_exchange_weak(seen, next | rw::waits, acquire, relaxed));
  if (!free) {
    ++self.losses;
    return false;
  }
  remove_locked(reads ? m.readers : m.writers, self);
  if (reads)
    next += admit_readers_locked(m, woken);
  else
    m.writer_stack.write(self.stack);
  // Order: shared-mutex. release: what this waiter has seen of readers before is passed on.
  m.state.store((next & ~rw::waits) | waits_bit_locked(m), release);
  return true;
}

/// Parks with the room's lock held, and lets it go. Returns: whether it holds the lock; if not, it
/// has given up, and holds the room's lock.
bool wait_for_shared_mutex(lock_room& room, rw& m, bool reads, const wait_bound& bound) noexcept {
  const wait_cause cause{
      reads ? wait_reason::shared_mutex_lock_shared : wait_reason::shared_mutex_lock, &m};
  wait_list& queue = reads ? m.readers : m.writers;
  shared_mutex_waiter self;
  self.who = &this_waiter();
  push_back_locked(queue, self);
  for (;;) {
    wait_claim claim;
    if (!bound.unbounded()) self.claim = &claim;
    const wait_outcome outcome = park_bounded(cause, {lock_room::unlock_room, &room}, bound, claim);
    if (outcome == wait_outcome::woken && !self.awake) return true;  // it was handed over
    wake_list woken;
    room.lock.lock();
    if (outcome != wait_outcome::woken) {
      remove_locked(queue, self);
      return false;
    }
    if (!arrive_locked(room, m, self, reads, woken)) continue;
    room.lock.unlock();
    ready(woken);
    return true;
  }
}

/// After a waiter gave up: readers whom only that writer held back go on.
void repair_locked(rw& m, wake_list& woken) noexcept {
  // Order: none. If `waits` is set, it changes under the room's lock only.
  const std::uint32_t seen = m.state.load(relaxed);
  if ((seen & rw::waits) == 0) return;  // whoever popped this node, or the envoy, sees to it
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
  if (hold_or_announce_locked(room, m, ~rw::waits, rw::writer)) {
    m.writer_stack.write(this_stack_token());
    room.lock.unlock();
    return true;
  }
  if (wait_for_shared_mutex(room, m, false, bound)) return true;
  wake_list woken;
  repair_locked(m, woken);
  unlock_and_ready(room, woken);
  return false;
}

bool shared_mutex_lock_shared_bounded(shared_mutex_core& m, const wait_bound& bound) noexcept {
  if (!may_wait(bound)) return false;
  // Order: none. A guess at why the inline half gave up.
  if ((m.state.load(relaxed) & (rw::writer | rw::waits)) == 0) {
    lose_exchange_in_crowd();
    if (m.try_read()) return true;
  }
  if (spin_for_shared_mutex(m, [&m] { return m.try_read(); })) return true;
  lock_room& room = room_of(&m);
  room.lock.lock();
  if (hold_or_announce_locked(room, m, rw::writer, rw::reader)) {
    room.lock.unlock();
    return true;
  }
  if (wait_for_shared_mutex(room, m, true, bound)) return true;
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
  std::uint32_t next = 0;
  if (!leave_to_competition_locked(room, m, woken)) {
    next = admit_readers_locked(m, woken);
    if (next == 0) next = admit_writer_locked(m, woken);
  }
  // Order: shared-mutex. If nobody took it, this store is the last that touches it.
  m.state.store(next == 0 ? 0 : next | waits_bit_locked(m), release);
  unlock_and_ready(room, woken);
}

void shared_mutex_unlock_shared_slow(shared_mutex_core& m) noexcept {
  // Order: none. The caller's own share of the count, if it has one.
  std::uint32_t seen = m.state.load(relaxed);
  for (;;) {
    if (seen < rw::reader) die_of_misuse("sync: RUnlock of unlocked RWMutex");
    if ((seen & rw::waits) != 0) break;
    // Order: shared-mutex.
    if (m.state.compare_exchange_weak(seen, seen - rw::reader, release, relaxed))
      return lose_exchange_in_crowd();  // not before: a writer might wait meanwhile
  }
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
