#pragma once

#include <chrono>
#include <concepts>
#include <condition_variable>  // std::cv_status

#include <weft/cancellation.hpp>
#include <weft/detail/deadline.hpp>
#include <weft/detail/sync/condition_core.hpp>

namespace weft {

/// Waits until another says that something has changed: Go's `sync.Cond`.
///
/// Takes any lock with lock() and unlock(): a `weft::mutex`, a std::unique_lock or a
/// std::shared_lock of one of weft's mutexes. `wait` lets go of it, parks, and locks it again
/// before it returns, also when the wait was cancelled or timed out.
///
/// First come, first served: notify_one wakes who has waited longest, and nobody who began to wait
/// later can take its turn. There are no wake-ups out of nothing. A notification is never spent on
/// a wait that timed out or was cancelled.
///
/// Orders:  a notify happens before the return of every wait that it ends. What the waiter has to
///          see is ordered by the lock.
/// Throws:  what `unlock()` of the lock throws; nothing has been waited for then. If `lock()`
///          throws afterwards, the program ends.
/// Misuse:  destroying it while somebody waits ends the program ("fatal error: weft:
///          condition_variable destroyed while in use"); it may be destroyed as soon as all have
///          been notified.
/// Threads: notify from anywhere, with the lock or without; wait with the lock held.
/// Example: examples/sync/condition_variable.cpp
class condition_variable {
 public:
  constexpr condition_variable() noexcept = default;
  condition_variable(const condition_variable&) = delete;
  condition_variable& operator=(const condition_variable&) = delete;
  ~condition_variable() {
    // Order: none. Whoever destroys it has made sure that nobody else uses it.
    if (core_.waits.load(detail::relaxed)) [[unlikely]]
      detail::condition_destroyed_in_use();
  }

  /// Go's Signal. Never blocks; does nothing if nobody waits.
  void notify_one() noexcept { detail::condition_notify_one(core_); }
  /// Go's Broadcast. Never blocks.
  void notify_all() noexcept { detail::condition_notify_all(core_); }

  /// Blocks until it is notified.
  template <class Lock>
  void wait(Lock& lock) {
    detail::condition_wait(core_, detail::calls_on(lock), {});
  }
  /// Blocks until `holds()`, which is called with the lock held.
  template <class Lock, std::predicate Predicate>
  void wait(Lock& lock, Predicate holds) {
    while (!holds()) wait(lock);
  }

  /// As wait, but gives up when a context or a std::stop_token is cancelled; at once, without
  /// letting go of the lock, if it is already. Returns: whether it was notified.
  template <class Lock>
  [[nodiscard]] bool wait(Lock& lock, const cancellation& ctx) {
    return detail::condition_wait(core_, detail::calls_on(lock), ctx.bound()) ==
           detail::wait_outcome::woken;
  }
  /// Returns: whether `holds()`; false without asking it if the context is cancelled already.
  template <class Lock, std::predicate Predicate>
  [[nodiscard]] bool wait(Lock& lock, const cancellation& ctx, Predicate holds) {
    if (ctx.cancelled()) return false;
    while (!holds())
      if (!wait(lock, ctx)) return holds();
    return true;
  }

  /// As wait, but gives up after `d`; one that is not positive only lets others have the lock.
  template <class Lock, class Rep, class Period>
  std::cv_status wait_for(Lock& lock, std::chrono::duration<Rep, Period> d) {
    return wait_to(lock, detail::deadline_after(d));
  }
  /// Returns: whether `holds()`.
  template <class Lock, class Rep, class Period, std::predicate Predicate>
  bool wait_for(Lock& lock, std::chrono::duration<Rep, Period> d, Predicate holds) {
    return wait_to(lock, detail::deadline_after(d), holds);
  }
  template <class Lock, class Clock, class Duration>
  std::cv_status wait_until(Lock& lock, std::chrono::time_point<Clock, Duration> t) {
    return wait_to(lock, detail::deadline_at(t));
  }
  template <class Lock, class Clock, class Duration, std::predicate Predicate>
  bool wait_until(Lock& lock, std::chrono::time_point<Clock, Duration> t, Predicate holds) {
    return wait_to(lock, detail::deadline_at(t), holds);
  }

 private:
  template <class Lock>
  std::cv_status wait_to(Lock& lock, detail::deadline_ns deadline) {
    return detail::condition_wait(core_, detail::calls_on(lock), {.deadline = deadline}) ==
                   detail::wait_outcome::woken
               ? std::cv_status::no_timeout
               : std::cv_status::timeout;
  }
  template <class Lock, class Predicate>
  bool wait_to(Lock& lock, detail::deadline_ns deadline, Predicate& holds) {
    while (!holds())
      if (wait_to(lock, deadline) == std::cv_status::timeout) return holds();
    return true;
  }

  detail::condition_core core_;
};

}  // namespace weft
