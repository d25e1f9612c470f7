// Parking with a bound.
//
// Cancellation is registered with the locks of both sides held, and both are let go by the commit:
// until then neither a waker nor a canceller can reach the waiter.
#include "wait/bounded_wait.hpp"

#include "port/clock.hpp"

namespace weft::detail {
namespace {

/// Lives on the parked stack: once the last lock is let go, it may be gone.
struct cancellable_commit {
  cancel_state& cancel;
  commit then;

  static void run(void* raw) {
    const cancellable_commit self = *static_cast<cancellable_commit*>(raw);
    self.cancel.lock.unlock();
    if (self.then.run) self.then.run(self.then.argument);
  }
};

wait_outcome outcome_of(const wait_claim& claim) noexcept {
  switch (claim.winner()) {
    case timed_wake::claimed_by_timer:
      return wait_outcome::timeout;
    case cancel_node::claimed_by_cancel:
      return wait_outcome::cancelled;
    default:
      return wait_outcome::woken;
  }
}

}  // namespace

bool is_over(const wait_bound& bound, wait_outcome& outcome) noexcept {
  if (cancelled_before(bound)) {
    outcome = wait_outcome::cancelled;
    return true;
  }
  if (bound.deadline == never_ns || bound.deadline > now_ns()) return false;
  outcome = wait_outcome::timeout;
  return true;
}

wait_outcome park_bounded(wait_cause cause, commit then, const wait_bound& bound,
                          wait_claim& claim) noexcept {
  if (!bound.cancel) {
    park_until(cause, then, bound.deadline, claim);
    return bound.deadline == never_ns ? wait_outcome::woken : outcome_of(claim);
  }
  cancel_state& cancel = *bound.cancel;
  cancel_node node;
  node.who = &this_waiter();
  node.claim = &claim;
  cancel.lock.lock();
  if (cancel.cancelled()) {
    cancel.lock.unlock();
    // Nobody can have claimed it yet: every other waker needs a lock that the commit lets go.
    static_cast<void>(claim.try_claim(cancel_node::claimed_by_cancel));
    if (then.run) then.run(then.argument);
    return wait_outcome::cancelled;
  }
  cancel.enlist_locked(node);
  cancellable_commit both{cancel, then};
  cause.bounded = true;
  park_until(cause, {cancellable_commit::run, &both}, bound.deadline, claim);
  cancel.delist(node);
  return outcome_of(claim);
}

}  // namespace weft::detail
