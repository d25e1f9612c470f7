// What the search for lost goroutines looks for, and where.
#pragma once

#include <cstddef>
#include <cstdint>

#include "port/trace/process_memory.hpp"

namespace weft::detail {

/// A goroutine in the search.
struct reach_node {
  static constexpr std::uint32_t nobody = UINT32_MAX;

  address_span stack;  // the live part
  address_span closure;
  std::uint32_t owner = nobody;  // alive with that one: it holds the lock, or the object is on its
                                 // stack
  bool alive = false;
};

/// Finding it makes a goroutine alive.
struct reach_target {
  address_span where;
  std::uint32_t node = 0;
};

/// Targets by address. They may overlap.
class reach_targets {
 public:
  /// Throws: std::bad_alloc.
  void add(address_span where, std::uint32_t node) {
    if (where.low < where.high) all_.push_back({where, node});
  }
  void sort() noexcept;
  /// Calls `found(node)` for each target that `word` points into.
  template <class Found>
  void look_up(std::uintptr_t word, Found&& found) const {
    if (word - lowest_ >= highest_ - lowest_) return;
    for (const reach_target* t = first_after(word); t != all_.begin();) {
      --t;
      if (word - t->where.low >= longest_) return;
      if (word < t->where.high) found(t->node);
    }
  }
  const mapped_room& room() const noexcept { return all_.room(); }

 private:
  const reach_target* first_after(std::uintptr_t word) const noexcept;

  mapped_table<reach_target> all_;
  std::uintptr_t lowest_ = 0;
  std::uintptr_t highest_ = 0;
  std::uintptr_t longest_ = 0;
};

/// Spans of addresses that do not count, in order and without overlaps once it is sorted.
class ignored_spans {
 public:
  /// Throws: std::bad_alloc.
  void add(address_span where) {
    if (where.low < where.high) all_.push_back(where);
  }
  void add(const mapped_room& room) {
    // Safety: only the addresses are kept.
    const auto low = reinterpret_cast<std::uintptr_t>(room.low());
    add({low, low + room.bytes()});
  }
  /// Room for more to come, so that it does not move. Throws: std::bad_alloc.
  void reserve_more(std::size_t count) { all_.reserve(all_.size() + count); }
  void sort() noexcept;
  /// Calls `each(part)` for the parts of `whole` that count.
  template <class Each>
  void subtract_from(address_span whole, Each&& each) const {
    std::uintptr_t at = whole.low;
    for (const address_span* i = first_ending_after(whole.low);
         i != all_.end() && i->low < whole.high; ++i) {
      if (i->low > at) each(address_span{at, i->low});
      if (i->high > at) at = i->high;
    }
    if (at < whole.high) each(address_span{at, whole.high});
  }
  const mapped_room& room() const noexcept { return all_.room(); }

 private:
  const address_span* first_ending_after(std::uintptr_t address) const noexcept;

  mapped_table<address_span> all_;
};

}  // namespace weft::detail
