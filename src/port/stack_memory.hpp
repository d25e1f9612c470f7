// Address space for stacks: reserved in slabs, committed by the kernel when touched, guarded.
// Tested by: tests/unit/port/stack_memory_test.cpp
#pragma once

#include <cstddef>
#include <span>

namespace weft::detail {

/// Returns null when the address space or the kernel refuses.
std::byte* reserve_stack_slab(std::size_t bytes) noexcept;

/// Makes the page at `low` fault when touched. Returns false when no guard could be set: beyond
/// vm.max_map_count on a kernel without MADV_GUARD_INSTALL.
[[nodiscard]] bool install_guard(std::byte* low) noexcept;

/// The same for the pages at `low`, `low` + `step` ...: in one call where the kernel can (Linux
/// 6.14). Writes which of them fault.
void install_guards(std::byte* low, std::size_t step, std::span<bool> guarded) noexcept;

/// Gives the memory back to the kernel; the address space and the guards stay.
void discard_stack_memory(std::byte* low, std::size_t bytes) noexcept;

/// The kernel commits its page now, if it has not yet. The byte becomes 0.
void touch_memory(std::byte* at) noexcept;

/// How much of the memory, from its upper end down, has been touched since it was reserved or last
/// discarded. In pages; what was swapped out since then may be missing. About 1 us for 256 KiB.
std::size_t touched_from_top(const std::byte* low, std::size_t bytes) noexcept;

std::size_t page_bytes() noexcept;

/// Whether guards cost no mapping each (MADV_GUARD_INSTALL, Linux 6.13).
bool guards_are_light() noexcept;

/// Tells Valgrind, if the program runs under it, that this is a stack: else it takes a switch for a
/// very large frame. Once for each: stacks are used again, and never given back.
void introduce_stack(std::byte* low, std::size_t bytes) noexcept;

/// ThreadSanitizer, in a library for users, takes the stack for new from now on. It must be empty.
void begin_told_stack(std::byte* low, std::size_t bytes) noexcept;

}  // namespace weft::detail
