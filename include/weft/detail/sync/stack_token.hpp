// Which stack is this? A number for it that costs one instruction or two, and no memory.
//
// The page of the stack pointer, in 31 bits: two stacks have the same one only if they are a
// multiple of 8 TiB apart. Whoever looks one up finds the goroutine that is on that stack now; the
// one that made the token may have ended since. See src/api/leaks/lock_owner.hpp.
#pragma once

#include <cstdint>

namespace weft::detail {

/// 0: none.
using stack_token = std::uint32_t;

inline constexpr unsigned stack_token_shift = 12;
inline constexpr stack_token stack_token_mark = stack_token{1} << 31;

inline stack_token stack_token_of(std::uintptr_t address) noexcept {
  return static_cast<stack_token>(address >> stack_token_shift) | stack_token_mark;
}

/// Not __builtin_frame_address: it would make every function that locks set up a frame pointer.
[[gnu::always_inline]] inline std::uintptr_t this_stack_pointer() noexcept {
  std::uintptr_t here;
#if defined(__x86_64__)
  asm("movq %%rsp, %0" : "=r"(here));
#elif defined(__aarch64__)
  asm("mov %0, sp" : "=r"(here));
#else
  here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
#endif
  return here;
}

inline stack_token this_stack_token() noexcept { return stack_token_of(this_stack_pointer()); }

}  // namespace weft::detail
