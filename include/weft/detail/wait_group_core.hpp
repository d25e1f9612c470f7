// A wait group's compiled half.
#pragma once

#include <cstddef>

#include <weft/detail/wait_bound.hpp>

namespace weft::detail {

class wait_group_core;

wait_group_core* wait_group_make();
void wait_group_retain(wait_group_core* g) noexcept;
void wait_group_release(wait_group_core* g) noexcept;
/// How many are not done: a snapshot.
int wait_group_count(const wait_group_core* g) noexcept;
/// How large one is.
std::size_t wait_group_bytes() noexcept;
/// Throws: std::logic_error, with the count unchanged.
void wait_group_add(wait_group_core* g, int n);
/// Returns: whether the count came to zero within the bound.
bool wait_group_wait(wait_group_core* g, const wait_bound& bound) noexcept;

}  // namespace weft::detail
