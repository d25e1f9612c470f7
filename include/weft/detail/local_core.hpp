// A goroutine-local variable's compiled half.
#pragma once

#include <cstdint>

namespace weft::detail {

/// Where a variable's values stand, and which variable it is: an index is used again, a serial not.
struct local_slot {
  std::uint32_t index;
  std::uint64_t serial;
};

/// The head of one value.
struct local_value {
  local_value* next = nullptr;
  local_value* previous = nullptr;
  std::uint64_t serial = 0;
  std::uint32_t index = 0;
  void (*destroy)(local_value*) noexcept = nullptr;
};

/// Throws: std::bad_alloc.
local_slot local_slot_acquire();
void local_slot_release(local_slot slot) noexcept;

// The values of the calling goroutine, or of the calling thread.
/// Null: none.
local_value* local_find(local_slot slot) noexcept;
/// Makes sure that local_attach() finds a place. Throws: std::bad_alloc.
void local_reserve(local_slot slot);
void local_attach(local_slot slot, local_value& value) noexcept;
void local_end(local_slot slot) noexcept;

}  // namespace weft::detail
