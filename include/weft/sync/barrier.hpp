#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>

#include <weft/cancellation.hpp>
#include <weft/detail/deadline.hpp>
#include <weft/detail/sync/barrier_core.hpp>

namespace weft {

namespace detail {
struct no_completion {
  void operator()() noexcept {}
};
}  // namespace detail

/// Where a fixed number of goroutines and threads meet, again and again: `std::barrier`, with
/// bounds. When the last one has arrived, it runs the completion; then all go on, and the next
/// phase has begun. No heap is used.
///
/// Only waiting can be bounded, not arriving: an arrival stands, also if its wait gives up. One may
/// wait again with the same token.
///
/// Orders:  every arrival of a phase happens before its completion, and the completion before the
///          return of every wait for that phase.
/// Throws:  a negative (for arrivals: not positive) count is std::invalid_argument; arriving more
///          often than expected, also while the completion runs, is std::logic_error ("barrier:
///          more arrivals than expected"). Nothing has changed then.
/// Misuse:  a completion that can throw does not compile. Destroying a barrier that somebody waits
///          for ends the program. It may be destroyed as soon as every wait has returned.
/// Threads: every operation may be called from any goroutine and any thread, together. The
///          completion may block.
/// Example: examples/sync/barrier.cpp
template <class Completion = detail::no_completion>
class barrier {
  static_assert(std::is_nothrow_invocable_v<Completion&>,
                "weft::barrier: the completion must be callable without arguments, and noexcept");

 public:
  /// Says in which phase of which barrier somebody arrived.
  class arrival_token {
   private:
    friend class barrier;
    arrival_token(const barrier* of, std::uint64_t phase) noexcept : of_(of), phase_(phase) {}
    const barrier* of_;
    std::uint64_t phase_;
  };

  /// Throws: std::invalid_argument, and what moving the completion throws.
  explicit barrier(std::ptrdiff_t expected, Completion completion = Completion())
      : core_(expected), completion_(std::move(completion)) {}
  barrier(const barrier&) = delete;
  barrier& operator=(const barrier&) = delete;

  static constexpr std::ptrdiff_t max() noexcept {
    return std::numeric_limits<std::ptrdiff_t>::max();
  }

  /// Counts as `n` arrivals. Blocks: never, but the last one runs the completion.
  [[nodiscard]] arrival_token arrive(std::ptrdiff_t n = 1) {
    return {this, core_.arrive(n, false, completion())};
  }
  /// Arrives, and does not take part in later phases.
  void arrive_and_drop() { core_.arrive(1, true, completion()); }
  void arrive_and_wait() { wait(arrive()); }

  /// Blocks until the phase of the token has ended.
  void wait(const arrival_token& token) { static_cast<void>(wait_within(token, {})); }
  /// As wait, but gives up after `d`. Returns: whether the phase has ended.
  template <class Rep, class Period>
  bool wait_for(const arrival_token& token, std::chrono::duration<Rep, Period> d) {
    return wait_within(token, {.deadline = detail::deadline_after(d)});
  }
  template <class Clock, class Duration>
  bool wait_until(const arrival_token& token, std::chrono::time_point<Clock, Duration> t) {
    return wait_within(token, {.deadline = detail::deadline_at(t)});
  }
  /// As wait, but gives up when a context or a std::stop_token is cancelled; at once, if it is.
  bool wait(const cancellation& ctx, const arrival_token& token) {
    return wait_within(token, ctx.bound());
  }

 private:
  bool wait_within(const arrival_token& token, const detail::wait_bound& bound) {
    if (token.of_ != this) detail::throw_foreign_token();
    return core_.wait(token.phase_, bound);
  }
  detail::barrier_completion completion() noexcept {
    if constexpr (std::is_same_v<Completion, detail::no_completion>) return {};
    return {[](void* f) noexcept { std::invoke(*static_cast<Completion*>(f)); },
            std::addressof(completion_)};
  }

  detail::barrier_core core_;
  [[no_unique_address]] Completion completion_;
};

}  // namespace weft
