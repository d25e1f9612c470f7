// The AArch64 context switch (AAPCS64). Include port/context.hpp.
#pragma once

#include <cstdint>

#include "port/switch/saved_registers.hpp"

namespace weft::detail {

// Every register that the two functions below do not name otherwise.
#define WEFT_CLOBBERED \
  "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", \
  "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", \
  "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", \
  "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", \
  "v25", "v26", "v27", "v28", "v29", "v30", "v31", "cc", "memory"

/// Saves the caller's context at *save_sp and resumes the one at to_sp, whose own switch_context or
/// start_context then returns `argument`.
inline void* switch_context(void** save_sp, void* to_sp, void* argument) noexcept {
  register void* result asm("x0") = argument;
  register void** save asm("x1") = save_sp;
  register void* to asm("x2") = to_sp;
  asm volatile(
      "adr x9, 1f\n\t"
      "stp x9, x29, [sp, #-16]!\n\t"
      "mov x10, sp\n\t"
      "str x10, [x1]\n\t"
      "mov sp, x2\n\t"
      "ldr x9, [sp]\n\t"
      "br x9\n"
      "1:\n\t"
      "ldr x29, [sp, #8]\n\t"
      "add sp, sp, #16"
      : "+r"(result), "+r"(save), "+r"(to)
      :
      : "x3", WEFT_CLOBBERED);
  return result;
}

/// Saves the caller's context at *save_sp and calls entry(argument) on a fresh stack, whose top is
/// aligned to 16 bytes. `entry` never returns. Returns as switch_context does.
inline void* start_context(void** save_sp, void* stack_top, void (*entry)(void*),
                           void* argument) noexcept {
  register void* result asm("x0") = argument;
  register void** save asm("x1") = save_sp;
  register void* top asm("x2") = stack_top;
  register void (*code)(void*) asm("x3") = entry;
  asm volatile(
      "adr x9, 1f\n\t"
      "stp x9, x29, [sp, #-16]!\n\t"
      "mov x10, sp\n\t"
      "str x10, [x1]\n\t"
      "mov sp, x2\n\t"
      "mov x29, xzr\n\t"  // nothing stands above entry: unwinding ends here
      "mov x30, xzr\n\t"
      "br x3\n"
      "1:\n\t"
      "ldr x29, [sp, #8]\n\t"
      "add sp, sp, #16"
      : "+r"(result), "+r"(save), "+r"(top), "+r"(code)
      :
      : WEFT_CLOBBERED);
  return result;
}

/// What the two functions above saved: `frame` is what stood at the stack pointer, or a copy of it.
struct switch_frame {
  std::uintptr_t pc;
  std::uintptr_t fp;
};
inline saved_registers where_suspended(std::uintptr_t stack_pointer, switch_frame frame) noexcept {
  return {frame.pc, stack_pointer + sizeof frame, frame.fp};
}

#undef WEFT_CLOBBERED

}  // namespace weft::detail
