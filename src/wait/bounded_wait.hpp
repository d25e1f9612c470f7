// Parking with a bound: the one way in which a wait ends by a deadline or by a cancellation.
//
// The caller has queued its node (with `claim` in it) under the lock of what it waits on. After a
// timeout or a cancellation it takes that lock again and removes the node.
// Tested by: tests/unit/wait/bounded_wait_test.cpp
#pragma once

#include <weft/detail/wait_bound.hpp>

#include "fiber/waiter.hpp"
#include "sched/scheduler.hpp"
#include "wait/cancel_state.hpp"

namespace weft::detail {

/// Whether the wait need not begin: for an operation that would have to wait.
bool is_over(const wait_bound& bound, wait_outcome& outcome) noexcept;

/// Sleeps until the claim is won. The commit is run in any case, parked or not.
/// `claim` must be unclaimed, and the one in every node of this wait. Without a bound nobody needs
/// to claim it.
[[nodiscard]] wait_outcome park_bounded(wait_cause cause, commit then, const wait_bound& bound,
                                        wait_claim& claim) noexcept;

/// For an operation that refuses to begin when it is cancelled already.
inline bool cancelled_before(const wait_bound& bound) noexcept {
  return bound.cancel && bound.cancel->cancelled();
}

}  // namespace weft::detail
