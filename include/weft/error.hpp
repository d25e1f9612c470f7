#pragma once

#include <stdexcept>
#include <system_error>

namespace weft {

/// Thrown by an operation that Go answers with a panic because a channel is closed or nil.
/// `what()` is Go's own text: "send on closed channel", "close of closed channel" or
/// "close of nil channel".
class closed_channel : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Why a context was cancelled. Compares equal to `std::errc::operation_canceled` and
/// `std::errc::timed_out`.
enum class context_errc {
  canceled = 1,           ///< "context canceled": somebody cancelled it
  deadline_exceeded = 2,  ///< "context deadline exceeded": its time was over
};

/// The category of context_errc: "weft.context".
const std::error_category& context_category() noexcept;

inline std::error_code make_error_code(context_errc e) noexcept {
  return {static_cast<int>(e), context_category()};
}

/// The cause of a context that was cancelled without one: Go's `context.Canceled`.
class context_canceled : public std::system_error {
 public:
  context_canceled() : std::system_error(make_error_code(context_errc::canceled)) {}
};

/// The cause of a context whose deadline passed, when none was given: Go's
/// `context.DeadlineExceeded`.
class context_deadline_exceeded : public std::system_error {
 public:
  context_deadline_exceeded()
      : std::system_error(make_error_code(context_errc::deadline_exceeded)) {}
};

}  // namespace weft

template <>
struct std::is_error_code_enum<weft::context_errc> : std::true_type {};
