// Slots are numbered through all levels, and lanes through all slots; a node knows its lane.
#include "engine/timer_wheel.hpp"

#include <algorithm>
#include <utility>

namespace weft::detail {

void timer_wheel::insert(timer_node& node) noexcept {
  const auto differing = static_cast<std::uint64_t>(node.when_ ^ time_) >> tick_bits;
  const std::size_t level = (static_cast<std::size_t>(std::bit_width(differing)) - 1) / level_bits;
  const std::size_t place = static_cast<std::size_t>(node.when_ >> shift(level)) % slots_per_level;
  const std::size_t number = level * slots_per_level + place;
  slot& to = slots_[number];
  const std::size_t lane = next_lane_++ % lane_count;
  timer_node*& first = to.first[lane];
  node.slot_ = static_cast<std::uint16_t>(number * lane_count + lane + 1);
  node.previous_ = nullptr;
  node.sibling_ = first;
  if (first) first->previous_ = &node;
  first = &node;
  to.earliest = std::min(to.earliest, node.when_);
  used_[level] |= std::uint64_t{1} << place;
  used_levels_ |= 1U << level;
}

bool timer_wheel::remove(timer_node& node) noexcept {
  const std::size_t number = (node.slot_ - 1U) / lane_count;
  slot& from = slots_[number];
  if (node.sibling_) node.sibling_->previous_ = node.previous_;
  if (node.previous_) {
    node.previous_->sibling_ = node.sibling_;
    return false;
  }
  from.first[(node.slot_ - 1U) % lane_count] = node.sibling_;
  if (node.sibling_) return false;
  for (const timer_node* first : from.first)
    if (first) return false;
  clear(number);
  return true;
}

void timer_wheel::clear(std::size_t number) noexcept {
  const std::size_t level = number / slots_per_level;
  slots_[number].earliest = never_ns;
  used_[level] &= ~(std::uint64_t{1} << number % slots_per_level);
  if (used_[level] == 0) used_levels_ &= ~(1U << level);
}

/// The time never goes past a slot that is not empty (R2).
bool timer_wheel::open_next(deadline_ns now, lanes& nodes) noexcept {
  if (used_levels_ != 0) {
    const std::size_t number = first_slot();
    const unsigned bits = shift(number / slots_per_level);
    const deadline_ns begin = slots_[number].earliest >> bits << bits;
    if (begin <= now) {
      time_ = begin;
      return take_next(nodes);
    }
  }
  time_ = std::max(time_, now >> tick_bits << tick_bits);
  return false;
}

bool timer_wheel::take_next(lanes& nodes) noexcept {
  if (used_levels_ == 0) return false;
  const std::size_t number = first_slot();
  nodes = std::exchange(slots_[number].first, {});
  clear(number);
  return true;
}

}  // namespace weft::detail
