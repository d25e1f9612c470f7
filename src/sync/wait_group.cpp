// The wait group: count, handles and "somebody waits" in one word.
//
// The count keeps the group alive as well as a handle does, so that a goroutine that is counted
// needs no handle of its own. A group that only goroutines of one processor use is at home there:
// they change it by plain stores. For all others add and done are one locked instruction each.
// Locks: at home, the home's for everything; else `lock` for the queue of waiters.
// Invariants: R1 the waiters bit is set, under the lock, before a node is queued.
//             R2 whoever brings the word to no count and no handles destroys the group.
//             R3 the done that finds waiters holds a handle of its own until they are woken.
//             R4 while at_home is set, `home` is, and only its worker changes the word; nobody
//                waits with a bound: who waits keeps the group alive until it is woken.
// Orders: done: the exchange that brings the count to zero (release) to a wait's load (acquire).
// Tested by: tests/unit/sync/wait_group_test.cpp, tests/conformance/wait_group_test.cpp
#include <weft/detail/wait_group_core.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <mutex>
#include <stdexcept>

#include <weft/detail/atomic.hpp>

#include "port/sync/spin_lock.hpp"
#include "sched/home/home.hpp"
#include "sched/scheduler.hpp"
#include "wait/bounded_wait.hpp"
#include "wait/wait_queue.hpp"

namespace weft::detail {

class wait_group_core {
 public:
  static constexpr std::uint64_t waits = 1;
  static constexpr std::uint64_t at_home = 2;
  static constexpr std::uint64_t one_handle = 4;
  static constexpr std::uint64_t one_count = std::uint64_t{1} << 32;

  static std::int64_t count_of(std::uint64_t word) noexcept {
    return static_cast<std::int64_t>(word >> 32);
  }
  /// Neither count nor handles.
  static bool is_over(std::uint64_t word) noexcept { return word < one_handle; }

  explicit wait_group_core(owner_lock* where) noexcept
      : word(one_handle + (where ? at_home : 0)), home(where) {}

  static void* operator new(std::size_t) { return take_small_block(); }
  static void operator delete(void* block) noexcept { give_small_block(block); }

  atomic<std::uint64_t> word;
  hint<owner_lock*> home;
  wait_queue waiters;
  spin_lock lock;
  /// Rounds until it may find a home again: leaving one takes microseconds.
  hint<std::uint16_t> rounds_abroad{0};

  // At home, under its lock.
  std::uint64_t read_at_home() const noexcept {
    return word.load(relaxed);  // Order: none. Only this thread writes it.
  }
  void write_at_home(std::uint64_t next) noexcept {
    word.store(next, release);  // Order: done.
  }

  // Abroad. Every change looks whether the group has come home meanwhile; not so under `lock` while
  // the waiters bit is set, because then it stays where it is.
  void add_abroad(int n);
  void change_handles_abroad(std::uint64_t by) noexcept;
  bool wait_abroad(const wait_bound& bound) noexcept;

 private:
  static constexpr std::uint16_t rounds_abroad_min = 16;
  static constexpr int rounds_abroad_max = 65'535;

  bool come_home(std::uint64_t seen, std::uint64_t next) noexcept;
  void pass_round_abroad() noexcept {
    const std::uint16_t left = rounds_abroad.read();
    if (left > 0) rounds_abroad.write(static_cast<std::uint16_t>(left - 1));
  }
  bool announce_waiter_locked() noexcept;
  void release_waiters_abroad() noexcept;

  /// From now on everybody changes the word by locked instructions.
  void leave_home() noexcept { take_out(home, let_go, this); }
  static void let_go(void* raw) {
    auto& g = *static_cast<wait_group_core*>(raw);
    g.rounds_abroad.write(g.next_stay_);
    // Two processors that take turns would take it from each other again and again.
    g.next_stay_ = static_cast<std::uint16_t>(std::min(4 * g.next_stay_, rounds_abroad_max));
    g.write_at_home(g.read_at_home() & ~at_home);
    g.home.write(nullptr);
  }

