// A goroutine's stack as a value: where it is, how large, whether its guard could be set.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace weft::detail {

inline constexpr std::size_t stack_bytes_min = std::size_t{16} << 10;
inline constexpr std::size_t stack_bytes_max = std::size_t{1} << 30;
/// 64 KiB is too small for a TLS handshake. 256 KiB costs 512 bytes of page table per live stack
/// where 128 KiB costs 256, measured with a million of them; docs/internals.md has the numbers.
inline constexpr std::size_t stack_bytes_default = std::size_t{256} << 10;

/// Stacks come in powers of two: class 0 is the smallest.
using stack_class = std::uint8_t;
inline constexpr stack_class stack_class_count = 17;

constexpr stack_class stack_class_for(std::size_t bytes) noexcept {
  if (bytes <= stack_bytes_min) return 0;
  return static_cast<stack_class>(std::bit_width((bytes - 1) / stack_bytes_min));
}
constexpr std::size_t stack_class_bytes(stack_class size) noexcept {
  return stack_bytes_min << size;
}
inline constexpr stack_class default_stack_class = stack_class_for(stack_bytes_default);

/// The address is page-aligned; its lowest bit says that only a canary guards it, the next one that
/// the goroutine on it must not park.
class stack {
 public:
  constexpr stack() noexcept = default;
  stack(std::byte* low, bool guarded) noexcept
      : bits_(reinterpret_cast<std::uintptr_t>(low) | (guarded ? 0U : 1U)) {}

  explicit operator bool() const noexcept { return bits_ != 0; }
  // Safety: the bits came from a pointer to a slab that lives as long as the process.
  std::byte* low() const noexcept {
    return reinterpret_cast<std::byte*>(bits_ & ~std::uintptr_t{3});
  }
  bool guarded() const noexcept { return (bits_ & 1U) == 0; }
  /// Nothing is to be looked at before a park.
  bool is_plain() const noexcept { return (bits_ & 3U) == 0; }
  bool forbids_parks() const noexcept { return (bits_ & 2U) != 0; }
  void forbid_parks(bool forbid) noexcept {
    bits_ = (bits_ & ~std::uintptr_t{2}) | (forbid ? 2U : 0U);
  }

  /// Where execution starts: aligned to 16, coloured by the stack's number so that the tops of
  /// neighbours do not fall into the same cache set.
  std::byte* top(stack_class size) const noexcept {
    const std::size_t bytes = stack_class_bytes(size);
    // A shift: the division cost as much as the rest of a goroutine's start.
    const std::size_t number =
        reinterpret_cast<std::uintptr_t>(low()) >> (std::countr_zero(stack_bytes_min) + size);
    return low() + bytes - (number % 16) * 64;
  }
  /// Call only on a stack without a guard.
  void plant_canary() const noexcept;
  bool canary_is_intact() const noexcept;

 private:
  std::uintptr_t bits_ = 0;
};

/// How many bytes of it were ever in use, in whole pages: the high-water mark of the memory. That
/// is its goroutine's, or one's that had the same memory before: a stack is used again while it is
/// warm, and its memory goes back to the system only when it has lain unused for a while.
std::size_t stack_high_water(const stack& memory, stack_class size) noexcept;

}  // namespace weft::detail
