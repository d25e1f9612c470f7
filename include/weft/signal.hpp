#pragma once

#include <initializer_list>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include <weft/context.hpp>

namespace weft {

/// The cause of a context that a signal cancelled. `what()` is Go's text: "interrupt signal
/// received".
class signal_received : public std::runtime_error {
 public:
  /// Throws: std::bad_alloc.
  explicit signal_received(int number);
  int signal() const noexcept { return number_; }

 private:
  int number_;
};

namespace detail {

class signal_registration;
/// Throws: std::invalid_argument, std::system_error, std::bad_alloc.
std::shared_ptr<signal_registration> register_signals(context ctx, std::span<const int> signals);
void stop_signals(signal_registration& r) noexcept;

}  // namespace detail

/// Gives the signals of a notify_context back. A handle: the last one that goes does it, too.
class signal_stop {
 public:
  /// The signals do again what they did before, unless another notify_context has taken them as
  /// well; and the context is cancelled.
  void operator()() const noexcept { detail::stop_signals(*registration_); }

  /// For weft's own use.
  explicit signal_stop(std::shared_ptr<detail::signal_registration> r) noexcept
      : registration_(std::move(r)) {}

 private:
  std::shared_ptr<detail::signal_registration> registration_;
};

/// A context that a signal cancels, and what gives the signals back.
struct notified_context {
  context ctx;
  signal_stop stop;
};

/// A child that is also cancelled when one of the signals arrives: Go's `signal.NotifyContext`.
///
/// Its `cause()` is a signal_received. The signals are taken from the whole program, and only
/// while `stop` is neither called nor dropped: keep it. As long as they are taken a second Ctrl-C
/// does nothing: call `stop()` when the first has been noticed. weft takes no signal otherwise.
/// The handler only takes note; a thread of weft's, made at the first use, does the cancelling.
///
/// Throws:  std::invalid_argument (nil parent, no signals, one that cannot be taken: SIGKILL,
///          SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL), std::system_error, std::bad_alloc. No signal
///          is taken then.
/// Misuse:  whoever replaces the action of a taken signal meanwhile keeps it.
/// Example: examples/context/interrupt.cpp
/// ```
/// auto [ctx, stop] = weft::notify_context(weft::background(), {SIGINT, SIGTERM});
/// ```
[[nodiscard]] inline notified_context notify_context(const context& parent,
                                                     std::span<const int> signals) {
  context ctx = with_cancel(parent).ctx;
  return {ctx, signal_stop(detail::register_signals(ctx, signals))};
}
[[nodiscard]] inline notified_context notify_context(const context& parent,
                                                     std::initializer_list<int> signals) {
  return notify_context(parent, std::span(signals.begin(), signals.size()));
}

}  // namespace weft
