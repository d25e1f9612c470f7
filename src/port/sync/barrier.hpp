// An asymmetric fence: the common side pays nothing, the rare side a system call.
//
// light_barrier() on one side and heavy_barrier() on the other order like two full fences
// (membarrier(2) makes every running thread of the process pass one). Where the kernel has no
// membarrier, both sides pay a full fence.
// Tested by: tests/unit/port/sync/barrier_test.cpp
#pragma once

#include <weft/detail/atomic.hpp>

namespace weft::detail {

/// Set once, before the first light_barrier().
extern hint<bool> light_barrier_is_free;

inline void full_fence() noexcept {
#if defined(__x86_64__)
  asm volatile("lock orq $0, (%%rsp)" ::: "memory", "cc");
#else
  asm volatile("dmb ish" ::: "memory");
#endif
}

/// All of a light barrier that is free. Always inline: see owner_lock.hpp.
[[gnu::always_inline]] inline void compiler_barrier() noexcept { asm volatile("" ::: "memory"); }

/// Keeps a store before it and a load after it in order, as seen past a heavy_barrier().
inline void light_barrier() noexcept {
  compiler_barrier();
  if (!light_barrier_is_free.read()) [[unlikely]]
    full_fence();  // Order: asymmetric. Pairs with heavy_barrier().
}

/// 0.3 us, or 10 us where another CPU of a virtual machine is busy. Never fails.
void heavy_barrier() noexcept;

/// Must have returned before the first light_barrier().
void prepare_barriers() noexcept;

}  // namespace weft::detail
