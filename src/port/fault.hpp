// Signals that mean the end: who hears of them before the process dies.
//
// The stack is what may be broken, so the handlers run on an alternate one. weft hears only of
// signals whose action was the default, or passes them on to who was there before; then the action
// is as it was and the fault happens again: core dumps and exit codes are what they would be.
// Threads: any. Invariants: R1 of two threads that die at once only one reports.
// Tested by: tests/unit/port/fault_test.cpp, tests/death/crashes
#pragma once

#include <signal.h>

#include <cstddef>
#include <cstdint>

namespace weft::detail {

struct fault {
  int signal;
  bool has_address;  // of the memory that was touched
  std::uintptr_t address;
  std::uintptr_t stack_pointer;
  const void* ucontext;
};

/// Called in the handler, on an alternate stack. Nobody else reports meanwhile.
using fault_listener = void (*)(const fault&) noexcept;

/// From now on the listener hears of SIGSEGV and SIGBUS, if nobody else does.
void watch_memory_faults(fault_listener listener) noexcept;

/// From now on the listener hears of SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT, before whoever
/// else does.
void watch_crashes(fault_listener listener) noexcept;

/// A fault that is none if the listener says so, and the instruction is tried again. It is asked
/// first, before anybody who was there before, in the handler of any thread.
using mender = bool (*)(std::uintptr_t address) noexcept;
/// From now on; false: the system refuses the handler.
[[nodiscard]] bool watch_mendable_faults(mender asked) noexcept;
/// Whether nobody has put another handler over it.
bool mendable_faults_are_watched() noexcept;

/// The calling thread's handlers run on memory of their own, if it has not as much already and if
/// somebody watches (ThreadSanitizer does, and gives main a little of it): a stack that has
/// overflowed has no room for them. A page is only used when a handler runs.
class alternate_stack {
 public:
  static constexpr std::size_t bytes = std::size_t{512} << 10;

  alternate_stack() noexcept;
  alternate_stack(const alternate_stack&) = delete;
  alternate_stack& operator=(const alternate_stack&) = delete;
  ~alternate_stack();

 private:
  std::byte* low_ = nullptr;
  stack_t before_{};
};

/// One thread reports the end of the process; returns true to it, once. Others stop here until the
/// process ends, but not for longer than a report may take. False: it has reported already, or has
/// waited.
[[nodiscard]] bool begin_last_words() noexcept;
/// The end was put off: the next report is welcome.
void end_last_words() noexcept;

/// Segmentation fault and its like, as the system calls it.
const char* words_for_signal(int signal) noexcept;

}  // namespace weft::detail
