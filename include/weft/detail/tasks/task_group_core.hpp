// A task group's compiled half: who is active, who waits, what went wrong first.
#pragma once

#include <weft/context.hpp>
#include <weft/detail/wait_bound.hpp>

namespace weft::detail {

class task_group_core;

/// Null parent: the background, and no context is made until one is asked for.
task_group_core* task_group_make(const context* parent);
/// Cancels, waits, and ends the program over an exception that nobody took, unless `unwinding`.
void task_group_destroy(task_group_core* g, bool unwinding) noexcept;

/// Counts one goroutine more. Returns: false when there was no room within the bound.
bool task_group_begin(task_group_core* g, const wait_bound& bound) noexcept;
bool task_group_try_begin(task_group_core* g) noexcept;
/// One less. The caller does not touch the group any more.
void task_group_end(task_group_core* g) noexcept;
/// Call it inside a catch block, before task_group_end.
void task_group_fail(task_group_core* g) noexcept;

/// Throws: std::logic_error while goroutines are active.
void task_group_set_limit(task_group_core* g, int limit);
/// Throws: std::bad_alloc, at the first call of a round.
context task_group_context(task_group_core* g);
void task_group_cancel(task_group_core* g) noexcept;
/// Returns: whether all have ended. Throws: the first exception, then.
bool task_group_wait(task_group_core* g, const wait_bound& bound);

}  // namespace weft::detail
