// Every stack that no goroutine is on, by size.
//
// Threads: any. Locks: one spin lock per size, a leaf.
// Invariants: R1 a stack is in the pool, in one processor's cache, or under one goroutine.
//             R2 room to put a stack back is reserved when it is made, so release cannot fail.
// Tested by: tests/unit/fiber/stack_pool_test.cpp
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include <weft/detail/atomic.hpp>

#include "fiber/stack.hpp"
#include "port/sync/spin_lock.hpp"

namespace weft::detail {

/// Memory that is cut into stacks.
struct stack_slab {
  const std::byte* low = nullptr;
  std::size_t bytes = 0;
};

class stack_pool {
 public:
  /// Returns an empty stack when the kernel gives no more address space.
  stack acquire(stack_class size) noexcept;
  void release(stack s, stack_class size) noexcept;

  /// Stacks ever made, for tests and reports.
  std::size_t created() const noexcept;

  /// Adds every slab there is. Throws: std::bad_alloc.
  void list_slabs(std::vector<stack_slab>& to);

 private:
  /// Stacks kept with their memory; more than this go back to the kernel. Each may have touched all
  /// of it, so that fewer large ones are kept.
  static constexpr std::size_t warm_max(stack_class size) noexcept {
    constexpr std::size_t count_max = 1024;
    constexpr std::size_t bytes_max = std::size_t{256} << 20;
    return std::clamp<std::size_t>(bytes_max / stack_class_bytes(size), 1, count_max);
  }

  struct shelf {
    spin_lock lock;
    std::vector<stack> warm;   // were used lately: their top page is resident
    std::vector<stack> cold;   // own no memory
    std::vector<stack_slab> slabs;
    std::byte* slab = nullptr;  // the rest of the newest slab
    std::size_t left = 0;
    hint<std::size_t> created;
  };

  bool refill_locked(shelf& s, stack_class size) noexcept;
  stack carve_locked(shelf& s, stack_class size) noexcept;

  std::array<shelf, stack_class_count> shelves_;
};

}  // namespace weft::detail
