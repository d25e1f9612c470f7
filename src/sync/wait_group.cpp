// The wait group: count, handles and "somebody waits" in one word.
//
// The count keeps the group alive as well as a handle does, so that a goroutine that is counted
// needs no handle of its own: add and done are one locked instruction each.
// Locks: `lock` for the queue of waiters.
// Invariants: R1 the waiters bit is set, under the lock, before a node is queued.
//             R2 whoever brings the word to no count and no handles destroys the group.
//             R3 the done that finds waiters holds a handle of its own until they are woken.
// Orders: done: the exchange that brings the count to zero (release) to a wait's load (acquire).
// Tested by: tests/unit/sync/wait_group_test.cpp, tests/conformance/wait_group_test.cpp
#include <weft/detail/wait_group_core.hpp>

#include <cstdint>
#include <limits>
#include <mutex>
#include <stdexcept>

#include <weft/detail/atomic.hpp>

#include "port/sync/spin_lock.hpp"
#include "sched/scheduler.hpp"
#include "wait/bounded_wait.hpp"
#include "wait/wait_queue.hpp"

namespace weft::detail {

class wait_group_core {
 public:
  static constexpr std::uint64_t waits = 1;
  static constexpr std::uint64_t one_handle = 2;
  static constexpr std::uint64_t one_count = std::uint64_t{1} << 32;

  static std::int64_t count_of(std::uint64_t word) noexcept {
    return static_cast<std::int64_t>(word >> 32);
  }

  atomic<std::uint64_t> word{one_handle};
  spin_lock lock;
  wait_queue waiters;

  void release_waiters() noexcept {
    wake_list woken;
    lock.lock();
    // Order: done. A new round may have begun: then the queue holds its waiters, not ours.
    if (count_of(word.load(acquire)) == 0) {
      // Order: done.
      word.fetch_and(~waits, acq_rel);
      waiters.take_all_locked(woken);
    }
    lock.unlock();
    ready(woken);
    drop_handle();
  }

  void drop_handle() noexcept {
    // Order: done. acq_rel: what every former owner did happens before the destruction.
    const std::uint64_t before = word.fetch_sub(one_handle, acq_rel);
    if (before - one_handle < one_handle) delete this;
  }
};

namespace {

[[noreturn, gnu::cold, gnu::noinline]] void throw_bad_count(std::int64_t count) {
  throw std::logic_error(count < 0 ? "sync: negative WaitGroup counter"
                                   : "sync: WaitGroup counter overflow");
}

/// What only the done that brings the count to zero may have to see to. Not inline: add and done
/// then need no stack frame.
[[gnu::noinline]] void end_round(wait_group_core* g, bool wakes) noexcept {
  if (wakes)
    g->release_waiters();
  else
    delete g;
}

void unlock_group(void* g) { static_cast<wait_group_core*>(g)->lock.unlock(); }

/// Sets the waiters bit unless the count is zero. Returns: whether to wait.
bool announce_waiter(wait_group_core& g) noexcept {
  // Order: done.
  std::uint64_t seen = g.word.load(acquire);
  for (;;) {
    if (wait_group_core::count_of(seen) == 0) return false;
    // Order: done.
    if (g.word.compare_exchange_weak(seen, seen | wait_group_core::waits, acq_rel, acquire))
      return true;
  }
}

}  // namespace

std::size_t wait_group_bytes() noexcept { return sizeof(wait_group_core); }

wait_group_core* wait_group_make() { return new wait_group_core; }

void wait_group_retain(wait_group_core* g) noexcept {
  // Order: none. Whoever copies a handle has one.
  g->word.fetch_add(wait_group_core::one_handle, relaxed);
}

void wait_group_release(wait_group_core* g) noexcept { g->drop_handle(); }

int wait_group_count(const wait_group_core* g) noexcept {
  // Order: none. A snapshot.
  return static_cast<int>(wait_group_core::count_of(g->word.load(relaxed)));
}

void wait_group_add(wait_group_core* g, int n) {
  using core = wait_group_core;
  // Order: none. The exchange below looks again.
  std::uint64_t seen = g->word.load(relaxed);
  for (;;) {
    const std::int64_t count = core::count_of(seen) + n;
    if (count < 0 || count > std::numeric_limits<std::int32_t>::max()) [[unlikely]]
      throw_bad_count(count);
    const std::uint64_t low = seen & (core::one_count - 1);
    const bool wakes = count == 0 && (low & core::waits) != 0;
    const std::uint64_t next = (static_cast<std::uint64_t>(count) << 32) + low +
                               (wakes ? core::one_handle : 0);
    // Order: done. acq_rel: every done before it is seen by the wait that it ends.
    if (!g->word.compare_exchange_weak(seen, next, acq_rel, relaxed)) continue;
    if (wakes || next < core::one_handle) end_round(g, wakes);
    return;
  }
}

bool wait_group_wait(wait_group_core* g, const wait_bound& bound) noexcept {
  if (cancelled_before(bound)) return false;
  // Order: done. acquire pairs with the release of the done that brought it to zero.
  if (wait_group_core::count_of(g->word.load(acquire)) == 0) return true;
  wait_outcome outcome{};
  if (!bound.unbounded() && is_over(bound, outcome)) {
    yield_turn();  // or a loop that polls would keep the processor
    return false;
  }
  wait_node node;
  wait_claim claim;
  node.who = &this_waiter();
  if (!bound.unbounded()) node.claim = &claim;
  g->lock.lock();
  if (!announce_waiter(*g)) {
    g->lock.unlock();
    return true;
  }
  g->waiters.push_locked(node);
  if (park_bounded({wait_reason::wait_group, g}, {unlock_group, g}, bound, claim) ==
      wait_outcome::woken)
    return true;
  std::lock_guard guard(g->lock);
  g->waiters.remove_locked(node);
  // Order: done. Nobody waits any more; a done that saw the bit finds an empty queue.
  if (g->waiters.empty()) g->word.fetch_and(~wait_group_core::waits, acq_rel);
  return false;
}

}  // namespace weft::detail
