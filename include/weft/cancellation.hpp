#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <stop_token>

#include <weft/detail/wait_bound.hpp>

namespace weft {

class context;

namespace detail {

/// A cancel_state of its own that a std::stop_token cancels.
class stop_bridge {
 public:
  explicit stop_bridge(const std::stop_token& token);
  stop_bridge(const stop_bridge&) = delete;
  stop_bridge& operator=(const stop_bridge&) = delete;
  ~stop_bridge();
  cancel_state* state() noexcept;

 private:
  static constexpr std::size_t room_bytes = 128;
  alignas(std::max_align_t) std::byte room_[room_bytes];
};

bool is_cancelled(const cancel_state* state) noexcept;

}  // namespace detail

/// What may cancel a wait: a `context` or a `std::stop_token`.
///
/// Everything in weft that waits takes one as its first argument: `c.recv(ctx)`, `m.lock(token)`,
/// `sleep_for(ctx, 1s)`. It is not made by hand: both convert to it for the length of the call.
///
/// If it is cancelled already when the call begins, the operation does nothing and says so, even
/// if it could have gone on at once: a loop around it ends. Otherwise what comes first decides. A
/// wait that was cancelled leaves no trace: nothing was taken, no wake-up is lost.
///
/// Threads: cancel from anywhere; a stop_callback's rules do not apply to the waiter.
/// Misuse:  the context must live until the call returns (it does when it is passed by name).
/// Example: examples/context/timeout.cpp
class cancellation {
 public:
  /// A nil context throws std::invalid_argument ("nil context").
  cancellation(const context& ctx);  // in <weft/context.hpp>
  /// Throws: std::bad_alloc.
  cancellation(const std::stop_token& token) {
    if (token.stop_possible()) state_ = bridge_.emplace(token).state();
  }
  cancellation(const cancellation&) = delete;
  cancellation& operator=(const cancellation&) = delete;

  bool cancelled() const noexcept { return state_ && detail::is_cancelled(state_); }
  /// For weft's own use. Null: it is never cancelled.
  detail::cancel_state* state() const noexcept { return state_; }
  /// For weft's own use: a wait that only this ends.
  detail::wait_bound bound() const noexcept { return {.cancel = state_}; }

 private:
  detail::cancel_state* state_ = nullptr;
  std::optional<detail::stop_bridge> bridge_;
};

}  // namespace weft
