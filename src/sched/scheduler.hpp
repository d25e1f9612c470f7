// The waist: the five verbs through which everything above the scheduler waits and wakes.
//
// The protocol of a wait, in one place:
//   1. The waiter takes the lock of what it will wait on, and decides to wait.
//   2. It enqueues itself and calls park() with a commit that unlocks. Nothing may throw from here.
//   3. The scheduler leaves the goroutine's stack, and only then runs the commit, on another stack.
//      Now, and not before, wakers can reach the waiter (W1). A plain thread runs it in place.
//   4. A waker takes the lock, dequeues the waiter, unlocks, and calls ready() (W2, W3).
// With several wakers (select, deadlines) a waker must first win the wait's claim.
// A commit must not park, must not make anyone ready, and must not touch the waiter after it has
// let go of the last lock.
//
// This interface is owned by the lower side: the worker pool implements it, and a simulator can.
#pragma once

#include <weft/detail/deadline.hpp>

#include "base/rng.hpp"
#include "engine/timer_heap.hpp"
#include "fiber/waiter.hpp"

namespace weft::detail {

class goroutine;

/// Runs once the waiter has left its stack.
struct commit {
  void (*run)(void*) = nullptr;
  void* argument = nullptr;
};

/// The calling goroutine, or the calling thread.
waiter& this_waiter() noexcept;

/// Sleeps until somebody makes this waiter ready.
void park(wait_cause cause, commit then) noexcept;

/// The same, but when the deadline comes first, and nobody has claimed the wait, the clock does.
/// The claim must be unclaimed. Returns when the wait was claimed; ask it by whom.
void park_until(wait_cause cause, commit then, deadline_ns deadline, wait_claim& claim) noexcept;

/// Makes a parked waiter runnable: its turn comes next, on this processor.
void ready(waiter& who) noexcept;
/// The same for many: they queue behind what is runnable.
void ready(wake_list& woken) noexcept;

/// Lets others run: the caller queues behind everything that is runnable here.
void yield_turn() noexcept;

/// Takes a goroutine that has not started out of its queue again, and gives its block back. Its
/// closure is not destroyed: the caller has taken that over. False: it is not the newest one that
/// was started on this processor, and stays where it is. `id` tells it from a later user of the
/// same block.
[[nodiscard]] bool take_back(goroutine& g, std::uint64_t id) noexcept;

/// Long work has begun here: an idle worker takes what was started on this processor now, and not
/// only when it has waited for a while. It costs a system call when somebody sleeps: call it once
/// the work has shown that it is long. Does nothing on a plain thread, whose work goes out at once.
void invite() noexcept;

/// If the monitor has given the place of this goroutine's processor to another, takes a new one, as
/// a switch does. For what may wait but seldom has to: without it everything that is started from
/// here on goes through a queue that all share.
void rejoin() noexcept;

/// The calling worker's generator, or the calling thread's.
rng& this_rng() noexcept;

/// Arms an action on the calling worker's processor, or on processor 0's from a plain thread.
void arm(timed_action& action, deadline_ns when, deadline_ns period, std::uint64_t epoch) noexcept;

/// Starts the runtime and the poller if they do not run yet. From then on a worker that has nothing
/// to do sleeps in the poller. Throws: std::system_error, std::bad_alloc.
void ensure_polling();

/// Starts the runtime if it does not run yet. Throws: std::system_error, std::bad_alloc.
void ensure_running();

}  // namespace weft::detail
