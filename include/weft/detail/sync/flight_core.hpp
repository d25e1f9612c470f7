// What the calls that share one run of a function wait for.
#pragma once

#include <exception>

#include <weft/detail/sync/event_core.hpp>

namespace weft::detail {

class flight_core {
 public:
  void wait() noexcept { static_cast<void>(landed_.wait_for_flight({})); }
  /// Returns: whether it has landed within the bound.
  bool wait(const wait_bound& bound) noexcept { return landed_.wait_for_flight(bound); }
  void land() noexcept { landed_.set(); }

 private:
  event_core landed_;
};

/// Whether a wait need not begin. Then others have had a turn.
bool flight_is_too_late(const wait_bound& bound) noexcept;
/// What the others get when the function ended by exit_goroutine.
std::exception_ptr flight_without_end() noexcept;

}  // namespace weft::detail
