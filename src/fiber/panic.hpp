// The last words of a program: what happened, to which goroutine, where it was and where it was
// started.
// Tested by: tests/unit/fiber/panic_test.cpp, tests/death
#pragma once

#include "fiber/goroutine.hpp"
#include "port/trace/stack_trace.hpp"

namespace weft::detail {

/// Go's form of a fatal report.
struct last_words {
  const char* headline;     // "panic: ...", "fatal error: ..."
  const goroutine* who;     // null: the calling plain thread
  const long_trace* trace;  // null: its stack is gone
  const char* advice = nullptr;
};

/// To stderr. Also in a signal handler. Takes some 64 KiB of the stack.
void print_last_words(const last_words& words) noexcept;

inline constexpr const char* uncaught_advice =
    "An exception left the function given to weft::go. Catch it inside, or send it to whoever "
    "waits "
    "for the result.";

/// Of a goroutine whose stack is gone. Call it inside a catch block. Prints Go's panic report, then
/// std::terminate().
[[noreturn]] void die_of_uncaught_exception(const goroutine& g,
                                            const char* advice = uncaught_advice) noexcept;

/// What std::terminate() was called for: prints the report, with the stack from its caller on.
/// `from`: of a caller of this.
void report_termination(const goroutine* who, const saved_registers& from) noexcept;

/// "goroutine 7 'parser' overflowed its 256 KiB stack", its stack and what to do. `from`: of a
/// caller of this, on the stack whose canary is gone.
void report_spoilt_stack(const goroutine& g, const saved_registers& from) noexcept;

/// The same in a signal handler.
void report_stack_overflow(const goroutine& g, const long_trace& trace) noexcept;

}  // namespace weft::detail
