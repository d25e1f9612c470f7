// Waiting for a descriptor: a node on its queue, as for everything else.
#include "wait/io_wait.hpp"

#include <mutex>
#include <system_error>

#include "sched/scheduler.hpp"
#include "wait/bounded_wait.hpp"

namespace weft::detail {
namespace {

void unlock_descriptor(void* d) { static_cast<descriptor*>(d)->lock.unlock(); }

/// With the lock held and the node queued; lets it go. Returns: how it ended, with the node out of
/// the queue.
io_outcome sleep_locked(descriptor& d, io_side side, io_node& node, const wait_bound& bound,
                        wait_claim& claim) noexcept {
  const wait_reason reason = side == io_side::read ? wait_reason::io_read : wait_reason::io_write;
  const wait_outcome outcome = park_bounded({reason, &d}, {unlock_descriptor, &d}, bound, claim);
  std::lock_guard guard(d.lock);
  d.delist_locked(node, side);
  if (outcome == wait_outcome::timeout) return io_outcome::timeout;
  if (outcome == wait_outcome::cancelled) return io_outcome::cancelled;
  return d.closed_locked() ? io_outcome::closed : io_outcome::ready;
}

/// The same where only news or a close end the wait: whoever has woken it has taken the node out of
/// the queue, so nothing is left to be done under the lock.
io_outcome sleep_unbounded_locked(descriptor& d, io_side side) noexcept {
  park({side == io_side::read ? wait_reason::io_read : wait_reason::io_write, &d},
       {unlock_descriptor, &d});
  poller::get().note_wait(false);
  return d.was_closed() ? io_outcome::closed : io_outcome::ready;
}

bool over(const wait_bound& bound, io_outcome& outcome) noexcept {
  wait_outcome ended{};
  if (bound.unbounded() || !is_over(bound, ended)) return false;
  outcome = ended == wait_outcome::timeout ? io_outcome::timeout : io_outcome::cancelled;
  return true;
}

}  // namespace

descriptor& watch_descriptor(int fd) {
  ensure_polling();
  return poller::get().watch(fd);
}

void close_descriptor(descriptor& d) noexcept {
  wake_list woken;
  poller::get().close(d, woken);
  ready(woken);
}

void wake_all(descriptor& d, io_side sides) noexcept {
  wake_list woken;
  {
    std::lock_guard guard(d.lock);
    d.make_ready_locked(sides);
    for (const io_side side : {io_side::read, io_side::write})
      if (has(sides, side)) d.collect_waiters_locked(side, woken);
  }
  ready(woken);
}

io_outcome wait_for_news(descriptor& d, io_side side, const wait_bound& bound) noexcept {
  io_outcome outcome{};
  if (over(bound, outcome)) {
    yield_turn();  // or a loop that polls would keep the processor
    return outcome;
  }
  io_node node;
  wait_claim claim;
  node.who = &this_waiter();
  if (!bound.unbounded()) node.claim = &claim;
  d.lock.lock();
  if (d.closed_locked() || d.take_ready_locked(side)) {
    const bool closed = d.closed_locked();
    d.lock.unlock();
    return closed ? io_outcome::closed : io_outcome::ready;
  }
  static_cast<void>(d.enlist_locked(node, side));  // fails for foreign ones only
  if (bound.unbounded()) [[likely]]
    return sleep_unbounded_locked(d, side);
  return sleep_locked(d, side, node, bound, claim);
}

io_outcome wait_for_foreign(int fd, io_side side, const wait_bound& bound) {
  if (cancelled_before(bound)) return io_outcome::cancelled;
  ensure_polling();
  descriptor& d = poller::get().foreign(fd);
  io_outcome outcome{};
  if (over(bound, outcome)) {
    if (is_ready_now(fd, side)) return io_outcome::ready;
    yield_turn();
    return outcome;
  }
  io_node node;
  wait_claim claim;
  node.who = &this_waiter();
  if (!bound.unbounded()) node.claim = &claim;
  d.lock.lock();
  if (const int error = d.enlist_locked(node, side); error != 0) {
    d.lock.unlock();
    throw std::system_error(error, std::generic_category(), "weft: cannot wait for a descriptor");
  }
  return sleep_locked(d, side, node, bound, claim);
}

}  // namespace weft::detail
