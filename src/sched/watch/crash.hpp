// Who was running when the program died: overflows, uncaught exceptions, fatal signals.
//
// Tested by: tests/death/crashes
#pragma once

#include "fiber/goroutine.hpp"

namespace weft::detail {

/// Once, when weft starts: the terminate handler; the stack overflow report, unless
/// WEFT_OVERFLOW_REPORT=0; the crash report, if WEFT_CRASH=1.
void watch_for_crashes() noexcept;

/// From now on the crash report too. Any number of times.
void install_crash_report() noexcept;

/// The canary at the end of g's stack, which is the caller's, is gone.
[[noreturn, gnu::cold]] void die_of_stack_overflow(const goroutine& g) noexcept;

}  // namespace weft::detail
