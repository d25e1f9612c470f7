// Small blocks of memory between two uses, linked through themselves: for objects that come and go
// on one thread at a rate at which the heap is most of their cost (16 ns for a pair).
//
// Threads: its owner.
// Tested by: tests/unit/base/block_cache_test.cpp
#pragma once

#include <cstddef>
#include <new>

namespace weft::detail {

class block_cache {
 public:
  static constexpr std::size_t block_bytes = 64;
  static constexpr std::size_t count_max = 64;

  block_cache() = default;
  block_cache(const block_cache&) = delete;
  block_cache& operator=(const block_cache&) = delete;
  ~block_cache() {
    while (void* block = take()) ::operator delete(block);
  }

  /// Null: there is none.
  void* take() noexcept {
    free_block* const first = first_;
    if (!first) return nullptr;
    first_ = first->next;
    --count_;
    return first;
  }
  /// A block from `operator new(block_bytes)`. False: there are enough.
  [[nodiscard]] bool give(void* block) noexcept {
    if (count_ == count_max) return false;
    first_ = ::new (block) free_block{first_};
    ++count_;
    return true;
  }
  std::size_t count() const noexcept { return count_; }

 private:
  struct free_block {
    free_block* next;
  };

  free_block* first_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace weft::detail
