// A wait group's compiled half.
#pragma once

#include <weft/detail/deadline.hpp>

namespace weft::detail {

class wait_group_core;

wait_group_core* wait_group_make();
void wait_group_retain(wait_group_core* g) noexcept;
void wait_group_release(wait_group_core* g) noexcept;
/// Throws: std::logic_error, with the count unchanged.
void wait_group_add(wait_group_core* g, int n);
/// Returns: whether the count came to zero before the deadline.
bool wait_group_wait(wait_group_core* g, deadline_ns deadline) noexcept;

}  // namespace weft::detail
