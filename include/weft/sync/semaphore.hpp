#pragma once

#include <chrono>
#include <cstddef>

#include <weft/cancellation.hpp>
#include <weft/detail/deadline.hpp>
#include <weft/detail/sync/semaphore_core.hpp>

namespace weft {

/// A number of permits that are taken and given back, any number at a time: Go's
/// `golang.org/x/sync/semaphore`.
///
/// First come, first served: a request waits behind those that came before it, also if it would fit
/// and they do not. So a large request does not starve. One that gives up lets those behind it go
/// on. A request for more than there ever are waits for its bound (or for ever) without holding
/// up anybody. No heap is used.
///
/// Orders:  a release happens before the return of every acquire that takes what it gave back.
/// Throws:  a negative count is std::invalid_argument ("semaphore: negative count").
/// Misuse:  destroying a semaphore that somebody waits for ends the program.
/// Threads: every operation may be called from any goroutine and any thread, together; who releases
///          need not be who acquired.
/// Example: examples/sync/semaphore.cpp
class semaphore {
 public:
  /// Throws: std::invalid_argument, when `size` is negative or above max().
  constexpr explicit semaphore(std::ptrdiff_t size) : core_(size) {}
  semaphore(const semaphore&) = delete;
  semaphore& operator=(const semaphore&) = delete;

  /// The largest size: 2^62 - 1.
  static constexpr std::ptrdiff_t max() noexcept { return detail::semaphore_core::size_max; }

  /// Blocks: until `n` permits are free and nobody is before us (5 ns if so at once).
  void acquire(std::ptrdiff_t n = 1) {
    if (!core_.take_quickly(n)) [[unlikely]]
      static_cast<void>(core_.take(n, {}));
  }
  /// Never blocks. Returns: whether it took `n`; no while others wait.
  [[nodiscard]] bool try_acquire(std::ptrdiff_t n = 1) {
    return core_.take_quickly(n) || core_.try_take(n);
  }
  /// As acquire, but gives up after `d`. Returns: whether it took `n`.
  template <class Rep, class Period>
  [[nodiscard]] bool try_acquire_for(std::chrono::duration<Rep, Period> d, std::ptrdiff_t n = 1) {
    return core_.take_quickly(n) || core_.take(n, {.deadline = detail::deadline_after(d)});
  }
  template <class Clock, class Duration>
  [[nodiscard]] bool try_acquire_until(std::chrono::time_point<Clock, Duration> t,
                                       std::ptrdiff_t n = 1) {
    return core_.take_quickly(n) || core_.take(n, {.deadline = detail::deadline_at(t)});
  }
  /// As acquire, but gives up when a context or a std::stop_token is cancelled; takes nothing if it
  /// is already. Returns: whether it took `n`.
  [[nodiscard]] bool acquire(const cancellation& ctx, std::ptrdiff_t n = 1) {
    return core_.take(n, ctx.bound());
  }

  /// Gives `n` back and wakes those that can go on. Never blocks.
  /// Throws: std::logic_error ("semaphore: released more than held"); nothing has changed then.
  void release(std::ptrdiff_t n = 1) {
    if (!core_.give_back_quickly(n)) [[unlikely]]
      core_.give_back(n);
  }

 private:
  detail::semaphore_core core_;
};

}  // namespace weft
