#pragma once

#include <chrono>
#include <cstddef>

#include <weft/cancellation.hpp>
#include <weft/detail/deadline.hpp>
#include <weft/detail/sync/latch_core.hpp>

namespace weft {

/// A count that goes down to zero, once, and lets go everybody who waits for that: `std::latch` for
/// goroutines and threads alike, with bounds. Go uses a `sync.WaitGroup` for it; weft's own
/// `wait_group` can also count up. No heap is used.
///
/// Orders:  every count_down happens before the return of every wait that succeeds.
/// Throws:  a negative count is std::invalid_argument; counting below zero is std::logic_error
///          ("latch: counted down below zero"), with the count unchanged.
/// Misuse:  destroying a latch that somebody waits for ends the program. It may be destroyed as
///          soon as every wait has returned.
/// Threads: every operation may be called from any goroutine and any thread, together.
/// Example: examples/sync/latch.cpp
class latch {
 public:
  /// Throws: std::invalid_argument, when `count` is negative or above max().
  constexpr explicit latch(std::ptrdiff_t count) : core_(count) {}
  latch(const latch&) = delete;
  latch& operator=(const latch&) = delete;

  static constexpr std::ptrdiff_t max() noexcept { return detail::latch_core::count_max; }

  /// Never blocks.
  void count_down(std::ptrdiff_t n = 1) { core_.count_down(n); }
  /// Never blocks. Returns: whether the count is zero.
  [[nodiscard]] bool try_wait() const noexcept { return core_.open(); }

  /// Blocks until the count is zero (1 ns if it is).
  void wait() noexcept {
    if (!core_.open()) static_cast<void>(core_.wait({}));
  }
  /// As wait, but gives up after `d`. Returns: whether the count came to zero.
  template <class Rep, class Period>
  bool wait_for(std::chrono::duration<Rep, Period> d) noexcept {
    return core_.open() || core_.wait({.deadline = detail::deadline_after(d)});
  }
  template <class Clock, class Duration>
  bool wait_until(std::chrono::time_point<Clock, Duration> t) {
    return core_.open() || core_.wait({.deadline = detail::deadline_at(t)});
  }
  /// As wait, but gives up when a context or a std::stop_token is cancelled; at once, if it is.
  bool wait(const cancellation& ctx) noexcept { return core_.wait(ctx.bound()); }

  /// Counts down by `n` and waits for the others.
  void arrive_and_wait(std::ptrdiff_t n = 1) {
    count_down(n);
    wait();
  }

 private:
  detail::latch_core core_;
};

}  // namespace weft
