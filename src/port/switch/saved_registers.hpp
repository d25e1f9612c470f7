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

/// Of the function that calls this: they hold until it returns.
[[gnu::always_inline]] inline saved_registers registers_of_this_frame() noexcept {
  saved_registers here;
#if defined(__x86_64__)
  asm volatile(
      "movq %%rbp, %2\n\t"  // first: one of the results may be put there
      "movq %%rsp, %1\n\t"
      "leaq 0(%%rip), %0"
      : "=r"(here.pc), "=r"(here.sp), "=r"(here.fp));
#elif defined(__aarch64__)
  asm volatile(
      "mov %2, x29\n\t"
      "mov %1, sp\n\t"
      "adr %0, ."
      : "=r"(here.pc), "=r"(here.sp), "=r"(here.fp));
#endif
  return here;
}

}  // namespace weft::detail
