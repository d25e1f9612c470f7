// Where a stack stands that is not running: all that unwinding it needs.
#pragma once

#include <cstdint>

namespace weft::detail {

/// As they are when the code at `pc` goes on. Every other register is on the stack already.
struct saved_registers {
  std::uintptr_t pc = 0;
  std::uintptr_t sp = 0;
  std::uintptr_t fp = 0;
};

}  // namespace weft::detail
