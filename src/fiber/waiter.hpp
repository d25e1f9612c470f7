// The waiter: what can be parked and made ready, a goroutine or a plain thread.
//
// Everything that blocks is a waiter; everything that unblocks returns a wake_list; only the
// scheduler runs one. Channels, select, sync and timers know this file and no scheduler.
//
// Invariants: W1 a waiter can be found by a waker only after it has left its stack: it is published
//                by the commit of its park (see sched/scheduler.hpp), never before.
//             W2 each park is matched by exactly one ready.
//             W3 nobody is made ready while a lock is held: collect under the lock, wake after it.
#pragma once

#include <cstdint>

#include <weft/detail/atomic.hpp>

#include "base/intrusive_list.hpp"
#include "port/switch/told.hpp"

namespace weft::detail {

/// Why a waiter is parked. The words are Go's.
enum class wait_reason : std::uint8_t {
  none,
  chan_receive,
  chan_send,
  chan_receive_nil,
  chan_send_nil,
  select,
  select_no_cases,
  sleep,
  wait_group,
  mutex_lock,
  shared_mutex_lock,
  shared_mutex_lock_shared,
  condition,
  once,
  semaphore,
  latch,
  barrier,
  event,
  single_flight,
  task_join,
  task_group,
  parallel,
  io_read,
  io_write,
};

const char* words(wait_reason reason) noexcept;

/// What a waiter waits for: what a dump says about it.
struct wait_cause {
  wait_cause(wait_reason r, const void* object = nullptr) noexcept : reason(r), on(object) {}

  wait_reason reason;
  bool bounded = false;  // the clock or a cancellation may end it
  const void* on;        // the channel's core, the lock ...; of a select: its select_request
};

class waiter {
 public:
  enum class kind : std::uint8_t { goroutine, thread };

  explicit waiter(kind k) noexcept : is(k) {}
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;

  waiter* next = nullptr;  // in the one queue or wake_list that holds it
  const kind is;

  // What it waits for, while it is parked. Others read them as hints.
  hint<wait_reason> reason;
  hint<bool> bounded;
  hint<std::uint32_t> since;  // in coarse ticks: port/clock.hpp
  hint<const void*> waits_on;

  // For ThreadSanitizer: what it did before it parked, and what was done before it was woken.
  [[no_unique_address]] told_edge left;
  [[no_unique_address]] told_edge woken;

  void waits_for(const wait_cause& cause, std::uint32_t now) noexcept {
    reason.write(cause.reason);
    bounded.write(cause.bounded);
    since.write(now);
    waits_on.write(cause.on);
  }
};

/// Whom to make ready once no lock is held, first come first served.
using wake_list = intrusive_queue<waiter, &waiter::next>;

/// Decides between several wakers of one wait: the first claim wins.
///
/// A plain wait has one possible waker at a time (whoever holds the lock of its queue) and needs
/// none of this; a select and a wait with a deadline do.
/// Orders: claim: the winner's exchange to the waiter's read after it was made ready.
class wait_claim {
 public:
  static constexpr std::uint32_t nobody = UINT32_MAX;

  /// Returns whether the caller is the one who wakes.
  [[nodiscard]] bool try_claim(std::uint32_t who) noexcept {
    std::uint32_t expected = nobody;
    // Order: claim. acq_rel: the loser sees the winner's claim and leaves the waiter alone.
    return winner_.compare_exchange_strong(expected, who, acq_rel, relaxed);
  }
  /// Order: claim.
  std::uint32_t winner() const noexcept { return winner_.load(acquire); }

 private:
  inner_atomic<std::uint32_t> winner_{nobody};
};

}  // namespace weft::detail
