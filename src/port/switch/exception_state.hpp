// The C++ runtime's per-thread exception state, which is the goroutine's, not the thread's.
//
// The Itanium ABI keeps the stack of caught exceptions and the count of uncaught ones in
// __cxa_eh_globals, one per thread. Both words move with the goroutine, so that it may park inside
// a catch block, during unwinding and in a destructor.
// Tested by: tests/conformance/exception_test.cpp
#pragma once

#include <cxxabi.h>

#include <cstdint>

namespace weft::detail {

struct exception_state {
  void* caught = nullptr;
  unsigned int uncaught = 0;

  bool empty() const noexcept { return (reinterpret_cast<std::uintptr_t>(caught) | uncaught) == 0; }
};

/// The calling thread's own; the address stays the same for the thread's life.
inline exception_state* thread_exception_state() noexcept {
  // Safety: the ABI fixes the layout of __cxa_eh_globals (Itanium C++ ABI, 2.2.2).
  return reinterpret_cast<exception_state*>(abi::__cxa_get_globals());
}

}  // namespace weft::detail
