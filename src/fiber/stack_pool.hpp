// Every stack that no goroutine is on: a shelf for each size.
//
// Threads: any; trim() by one at a time, the monitor.
// Tested by: tests/unit/fiber/stack_pool_test.cpp
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "fiber/stack_shelf.hpp"

namespace weft::detail {

class stack_pool {
 public:
  stack_pool() noexcept;

  /// Returns an empty stack when the kernel gives no more address space.
  stack acquire(stack_class size) noexcept;
  void release(stack s, stack_class size) noexcept { release_some({&s, 1}, size); }

  /// Returns: how many were written to `to`, the warmest last; none when the kernel gives no more
  /// address space.
  std::size_t acquire_some(std::span<stack> to, stack_class size) noexcept {
    return shelves_[size].take(to);
  }
  void release_some(std::span<const stack> some, stack_class size) noexcept {
    shelves_[size].put(some);
  }

  /// Gives memory back that has not been used for a while: a little of it. Returns: when to be
  /// called again; never_ns: not before a stack has been released.
  deadline_ns trim(deadline_ns now) noexcept;

  /// Stacks ever made, for tests and reports.
  std::size_t created() const noexcept;
  /// How often a stack's memory has been given back.
  std::size_t given_back() const noexcept;

  /// Adds every slab there is. Throws: std::bad_alloc.
  void list_slabs(std::vector<stack_slab>& to);

 private:
  std::array<stack_shelf, stack_class_count> shelves_;
};

}  // namespace weft::detail
