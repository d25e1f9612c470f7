// May anybody be waiting for this lock? One flag for all locks whose addresses hash to it.
//
// An unlock looks at its flag after it has let go. By then another may have taken the lock, let go
// of it and destroyed it; the flags outlive every lock. With the flag inside the lock an unlock
// would need a second locked instruction (+5 ns), or read freed memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <weft/detail/atomic.hpp>

namespace weft::detail {

inline constexpr std::size_t lock_room_count = 256;

extern std::array<atomic<bool>, lock_room_count> contended_rooms;
extern hint<bool> light_barrier_is_free;  // src/port/sync/barrier.hpp
void pay_for_light_barrier() noexcept;

inline std::size_t lock_room_number(const void* lock) noexcept {
  static_assert(lock_room_count == 256);
  // Safety: the address is only hashed (Fibonacci's multiplier, the top eight bits).
  return static_cast<std::size_t>(reinterpret_cast<std::uintptr_t>(lock) * 0x9E3779B97F4A7C15U >>
                                  56);
}

/// light_barrier() for inline code: no instruction where the kernel has membarrier(2).
inline void inline_light_barrier() noexcept {
  asm("" ::: "memory");  // without outputs: the compiler may neither drop it nor move across it
  if (!light_barrier_is_free.read()) [[unlikely]]
    pay_for_light_barrier();
}

}  // namespace weft::detail
