#pragma once

#include <chrono>

#include <weft/cancellation.hpp>
#include <weft/detail/deadline.hpp>
#include <weft/detail/sync/event_core.hpp>

namespace weft {

/// A flag that one can wait for; it stays set until it is reset. Go closes a channel for it; an
/// event can be reset, is set as often as one likes, and uses no heap.
///
/// A `set` lets go everybody who waits at that moment, also if `reset` follows at once.
///
/// Orders:  a set happens before the return of every wait (and is_set) that sees it.
/// Misuse:  destroying an event that somebody waits for ends the program. It may be destroyed as
///          soon as every wait has returned.
/// Threads: every operation may be called from any goroutine and any thread, together.
/// Example: examples/sync/event.cpp
class event {
 public:
  /// Not set.
  constexpr event() noexcept = default;
  constexpr explicit event(bool is_set) noexcept : core_(is_set) {}
  event(const event&) = delete;
  event& operator=(const event&) = delete;

  /// Never blocks. Nothing happens if it is set already.
  void set() noexcept { core_.set(); }
  void reset() noexcept { core_.reset(); }
  [[nodiscard]] bool is_set() const noexcept { return core_.is_set(); }

  /// Blocks until it is set (1 ns if it is).
  void wait() noexcept {
    if (!core_.is_set()) static_cast<void>(core_.wait({}));
  }
  /// As wait, but gives up after `d`. Returns: whether it was set.
  template <class Rep, class Period>
  bool wait_for(std::chrono::duration<Rep, Period> d) noexcept {
    return core_.is_set() || core_.wait({.deadline = detail::deadline_after(d)});
  }
  template <class Clock, class Duration>
  bool wait_until(std::chrono::time_point<Clock, Duration> t) {
    return core_.is_set() || core_.wait({.deadline = detail::deadline_at(t)});
  }
  /// As wait, but gives up when a context or a std::stop_token is cancelled; at once, if it is.
  bool wait(const cancellation& ctx) noexcept { return core_.wait(ctx.bound()); }

 private:
  detail::event_core core_;
};

}  // namespace weft
