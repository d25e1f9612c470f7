// Stack traces: of the calling stack, of one that a signal interrupted, of one that stands still.
//
// The tables that C++ exceptions are unwound by (.eh_frame) are read by code of weft's own.
// Rejected: libunwind, whose remote half drags in its local half, which brings a second set of
// _Unwind_* for the whole program; libdw, which wants debug information and allocates; libgcc's
// _Unwind_Backtrace, which knows the running stack only, and crashes on a broken one. This needs no
// library, memory or lock of its own, and reads only what it may. What has no tables (code made
// at run time) is crossed by the frame pointer.
// Threads: any; also in a signal handler.
// Invariants: R1 each frame lies above the one before it, so that every walk ends.
// Tested by: tests/unit/port/trace/{stack_trace,unwind_garbage}_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "port/switch/saved_registers.hpp"

namespace weft::detail {

/// A trace is a list of code addresses, the innermost first. Each lies within the instruction that
/// the frame is at: of a call that is the return address less one.
using trace_span = std::span<std::uintptr_t>;

/// The stack of whoever calls. Returns how many addresses there are.
std::size_t capture_trace(trace_span pcs) noexcept;

/// The stack that a signal interrupted; `ucontext` is the handler's third argument.
std::size_t capture_trace_of_signal(const void* ucontext, trace_span pcs) noexcept;

/// Memory that was copied from `low` and the bytes after it.
struct stack_copy {
  const std::byte* bytes = nullptr;
  std::uintptr_t low = 0;
  std::size_t size = 0;
};

/// A stack that stands still, or stood still when it was copied. Reads the copy, and nothing else
/// but the tables of loaded code. A broken stack gives a short trace.
std::size_t unwind_trace(const saved_registers& from, const stack_copy& memory,
                         trace_span pcs) noexcept;

/// Both ends of a trace that may be a million frames deep.
class long_trace {
 public:
  static constexpr std::size_t inner_max = 50;
  static constexpr std::size_t outer_max = 20;

  void add(std::uintptr_t pc) noexcept {
    if (count_ < inner_max)
      inner_[count_] = pc;
    else
      outer_[(count_ - inner_max) % outer_max] = pc;
    ++count_;
  }
  std::size_t depth() const noexcept { return count_; }
  /// How many are neither in inner() nor given by outer().
  std::size_t left_out() const noexcept {
    return count_ > inner_max + outer_max ? count_ - inner_max - outer_max : 0;
  }
  std::span<const std::uintptr_t> inner() const noexcept {
    return {inner_, count_ < inner_max ? count_ : inner_max};
  }
  /// Copies the outermost ones; returns how many.
  std::size_t outer(trace_span pcs) const noexcept;

 private:
  std::uintptr_t inner_[inner_max] = {};
  std::uintptr_t outer_[outer_max] = {};
  std::size_t count_ = 0;
};

/// `below`: the address of a function that may be among the innermost; it and what it called are
/// left out.
void capture_trace(long_trace& to, const void* below = nullptr) noexcept;
void capture_trace_of_signal(const void* ucontext, long_trace& to) noexcept;

}  // namespace weft::detail
