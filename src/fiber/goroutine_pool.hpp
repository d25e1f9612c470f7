// Control blocks that are not in use, shared by all processors.
//
// Blocks are made in chunks and never given back: a dump can walk them all, and a million
// goroutines that were once alive are the price of the next million.
// Threads: any. Locks: one spin lock, a leaf.
// Tested by: tests/unit/fiber/goroutine_test.cpp
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/intrusive_list.hpp"
#include "fiber/goroutine.hpp"
#include "port/sync/spin_lock.hpp"

namespace weft::detail {

/// Blocks between uses, linked through `next`. Kept by one owner; counts itself.
class goroutine_cache {
 public:
  goroutine* pop() noexcept {
    waiter* top = top_;
    if (!top) return nullptr;
    top_ = top->next;
    --count_;
    return static_cast<goroutine*>(top);
  }
  void push(goroutine* g) noexcept {
    g->next = top_;
    top_ = g;
    ++count_;
  }
  bool empty() const noexcept { return top_ == nullptr; }
  std::size_t count() const noexcept { return count_; }

 private:
  waiter* top_ = nullptr;
  std::size_t count_ = 0;
};

class goroutine_pool {
 public:
  /// Fills an empty cache. Throws: std::bad_alloc.
  void refill(goroutine_cache& cache);
  /// Takes back half of a cache that has grown past `cached_max`.
  void drain(goroutine_cache& cache) noexcept;

  /// Adds every block there is, used or not. Throws: std::bad_alloc.
  void list_blocks(std::vector<goroutine*>& to);

  static constexpr std::size_t cached_max = 512;
  static constexpr std::size_t chunk_count = 64;

  /// The first block of chunk number `from`, `from` + 1 ...; chunk_count blocks follow each other.
  /// Returns: how many were written.
  std::size_t list_chunks(std::size_t from, std::span<goroutine*> firsts) noexcept;

 private:
  using chunk = std::unique_ptr<goroutine[]>;

  void push_locked(goroutine* g) noexcept { free_[free_count_++ % lane_count].push(g); }
  goroutine* pop_locked() noexcept { return free_[--free_count_ % lane_count].pop(); }

  /// Free blocks are cold, and only a block knows the next: several lists in turn, so that several
  /// misses are waited for at once.
  static constexpr std::size_t lane_count = 4;

  spin_lock lock_;
  std::array<goroutine_cache, lane_count> free_;
  std::size_t free_count_ = 0;
  std::vector<chunk> chunks_;
};

}  // namespace weft::detail
