// How long a wait may last, as weft's compiled half sees it, and how it ended.
#pragma once

#include <cstdint>

#include <weft/detail/deadline.hpp>

namespace weft::detail {

class cancel_state;  // wait/cancel_state.hpp

/// A wait ends at the deadline, or when `cancel` is cancelled, whichever comes first.
struct wait_bound {
  deadline_ns deadline = never_ns;
  cancel_state* cancel = nullptr;  // null: nobody cancels it

  bool unbounded() const noexcept { return deadline == never_ns && cancel == nullptr; }
};

enum class wait_outcome : std::uint8_t { woken, timeout, cancelled };

}  // namespace weft::detail