  std::uint16_t next_stay_ = rounds_abroad_min;  // under the home's lock
};

namespace {

[[noreturn, gnu::cold, gnu::noinline]] void throw_bad_count(std::int64_t count) {
  throw std::logic_error(count < 0 ? "sync: negative WaitGroup counter"
                                   : "sync: WaitGroup counter overflow");
}

/// What is left of the word; `count` was looked at.
std::uint64_t with_count(std::uint64_t word, std::int64_t count) noexcept {
  return (static_cast<std::uint64_t>(count) << 32) + (word & (wait_group_core::one_count - 1));
}

[[gnu::always_inline]] inline bool is_bad_count(std::int64_t count) noexcept {
  return count < 0 || count > std::numeric_limits<std::int32_t>::max();
}

void unlock_group(void* g) { static_cast<wait_group_core*>(g)->lock.unlock(); }
void unlock_home(void* home) { static_cast<owner_lock*>(home)->unlock_owner(); }

/// The count is zero, and somebody waits. Not inline, like all that follows a count of zero: add
/// and done then need no stack frame.
[[gnu::noinline]] void release_waiters_at_home(wait_group_core* g, owner_lock& here) noexcept {
  g->write_at_home(g->read_at_home() & ~wait_group_core::waits);
  waiter& first = *g->waiters.pop_claimed_locked()->who;
  if (g->waiters.empty()) [[likely]] {
    here.unlock_owner();
    return ready(first);
  }
  wake_list woken;
  woken.push_back(&first);
  g->waiters.take_all_locked(woken);
  here.unlock_owner();
  ready(woken);
}

/// Not inline: the quick answer then needs no stack frame.
[[gnu::noinline]] void park_at_home(wait_group_core* g, owner_lock* here) noexcept {
  wait_node node;
  node.who = &this_waiter();
  g->write_at_home(g->read_at_home() | wait_group_core::waits);
  g->waiters.push_locked(node);
  park({wait_reason::wait_group, g}, {unlock_home, here});
}

[[gnu::noinline]] bool wait_with_bound(wait_group_core* g, const wait_bound& bound) noexcept {
  wait_outcome outcome{};
  if (!is_over(bound, outcome)) return g->wait_abroad(bound);
  yield_turn();  // or a loop that polls would keep the processor
  return false;
}

[[gnu::noinline]] void destroy(wait_group_core* g) noexcept { delete g; }

}  // namespace

void wait_group_core::add_abroad(int n) {
  // Order: none. The exchange below looks again.
  std::uint64_t seen = word.load(relaxed);
  for (;;) {
    if (seen & at_home) {
      leave_home();
      seen = word.load(relaxed);  // Order: none. As above.
      continue;
    }
    const std::int64_t count = count_of(seen) + n;
    if (is_bad_count(count)) [[unlikely]]
      throw_bad_count(count);
    const bool wakes = count == 0 && (seen & waits) != 0;
    const std::uint64_t next = with_count(seen, count) + (wakes ? one_handle : 0);
    const bool begins_round = count_of(seen) == 0;
    if (begins_round && rounds_abroad.read() == 0 && come_home(seen, next)) return;
    // Order: done. acq_rel: every done before it is seen by the wait that it ends.
    if (!word.compare_exchange_weak(seen, next, acq_rel, relaxed)) {
      lose_exchange_in_crowd();
      // Order: none. As above: it is old by now.
      seen = word.load(relaxed);
      continue;
    }
    if (begins_round && count > 0)
      pass_round_abroad();
    else if (wakes)
      release_waiters_abroad();
    else if (is_over(next))
      destroy(this);
    return;
  }
}

/// A new round may begin at home. Returns: whether the exchange was made.
bool wait_group_core::come_home(std::uint64_t seen, std::uint64_t next) noexcept {
  owner_lock* const here = this_home();
  if (!here || (seen & waits) != 0) return false;
  if (!lock.try_lock()) return false;
  here->lock_owner();
  bool came = false;
  if (!home.read()) {
    home.write(here);
    // Order: done.
    came = word.compare_exchange_strong(seen, next | at_home, acq_rel, relaxed);
    if (!came) home.write(nullptr);
  }
  here->unlock_owner();
  lock.unlock();
  return came;
}

void wait_group_core::change_handles_abroad(std::uint64_t by) noexcept {
  // Order: none. The exchange below looks again.
  std::uint64_t seen = word.load(relaxed);
  for (;;) {
    if (seen & at_home) {
      leave_home();
      seen = word.load(relaxed);  // Order: none. As above.
      continue;
    }
    // Order: done. acq_rel: what every former owner did happens before the destruction.
    if (!word.compare_exchange_weak(seen, seen + by, acq_rel, relaxed)) continue;
    if (is_over(seen + by)) destroy(this);
    return;
  }
}

void wait_group_core::release_waiters_abroad() noexcept {
  wake_list woken;
  lock.lock();
  // Order: done. A new round may have begun: then the queue holds its waiters, not ours.
  if (const std::uint64_t seen = word.load(acquire); count_of(seen) == 0 && (seen & waits) != 0) {
    // Order: done.
    word.fetch_and(~waits, acq_rel);
    waiters.take_all_locked(woken);
  }
  lock.unlock();
  ready(woken);
  change_handles_abroad(0 - one_handle);
}

/// Locks and sets the waiters bit, unless the count is zero. Returns: whether to wait.
bool wait_group_core::announce_waiter_locked() noexcept {
  for (;;) {
    lock.lock();
    // Order: done.
    std::uint64_t seen = word.load(acquire);
    while ((seen & at_home) == 0) {
      if (count_of(seen) == 0) return false;
      // Order: done.
      if (word.compare_exchange_weak(seen, seen | waits, acq_rel, acquire)) return true;
    }
    lock.unlock();
    leave_home();
  }
}

bool wait_group_core::wait_abroad(const wait_bound& bound) noexcept {
  wait_node node;
  wait_claim claim;
  node.who = &this_waiter();
  if (!bound.unbounded()) node.claim = &claim;
  if (!announce_waiter_locked()) {
    lock.unlock();
    return true;
  }
  waiters.push_locked(node);
  if (park_bounded({wait_reason::wait_group, this}, {unlock_group, this}, bound, claim) ==
      wait_outcome::woken)
    return true;
  std::lock_guard guard(lock);
  if (!node.queued) return false;
  waiters.remove_locked(node);
  // Order: done. Nobody waits any more; a done that saw the bit finds an empty queue.
  if (waiters.empty()) word.fetch_and(~waits, acq_rel);
  return false;
}

static_assert(sizeof(wait_group_core) <= block_cache::block_bytes);

std::size_t wait_group_bytes() noexcept { return sizeof(wait_group_core); }

wait_group_core* wait_group_make() { return new wait_group_core(this_home()); }

void wait_group_retain(wait_group_core* g) noexcept {
  owner_lock* const here = lock_home(g->home);
  if (!here) return g->change_handles_abroad(wait_group_core::one_handle);
  g->write_at_home(g->read_at_home() + wait_group_core::one_handle);
  here->unlock_owner();
}

void wait_group_release(wait_group_core* g) noexcept {
  owner_lock* const here = lock_home(g->home);
  if (!here) return g->change_handles_abroad(0 - wait_group_core::one_handle);
  const std::uint64_t next = g->read_at_home() - wait_group_core::one_handle;
  g->write_at_home(next);
  here->unlock_owner();
  if (wait_group_core::is_over(next)) destroy(g);
}

int wait_group_count(const wait_group_core* g) noexcept {
  // Order: none. A snapshot.
  return static_cast<int>(wait_group_core::count_of(g->word.load(relaxed)));
}

namespace {

/// What wait_group_add() does not do by itself: then it needs no stack frame.
[[gnu::noinline]] void add_slowly(wait_group_core* g, int n) {
  using core = wait_group_core;
  owner_lock* const here = lock_home(g->home);
  if (!here) return g->add_abroad(n);
  const std::uint64_t seen = g->read_at_home();
  const std::int64_t count = core::count_of(seen) + n;
  if (is_bad_count(count)) [[unlikely]] {
    here->unlock_owner();
    throw_bad_count(count);
  }
  const std::uint64_t next = with_count(seen, count);
  g->write_at_home(next);
  if (count == 0 && (next & core::waits) != 0) return release_waiters_at_home(g, *here);
  here->unlock_owner();
  if (core::is_over(next)) destroy(g);
}

}  // namespace

void wait_group_add(wait_group_core* g, int n) {
  using core = wait_group_core;
  owner_lock* const here = lock_home_at_once(g->home);
  if (!here) [[unlikely]]
    return add_slowly(g, n);
  const std::uint64_t seen = g->read_at_home();
  const std::int64_t count = core::count_of(seen) + n;
  if (count > 0 && count <= std::numeric_limits<std::int32_t>::max()) [[likely]] {
    g->write_at_home(with_count(seen, count));
    return here->unlock_owner();
  }
  if (count == 0 && (seen & core::waits) != 0) {
    g->write_at_home(with_count(seen, 0));
    return release_waiters_at_home(g, *here);
  }
  here->unlock_owner();
  add_slowly(g, n);
}

bool wait_group_wait(wait_group_core* g, const wait_bound& bound) noexcept {
  using core = wait_group_core;
  if (cancelled_before(bound)) return false;
  // Order: done. acquire pairs with the release of the done that brought it to zero.
  if (core::count_of(g->word.load(acquire)) == 0) return true;
  if (!bound.unbounded()) return wait_with_bound(g, bound);
  // At home nobody else has changed the count since it was looked at: only this worker does.
  owner_lock* const here = lock_home_at_once(g->home);
  if (!here) [[unlikely]]
    return g->wait_abroad(bound);
  park_at_home(g, here);
  return true;
}

}  // namespace weft::detail
