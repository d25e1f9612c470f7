// The values of goroutine-local variables: one goroutine's, or one plain thread's.
//
// A variable has a slot, an index that is used again when the variable is gone, and a serial number
// that is not. A value knows the serial of its variable, so one that was left behind in a slot is
// told from the new variable's; it then ends, at the latest with its goroutine.
// Threads: the goroutine or thread that it belongs to. Slots: any, under a lock.
// Invariants: R1 every value is in the list, the newest first; its slot points to it, unless the
//                slot has been given to another variable's value.
// Tested by: tests/unit/fiber/local_values_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <weft/detail/local_core.hpp>

#include "base/intrusive_list.hpp"

namespace weft::detail {

class local_values {
 public:
  local_values() = default;
  local_values(const local_values&) = delete;
  local_values& operator=(const local_values&) = delete;
  /// Ends every value, the newest first, and those that the destructors make meanwhile.
  ~local_values();

  local_value* find(local_slot slot) const noexcept {
    if (slot.index >= count_) return nullptr;
    local_value* value = slots_[slot.index];
    return value && value->serial == slot.serial ? value : nullptr;
  }
  /// Makes sure that attach() finds a place. Throws: std::bad_alloc.
  void reserve(local_slot slot);
  /// What stood in the slot ends.
  void attach(local_slot slot, local_value& value) noexcept;
  /// Ends the value, if there is one. Returns: whether there was.
  bool end(local_slot slot) noexcept;

 private:
  void end(local_value& value) noexcept;

  std::unique_ptr<local_value*[]> slots_;
  std::size_t count_ = 0;
  intrusive_deque<local_value, &local_value::next, &local_value::previous> all_;
};

}  // namespace weft::detail
