// The mutex under contention: waiting, waking, handing over. See <weft/detail/sync/mutex_core.hpp>.
//
// A woken waiter competes with whoever comes by. One that starves is handed the lock by the unlock
// itself: it stays held. The unlocker judges that, and not the waiter as in Go: on one processor a
// woken waiter may not run for long while the holder goes on.
// Invariants: R1 at most one waiter is woken and on its way (`woken`).
//             R2 registered <=> the queue is not empty or somebody is on its way.
//             R3 after the store to `held` an unlock touches only the room, or a registered mutex.
// Orders: mutex, contended: see the header.
// Tested by: tests/unit/sync/mutex_test.cpp, tests/conformance/sync/go_mutex_test.cpp
#include <weft/detail/sync/mutex_core.hpp>

#include "port/clock.hpp"
#include "sched/scheduler.hpp"
#include "sync/locks/misuse.hpp"
#include "sync/locks/room.hpp"
#include "sync/locks/spin.hpp"
#include "sync/locks/wait_list.hpp"
#include "wait/bounded_wait.hpp"

namespace weft::detail {
namespace {

constexpr deadline_ns starving_ns = 1'000'000;
constexpr int losses_max = 2;
constexpr std::uint8_t hand_overs_in_a_row = 64;

spin_answer look_at_mutex(mutex_core& m) noexcept {
  if (m.hand_overs.read() > 0) return spin_answer::hopeless;
  // Order: none. Only a hint that an exchange may succeed.
  if (m.held.load(relaxed) != 0 || !m.try_hold()) return spin_answer::look_again;
  return spin_answer::got_it;
}

struct mutex_waiter : wait_node {
  const stack_token stack = this_stack_token();  // what `held` says once it was handed over
  deadline_ns seen_ns = 0;  // when an unlock first asked whether it starves
  int losses = 0;           // how often it was woken in vain
};

mutex_waiter& as_mutex_waiter(wait_node& node) noexcept {
  // Safety: only mutex_waiters are queued at a mutex.
  return static_cast<mutex_waiter&>(node);
}

/// Looks at the clock (23 ns) a few times, then at every 16th unlock: a lock that is held for long
/// is unlocked seldom.
bool starves_locked(mutex_core& m, mutex_waiter& first) noexcept {
  constexpr std::uint8_t looks_every = 16;
  const std::uint8_t look = m.looks;
  m.looks = look < 2 * looks_every - 1 ? look + 1 : looks_every;
  if (look > looks_every) return false;
  const deadline_ns now = now_ns();
  if (first.seen_ns == 0) first.seen_ns = now;
  return now - first.seen_ns >= starving_ns;
}

/// Whether this unlock hands over to `first`, the next in line.
bool must_hand_over_locked(mutex_core& m, mutex_waiter& first) noexcept {
  const int left = m.hand_overs.read();
  if (left > 0) {
    m.hand_overs.write(static_cast<std::uint8_t>(left - 1));
    return true;
  }
  if (first.losses < losses_max && !starves_locked(m, first)) return false;
  m.hand_overs.write(hand_overs_in_a_row);
  m.looks = 0;
  return true;
}

/// After a waiter left, for whatever reason.
void tidy_up_locked(lock_room& room, mutex_core& m) noexcept {
  if (m.woken || !m.waiters.empty()) return;
  m.hand_overs.write(0);
  m.looks = 0;
  room.unregister_locked(m);
}

/// Hands the lock, which stays held, to the one on its way or else to the first in the queue.
/// Returns false if every waiter has given up.
bool hand_over_locked(lock_room& room, mutex_core& m, waiter*& woken) noexcept {
  wait_node* next = m.woken;
  if (!next) {
    next = pop_claimed_locked(m.waiters);
    if (next) woken = next->who;
  }
  if (next) {
    next->served = true;
    tell_at(&m.held);  // it may have been woken by somebody else, to compete
    // Order: none. It stays held: no lock succeeds between its last holder and the next.
    m.held.store(as_mutex_waiter(*next).stack, relaxed);
  }
  m.woken = nullptr;
  tidy_up_locked(room, m);
  return next != nullptr;
}

/// Wakes the first in the queue to compete, unless one is on its way.
void wake_first_locked(lock_room& room, mutex_core& m, waiter*& woken) noexcept {
  if (m.woken) return;
  m.woken = pop_claimed_locked(m.waiters);
  if (m.woken)
    woken = m.woken->who;
  else
    tidy_up_locked(room, m);
}

/// Parks with the room's lock held, and holds it again afterwards.
wait_outcome sleep_locked(lock_room& room, mutex_core& m, mutex_waiter& self,
                          const wait_bound& bound) noexcept {
  wait_claim claim;
  if (!bound.unbounded()) self.claim = &claim;
  const wait_outcome outcome =
      park_bounded({wait_reason::mutex_lock, &m}, {lock_room::unlock_room, &room}, bound, claim);
  room.lock.lock();
  return outcome;
}

/// With the room's lock held, which it lets go. Returns: whether it is this waiter's.
bool wait_for_mutex(lock_room& room, mutex_core& m, const wait_bound& bound) noexcept {
  mutex_waiter self;
  self.who = &this_waiter();
  push_back_locked(m.waiters, self);
  room.register_locked(m);
  bool got_it = false;
  for (;;) {
    const wait_outcome outcome = sleep_locked(room, m, self, bound);
    got_it = self.served;
    if (got_it) {
      hear_at(&m.held);
      break;
    }
    if (outcome != wait_outcome::woken) {
      remove_locked(m.waiters, self);
      break;
    }
    m.woken = nullptr;
    got_it = m.try_hold();
    if (got_it) break;
    ++self.losses;
    push_front_locked(m.waiters, self);
  }
  if (!self.served) tidy_up_locked(room, m);
  room.lock.unlock();
  return got_it;
}

}  // namespace

bool mutex_lock_bounded(mutex_core& m, const wait_bound& bound) noexcept {
  wait_outcome outcome{};
  if (!bound.unbounded() && is_over(bound, outcome)) {
    yield_turn();  // or a loop that polls would keep the processor
    return false;
  }
  if (spin_for(m.patience, [&m] { return look_at_mutex(m); })) return true;
  lock_room& room = room_of(&m);
  room.lock.lock();
  room.announce_locked(contended_flag_of(&m));
  if (!m.try_hold()) return wait_for_mutex(room, m, bound);
  room.lock.unlock();
  return true;
}

void mutex_lock_contended(mutex_core& m) noexcept { static_cast<void>(mutex_lock_bounded(m, {})); }

void mutex_unlock_contended(mutex_core& m) noexcept {
  lock_room& room = room_of(&m);
  waiter* woken = nullptr;
  room.lock.lock();
  if (m.registered.read()) {
    wait_node* first = m.woken ? m.woken : m.waiters.first;
    if (!must_hand_over_locked(m, as_mutex_waiter(*first)) || !hand_over_locked(room, m, woken)) {
      wake_first_locked(room, m, woken);
      // Order: mutex.
      m.held.store(0, release);
    }
  } else {
    room.note_idle_locked(contended_flag_of(&m));
    // Order: mutex.
    m.held.store(0, release);
  }
  room.lock.unlock();
  if (woken) ready(*woken);
}

void mutex_wake(const mutex_core* address) noexcept {
  lock_room& room = room_of(address);
  waiter* woken = nullptr;
  room.lock.lock();
  mutex_core* m = room.find_locked(address);
  // Order: none. Whoever holds it now will look into this room when it unlocks.
  if (m && m->held.load(relaxed) == 0) wake_first_locked(room, *m, woken);
  room.lock.unlock();
  if (woken) ready(*woken);
}

void mutex_not_locked() noexcept { die_of_misuse("sync: unlock of unlocked mutex"); }

void mutex_destroyed_in_use() noexcept { die_unless_exiting("weft: mutex destroyed while in use"); }

}  // namespace weft::detail
