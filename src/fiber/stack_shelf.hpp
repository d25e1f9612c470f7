// All stacks of one size that nobody is on, and the slabs they were cut from.
//
// A stack that comes back stays warm: it keeps its memory, and is the first to be taken. What lay
// at the bottom for a whole period was not needed in it: half of that is given back in the next,
// in batches, by whoever calls trim(). So a crowd that ends costs a push each, one that comes and
// goes finds most of its memory again, and an idle program ends up with none.
// Rejected: madvise(2) for each stack beyond a limit, where its goroutine ends: 1.2 us, with two
// processors 4, since each call interrupts the other.
//
// Threads: any; trim() by one at a time. Locks: one spin lock, a leaf; no system call under it.
// Invariants: R1 a stack is on its shelf, in one processor's cache, or under one goroutine.
//             R2 room to put a stack back is made before it is cut, so that put() cannot fail.
//             R3 the `lowest_` oldest warm stacks have lain there since the period began.
// Tested by: tests/unit/fiber/stack_pool_test.cpp
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include <weft/detail/atomic.hpp>
#include <weft/detail/deadline.hpp>

#include "fiber/stack.hpp"
#include "port/sync/spin_lock.hpp"

namespace weft::detail {

/// Memory that is cut into stacks.
struct stack_slab {
  const std::byte* low = nullptr;
  std::size_t bytes = 0;
};

/// Stacks in the order in which they came; taken from either end.
class stack_ring {
 public:
  stack_ring() noexcept = default;
  /// A power of two. The memory is not touched before it is used. Throws: std::bad_alloc.
  explicit stack_ring(std::size_t capacity)
      : places_(static_cast<stack*>(::operator new(capacity * sizeof(stack)))),
        capacity_(capacity) {}

  std::size_t count() const noexcept { return count_; }
  std::size_t capacity() const noexcept { return capacity_; }
  void push_newest(std::span<const stack> some) noexcept;
  /// The newest comes last.
  void pop_newest(std::span<stack> to) noexcept;
  void pop_oldest(std::span<stack> to) noexcept;
  /// Changes places with an empty one that is larger.
  void grow_into(stack_ring& larger) noexcept;

 private:
  struct memory {
    void operator()(stack* places) const noexcept { ::operator delete(places); }
  };
  stack& place(std::size_t number) noexcept { return places_[(first_ + number) & (capacity_ - 1)]; }

  // Safety: a stack is trivial to copy, so that the raw memory holds some as soon as they are used.
  std::unique_ptr<stack[], memory> places_;
  std::size_t capacity_ = 0;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

class stack_shelf {
 public:
  /// Before the first use.
  void set_size(stack_class size) noexcept { size_ = size; }

  /// Returns: how many were written to `to`, the warmest last; none when the kernel gives no more
  /// address space.
  std::size_t take(std::span<stack> to) noexcept;
  void put(std::span<const stack> freed) noexcept;

  static constexpr deadline_ns trim_period_ns = 1'000'000'000;
  static constexpr deadline_ns trim_pause_ns = 5'000'000;
  static constexpr std::size_t trim_batch_max = 1024;
  /// Gives at most one batch back. Returns: when to be called again; never_ns: not before a stack
  /// has been put back.
  deadline_ns trim(deadline_ns now, std::span<stack> batch) noexcept;

  std::size_t created() const noexcept { return created_.read(); }
  std::size_t given_back() const noexcept { return given_back_.read(); }
  /// Adds its slabs. Throws: std::bad_alloc.
  void list_slabs(std::vector<stack_slab>& to);

 private:
  static constexpr std::size_t never_less = 4096;  // of the surplus, in a period

  std::size_t warm_max() const noexcept;
  std::size_t slab_count_min() const noexcept;  // of stacks
  std::size_t take_kept_locked(std::span<stack> to) noexcept;
  std::size_t cut_locked(std::span<stack> to) noexcept;
  void finish_cut(std::span<stack> fresh) const noexcept;
  bool add_slab() noexcept;
  std::size_t promise_room() noexcept;
  void discard(std::span<stack> some) noexcept;
  std::size_t take_surplus(deadline_ns now, std::span<stack> batch) noexcept;

  stack_class size_ = 0;
  spin_lock lock_;
  stack_ring warm_;          // own memory
  std::vector<stack> cold_;  // own none
  std::size_t lowest_ = 0;   // count of the warm ones since the period began
  std::vector<stack_slab> slabs_;
  std::size_t open_ = 0;       // the first slab that is not cut up
  std::size_t cut_bytes_ = 0;  // of it
  std::size_t promised_ = 0;   // stacks for which there is room
  hint<std::size_t> created_;
  hint<std::size_t> given_back_;
  hint<std::size_t> warm_count_;

  // The trimming thread's own.
  deadline_ns period_end_ = 0;
  deadline_ns next_batch_ = 0;
  std::size_t surplus_ = 0;
};

}  // namespace weft::detail
