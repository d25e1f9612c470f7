// A child of fork() has one thread: no workers, no monitor, and locks that others held then.
//
// The child may exec, _exit, and use what needs nobody else. The slow paths (a start, a wait, a
// lock that stays taken) ask here, and end the child with words instead of waiting for ever.
// Tested by: tests/hazards/fork_test.cpp
#pragma once

#include <weft/detail/atomic.hpp>

namespace weft::detail {

/// Whether this process is a child of one that had started the runtime. Written in the child.
extern hint<bool> in_forked_child;

/// Has `in_child` called in every child from now on, by its only thread. Call it once.
void watch_for_fork(void (*in_child)()) noexcept;

/// Says on stderr what weft was asked for ("a wait"), and aborts.
[[noreturn]] void die_in_forked_child(const char* asked_for) noexcept;

inline void check_forked_child(const char* asked_for) noexcept {
  if (in_forked_child.read()) [[unlikely]]
    die_in_forked_child(asked_for);
}

}  // namespace weft::detail
