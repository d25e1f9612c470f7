// Send, receive and close, with and without waiting. One way to wait for both directions.
#include <mutex>

#include <weft/detail/channel_core.hpp>
#include <weft/error.hpp>

#include "sched/scheduler.hpp"
#include "sync/channel.hpp"
#include "wait/bounded_wait.hpp"

namespace weft::detail {
namespace {

void unlock_channel(void* c) { static_cast<channel_core*>(c)->lock.unlock(); }

[[noreturn]] void block_for_ever(wait_reason reason) noexcept {
  for (;;) park(reason, {});
}

channel_status status_of(wait_outcome outcome) noexcept {
  return outcome == wait_outcome::timeout ? channel_status::timeout : channel_status::cancelled;
}

[[gnu::noinline]] channel_status wait_on_nil(wait_reason reason, const wait_bound& bound) noexcept {
  if (bound.unbounded()) block_for_ever(reason);
  wait_claim claim;
  return status_of(park_bounded(reason, {}, bound, claim));
}

/// Sleeps in `queue`, and lets go of the channel's lock meanwhile and afterwards.
[[gnu::noinline]] channel_status wait_in_queue(channel_core& c, wait_queue& queue, void* element,
                                               wait_reason reason,
                                               const wait_bound& bound) noexcept {
  wait_node node;
  wait_claim claim;
  node.who = &this_waiter();
  node.element = element;
  if (bound.unbounded()) {
    queue.push_locked(node);
    park({reason, &c}, {unlock_channel, &c});
    return node.served ? channel_status::ok : channel_status::closed;
  }
  wait_outcome outcome{};
  if (is_over(bound, outcome)) {
    c.lock.unlock();
    yield_turn();  // or a loop that polls with a bound of zero would keep the processor
    return status_of(outcome);
  }
  node.claim = &claim;
  queue.push_locked(node);
  outcome = park_bounded({reason, &c}, {unlock_channel, &c}, bound, claim);
  if (outcome != wait_outcome::woken) {
    std::lock_guard guard(c.lock);
    queue.remove_locked(node);
    return status_of(outcome);
  }
  return node.served ? channel_status::ok : channel_status::closed;
}

void ready_if(waiter* woken) noexcept {
  if (woken) ready(*woken);
}

}  // namespace

namespace {

/// What only channels of another kind ask for after a send. Returns: whether to try it again.
[[gnu::noinline]] bool send_again(channel_core& c, attempt outcome) {
  if (outcome == attempt::done_more) c.settle();
  if (outcome != attempt::no_room) return false;
  c.make_room();
  return true;
}

channel_status report(attempt outcome) noexcept {
  switch (outcome) {
    case attempt::done:
    case attempt::done_more:
      return channel_status::ok;
    case attempt::closed:
      return channel_status::closed;
    case attempt::blocked:
    case attempt::no_room:
      break;
  }
  return channel_status::would_block;
}

/// Inline in both of its callers: to have no bound then costs nothing.
[[gnu::always_inline]] inline channel_status send_within(channel_core* c, void* value,
                                                         const wait_bound& bound) {
  if (cancelled_before(bound)) return channel_status::cancelled;
  if (!c) return wait_on_nil(wait_reason::chan_send_nil, bound);
  waiter* woken = nullptr;
  c->lock.lock();
  const attempt outcome = c->send_locked(value, woken);
  if (outcome == attempt::blocked)
    return wait_in_queue(*c, c->senders, value, wait_reason::chan_send, bound);
  c->lock.unlock();
  ready_if(woken);
  if (outcome == attempt::done) [[likely]]
    return channel_status::ok;
  return send_again(*c, outcome) ? channel_send_bounded(c, value, bound) : report(outcome);
}

[[gnu::always_inline]] inline channel_status recv_within(channel_core* c, void* to,
                                                         const wait_bound& bound) noexcept {
  if (cancelled_before(bound)) return channel_status::cancelled;
  if (!c) return wait_on_nil(wait_reason::chan_receive_nil, bound);
  waiter* woken = nullptr;
  c->lock.lock();
  const attempt outcome = c->recv_locked(to, woken);
  if (outcome == attempt::blocked)
    return wait_in_queue(*c, c->receivers, to, wait_reason::chan_receive, bound);
  c->lock.unlock();
  ready_if(woken);
  if (outcome == attempt::done) [[likely]]
    return channel_status::ok;
  if (outcome == attempt::done_more) c->settle();
  return report(outcome);
}

}  // namespace

channel_status channel_send_bounded(channel_core* c, void* value, const wait_bound& bound) {
  return send_within(c, value, bound);
}

channel_status channel_recv_bounded(channel_core* c, void* to, const wait_bound& bound) noexcept {
  return recv_within(c, to, bound);
}

void channel_send(channel_core* c, void* value) {
  if (send_within(c, value, {}) == channel_status::closed) [[unlikely]]
    throw closed_channel("send on closed channel");
}

bool channel_recv(channel_core* c, void* to) noexcept {
  return recv_within(c, to, {}) == channel_status::ok;
}

namespace {

template <class Attempt>
attempt try_locked(channel_core& c, Attempt&& attempt_on) noexcept {
  waiter* woken = nullptr;
  c.lock.lock();
  const attempt outcome = attempt_on(c, woken);
  c.lock.unlock();
  ready_if(woken);
  return outcome;
}

}  // namespace

channel_status channel_try_send(channel_core* c, void* value) {
  if (!c || c->would_block_send()) return channel_status::would_block;
  const attempt outcome =
      try_locked(*c, [value](channel_core& to, waiter*& w) { return to.send_locked(value, w); });
  return send_again(*c, outcome) ? channel_try_send(c, value) : report(outcome);
}

channel_status channel_try_recv(channel_core* c, void* to) noexcept {
  if (!c || c->would_block_receive()) return channel_status::would_block;
  const attempt outcome =
      try_locked(*c, [to](channel_core& from, waiter*& w) { return from.recv_locked(to, w); });
  if (outcome == attempt::done_more) c->settle();
  return report(outcome);
}

void channel_close(channel_core* c) {
  if (!c) throw closed_channel("close of nil channel");
  if (!channel_close_once(c)) throw closed_channel("close of closed channel");
}

bool channel_close_once(channel_core* c) noexcept {
  wake_list woken;
  c->lock.lock();
  const bool closed = c->close_locked(woken);
  c->lock.unlock();
  ready(woken);
  return closed;
}

}  // namespace weft::detail
