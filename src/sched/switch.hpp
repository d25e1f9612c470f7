// Getting from one stack to another: the only callers of the context switch.
//
// A parking goroutine switches directly to the next runnable one. What must happen after it has
// left its stack is put into worker::after and runs first thing on the next stack.
#pragma once

#include "fiber/goroutine.hpp"
#include "sched/worker.hpp"

namespace weft::detail {

/// Leaves the calling goroutine's stack, then runs `then`. Returns when it is resumed, perhaps by
/// another worker; errno and the exception state are as they were.
void switch_out(worker& w, goroutine& g, after_switch then) noexcept;

/// From the worker's loop: runs g, which has a stack, until somebody comes back to the loop.
void resume(worker& w, goroutine& g) noexcept;

}  // namespace weft::detail
