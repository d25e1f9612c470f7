// The timers that are not due soon: a hierarchical wheel, lists of nodes in slots.
//
// A tick is 131 us. A slot of the lowest level is a tick, one of each further level is as long as
// all of the level below. Who is put in stands in the lowest level that tells its time from the
// wheel's own; when its slot begins it is taken out and put in again, or is near enough for the
// heap. So an insertion writes two nodes, and a node is looked at three times at most if it is due
// within half a second. The order within a slot is unknown, but its earliest time is.
// Threads: none of its own; its timer_heap locks.
// Invariants: R1 each node's tick is later than the wheel's.
//             R2 a level's slots are later than those of the levels below, and than the wheel's
//                time: so the first of the lowest level that has one is the next.
//             R3 a slot's earliest time is not later than those of its nodes.
// Tested by: tests/unit/engine/timer_heap_test.cpp
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <weft/detail/deadline.hpp>

#include "engine/timer_node.hpp"

namespace weft::detail {

class timer_wheel {
 public:
  static constexpr std::size_t lane_count = 8;
  /// What a slot holds: several lists, linked by sibling_. The nodes of a crowd are all cold: who
  /// follows the lists side by side waits for as many at once.
  using lanes = std::array<timer_node*, lane_count>;

  /// Whether it is due after this tick.
  bool takes(deadline_ns when) const noexcept { return (when >> tick_bits) > (time_ >> tick_bits); }
  /// One that takes() says yes to.
  void insert(timer_node& node) noexcept;
  /// Returns: whether that may have changed what is earliest.
  bool remove(timer_node& node) noexcept;

  /// never_ns: there is none. Earlier than all, if one that was has been removed.
  deadline_ns earliest() const noexcept {
    if (used_levels_ == 0) return never_ns;
    return slots_[first_slot()].earliest;
  }

  /// Takes out all that the next slot holds, and sets the wheel's time to its begin. False: it has
  /// not begun by `now`, or there is none.
  bool open_next(deadline_ns now, lanes& nodes) noexcept;
  /// The same, whenever it begins; the wheel's time stays.
  bool take_next(lanes& nodes) noexcept;
  /// `use` may put the node elsewhere.
  template <class Use>
  static void for_each(lanes& nodes, Use use) noexcept {
    for (timer_node* first : nodes) __builtin_prefetch(first, 1);
    for (bool more = true; more;) {
      more = false;
      for (timer_node*& next : nodes) {
        if (!next) continue;
        timer_node& node = *next;
        next = node.sibling_;
        if (next) __builtin_prefetch(next, 1);
        more = true;
        use(node);
      }
    }
  }

 private:
  static constexpr unsigned tick_bits = 17;  // 2^17 ns = 131 us
  static constexpr unsigned level_bits = 6;
  static constexpr std::size_t slots_per_level = std::size_t{1} << level_bits;
  static constexpr std::size_t levels = 8;
  static_assert(tick_bits + levels * level_bits >= 63, "every time has a slot");

  struct slot {
    lanes first{};
    deadline_ns earliest = never_ns;
  };

  static constexpr unsigned shift(std::size_t level) noexcept {
    return tick_bits + level_bits * static_cast<unsigned>(level);
  }
  std::size_t first_slot() const noexcept {
    const auto level = static_cast<std::size_t>(std::countr_zero(used_levels_));
    return level * slots_per_level + static_cast<std::size_t>(std::countr_zero(used_[level]));
  }
  void clear(std::size_t number) noexcept;

  deadline_ns time_ = 0;
  std::size_t next_lane_ = 0;
  std::uint32_t used_levels_ = 0;             // those with a slot that is not empty
  std::array<std::uint64_t, levels> used_{};  // the slots of each that are not empty
  std::array<slot, levels * slots_per_level> slots_;
};

}  // namespace weft::detail
