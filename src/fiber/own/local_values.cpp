// Goroutine-local values, and the slots they stand in.
#include "fiber/own/local_values.hpp"

#include <algorithm>
#include <limits>
#include <mutex>
#include <new>
#include <vector>

#include "port/sync/spin_lock.hpp"

namespace weft::detail {
namespace {

class slot_table {
 public:
  local_slot acquire() {
    std::lock_guard guard(lock_);
    if (free_.empty()) {
      grow();
      return {next_++, ++serial_};
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    return {index, ++serial_};
  }
  void release(local_slot slot) noexcept {
    std::lock_guard guard(lock_);
    free_.push_back(slot.index);  // grow() made room
  }

 private:
  /// Rare enough to allocate under the lock: once for each doubling of the variables alive.
  void grow() {
    if (free_.capacity() <= next_) free_.reserve(std::max<std::size_t>(16, 2 * next_ + 1));
  }

  spin_lock lock_;
  std::vector<std::uint32_t> free_;
  std::uint32_t next_ = 0;
  std::uint64_t serial_ = 0;
};

/// Outlives every static object: variables are static objects themselves.
slot_table& local_slots() noexcept {
  alignas(slot_table) static std::byte room[sizeof(slot_table)];
  static slot_table* const instance = ::new (room) slot_table;
  return *instance;
}

}  // namespace

local_slot local_slot_acquire() { return local_slots().acquire(); }
void local_slot_release(local_slot slot) noexcept { local_slots().release(slot); }

local_values::~local_values() {
  while (local_value* newest = all_.front()) end(*newest);
}

void local_values::reserve(local_slot slot) {
  if (slot.index < count_) return;
  const std::size_t count =
      std::max<std::size_t>(slot.index + 1, std::max<std::size_t>(4, 2 * count_));
  auto more = std::make_unique<local_value*[]>(count);
  std::copy_n(slots_.get(), count_, more.get());
  slots_ = std::move(more);
  count_ = count;
}

void local_values::attach(local_slot slot, local_value& value) noexcept {
  if (local_value* before = slots_[slot.index]) end(*before);
  value.serial = slot.serial;
  value.index = slot.index;
  all_.push_front(&value);
  slots_[slot.index] = &value;
}

bool local_values::end(local_slot slot) noexcept {
  local_value* value = find(slot);
  if (value) end(*value);
  return value != nullptr;
}

void local_values::end(local_value& value) noexcept {
  if (slots_[value.index] == &value) slots_[value.index] = nullptr;
  all_.remove(&value);
  value.destroy(&value);
}

}  // namespace weft::detail
