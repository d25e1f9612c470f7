// The x86-64 context switch (System V). Include port/context.hpp.
#pragma once

#include <cstdint>

#include "port/switch/saved_registers.hpp"

namespace weft::detail {

// Every register that the two functions below do not name otherwise.
#if defined(__AVX512F__)
#define WEFT_CLOBBER_AVX512                                                                      \
  , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",    \
      "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6",  \
      "k7"
#else
#define WEFT_CLOBBER_AVX512
#endif
#define WEFT_CLOBBERED                                                                           \
  "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2",    \
      "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",         \
      "xmm13", "xmm14", "xmm15", "cc", "memory" WEFT_CLOBBER_AVX512

/// Saves the caller's context at *save_sp and resumes the one at to_sp, whose own switch_context or
/// start_context then returns `argument`.
inline void* switch_context(void** save_sp, void* to_sp, void* argument) noexcept {
  asm volatile(
      "leaq -128(%%rsp), %%rsp\n\t"  // past the red zone
      "pushq %%rbp\n\t"
      "leaq 1f(%%rip), %%rcx\n\t"
      "pushq %%rcx\n\t"
      "movq %%rsp, (%%rdi)\n\t"
      "movq %%rsi, %%rsp\n\t"
      "popq %%rcx\n\t"
      "jmpq *%%rcx\n"
      "1:\n\t"
      "popq %%rbp\n\t"
      "leaq 128(%%rsp), %%rsp"
      : "+a"(argument), "+D"(save_sp), "+S"(to_sp)
      :
      : "rdx", WEFT_CLOBBERED);
  return argument;
}

/// Saves the caller's context at *save_sp and calls entry(argument) on a fresh stack, whose top is
/// aligned to 16 bytes. `entry` never returns. Returns as switch_context does.
inline void* start_context(void** save_sp, void* stack_top, void (*entry)(void*),
                           void* argument) noexcept {
  asm volatile(
      "leaq -128(%%rsp), %%rsp\n\t"
      "pushq %%rbp\n\t"
      "leaq 1f(%%rip), %%rcx\n\t"
      "pushq %%rcx\n\t"
      "movq %%rsp, (%%rdi)\n\t"
      "movq %%rsi, %%rsp\n\t"
      "xorl %%ebp, %%ebp\n\t"
      "movq %%rax, %%rdi\n\t"
      "pushq $0\n\t"  // the return address that entry must not use: unwinding ends here
      "jmpq *%%rdx\n"
      "1:\n\t"
      "popq %%rbp\n\t"
      "leaq 128(%%rsp), %%rsp"
      : "+a"(argument), "+D"(save_sp), "+S"(stack_top), "+d"(entry)
      :
      : WEFT_CLOBBERED);
  return argument;
}

/// What the two functions above saved: `frame` is what stood at the stack pointer, or a copy of it.
struct switch_frame {
  std::uintptr_t pc;
  std::uintptr_t fp;
};
inline saved_registers where_suspended(std::uintptr_t stack_pointer, switch_frame frame) noexcept {
  constexpr std::uintptr_t red_zone = 128;
  return {frame.pc, stack_pointer + sizeof frame + red_zone, frame.fp};
}

#undef WEFT_CLOBBERED
#undef WEFT_CLOBBER_AVX512

}  // namespace weft::detail
