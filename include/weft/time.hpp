#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include <weft/cancellation.hpp>
#include <weft/chan.hpp>
#include <weft/detail/deadline.hpp>
#include <weft/detail/timer_core.hpp>

namespace weft {

/// Parks the calling goroutine (or thread) for at least `d`; a negative or zero one returns at
/// once, one that overflows the clock never returns. Other goroutines run on.
template <class Rep, class Period>
void sleep_for(std::chrono::duration<Rep, Period> d) {
  detail::sleep_bounded({.deadline = detail::deadline_after(d)});
}
/// The same until a point in time, on any clock.
template <class Clock, class Duration>
void sleep_until(std::chrono::time_point<Clock, Duration> t) {
  detail::sleep_bounded({.deadline = detail::deadline_at(t)});
}
/// The same, cut short when a context or a std::stop_token is cancelled.
/// Returns: whether it slept to the end.
template <class Rep, class Period>
bool sleep_for(const cancellation& ctx, std::chrono::duration<Rep, Period> d) {
  return detail::sleep_bounded({detail::deadline_after(d), ctx.state()});
}
template <class Clock, class Duration>
bool sleep_until(const cancellation& ctx, std::chrono::time_point<Clock, Duration> t) {
  return detail::sleep_bounded({detail::deadline_at(t), ctx.state()});
}

/// A single event in the future: Go's `time.Timer`.
///
/// A handle is a reference. `channel()` delivers one value, the time at which the timer was due.
/// After `stop` or `reset` returned, no value of the earlier setting is received. A timer that
/// nobody refers to any more (neither this handle nor its channel) is gone; one made by
/// `after_func` runs all the same.
/// Example: examples/tour/timers.cpp
class timer {
 public:
  /// Starts a timer that is due after `d`; at once if `d` is not positive. Throws: std::bad_alloc.
  template <class Rep, class Period>
  explicit timer(std::chrono::duration<Rep, Period> d)
      : channel_(detail::adopt_t{}, detail::timer_make(detail::to_ns_saturated(d), 0)) {}

  /// Where the time arrives; a nil channel for a timer made by `after_func`.
  recv_chan<time_point> channel() const noexcept { return call_ ? nullptr : channel_; }
  /// Prevents the timer from firing. Returns: true if it was still pending (its value had not been
  /// received; its function had not been started).
  bool stop() const noexcept {
    return call_ ? call_->stop() : detail::timer_stop(channel_.core());
  }
  /// Sets it anew, to `d` from now. Returns: as stop. Throws: std::bad_alloc (after_func only).
  template <class Rep, class Period>
  bool reset(std::chrono::duration<Rep, Period> d) const {
    const detail::deadline_ns delay_ns = detail::to_ns_saturated(d);
    return call_ ? call_->reset(delay_ns) : detail::timer_reset(channel_.core(), delay_ns, 0);
  }
  /// For weft's own use: see after_func.
  explicit timer(std::shared_ptr<detail::timed_call> call) noexcept : call_(std::move(call)) {}
  timer(std::nullptr_t) = delete;  // there is no nil timer

 private:
  recv_chan<time_point> channel_;
  std::shared_ptr<detail::timed_call> call_;
};

/// A channel that delivers one value after `d`: Go's `time.After`. Throws: std::bad_alloc.
template <class Rep, class Period>
[[nodiscard]] recv_chan<time_point> after(std::chrono::duration<Rep, Period> d) {
  return timer(d).channel();
}

/// Runs `f` in a goroutine of its own after `d`: Go's `time.AfterFunc`.
///
/// Returns: a timer whose `stop` prevents the call (it does not wait for one that has begun) and
///          whose `reset` asks for another. Dropping it does not cancel the call.
/// Throws:  std::bad_alloc, std::system_error, std::invalid_argument ("go of nil func value").
template <class Rep, class Period, class F>
timer after_func(std::chrono::duration<Rep, Period> d, F&& f,
                 std::source_location where = std::source_location::current()) {
  static_assert(std::is_invocable_v<std::decay_t<F>&>, "weft::after_func: f is called as f()");
  detail::reject_nil(f);
  auto call = detail::timed_call::make({.where = where}, std::forward<F>(f));
  call->reset(detail::to_ns_saturated(d));
  return timer(std::move(call));
}

/// A channel that delivers the time again and again: Go's `time.Ticker`.
///
/// A handle is a reference. A slow receiver loses ticks: at most one is kept. The phase is kept
/// however late a tick is taken. The value is the time at which the tick was due.
/// Example: examples/tour/timers.cpp
class ticker {
 public:
  /// Throws: std::invalid_argument ("non-positive interval for NewTicker"), std::bad_alloc.
  template <class Rep, class Period>
  explicit ticker(std::chrono::duration<Rep, Period> period)
      : channel_(detail::adopt_t{}, detail::ticker_make(detail::to_ns_saturated(period))) {}

  recv_chan<time_point> channel() const noexcept { return channel_; }
  /// No more ticks, and none that was not received yet. Does not close the channel.
  void stop() const noexcept { detail::timer_stop(channel_.core()); }
  /// Sets the period; the next tick comes after it.
  /// Throws: std::invalid_argument ("non-positive interval for Ticker.Reset").
  template <class Rep, class Period>
  void reset(std::chrono::duration<Rep, Period> period) const {
    detail::ticker_reset(channel_.core(), detail::to_ns_saturated(period));
  }

 private:
  recv_chan<time_point> channel_;
};

}  // namespace weft
