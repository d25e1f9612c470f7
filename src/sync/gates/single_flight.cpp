// The untyped remains of a single flight: bounds that are over, and a run that never returned.
#include <stdexcept>

#include <weft/detail/sync/flight_core.hpp>

#include "sync/gates/line.hpp"

namespace weft::detail {

bool flight_is_too_late(const wait_bound& bound) noexcept {
  return cancelled_before(bound) || over_before_waiting(bound);
}

std::exception_ptr flight_without_end() noexcept {
  return std::make_exception_ptr(
      std::runtime_error("weft::single_flight: the function ended its goroutine (exit_goroutine)"));
}

}  // namespace weft::detail
