// Which function and which line an address belongs to.
//
// With libbacktrace, which comes with GCC: from debug information, inlined functions included, and
// from the symbol table. Without: what the dynamic linker knows.
// Threads: any; also in a signal handler, see frames.hpp.
// Tested by: tests/unit/port/trace/frames_test.cpp
#pragma once

#include <cstdint>

namespace weft::detail {

struct symbol {
  const char* function = nullptr;  // mangled, or as the debug information has it
  const char* file = nullptr;      // of the source; null: not known
  int line = 0;
  const char* object = nullptr;  // the program or library
  std::uintptr_t offset = 0;     // in the function; in the object if the function is not known
};

/// Calls `found` for the function at `pc`; before it, innermost first, for those inlined there.
void find_symbols(std::uintptr_t pc, void (*found)(void* argument, const symbol&),
                  void* argument) noexcept;

/// Whether files and lines can be known at all.
bool symbols_have_lines() noexcept;

}  // namespace weft::detail
