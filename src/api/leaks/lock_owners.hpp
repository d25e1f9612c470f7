// Who locked it: from the token in a lock to the goroutine on that stack.
//
// The one that made the token may have ended, and another be on its stack now. Both the finding
// "waits for a lock whose holder waits for it" and "... whose holder has ended" are findings of one
// that waits for ever, so nothing that follows from the owner is wrong; only its number may be that
// of the next on the same stack, which the words say.
// Threads: any.
// Tested by: tests/unit/sync/queued_test.cpp, tests/goker
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <weft/detail/sync/stack_token.hpp>

#include "sched/watch/census.hpp"

namespace weft::detail {

class lock_owners {
 public:
  static constexpr std::size_t nobody = static_cast<std::size_t>(-1);

  /// Of the census that it refers to. Throws: std::bad_alloc.
  explicit lock_owners(const std::vector<goroutine_view>& views);

  /// Its place in the census; nobody: a plain thread's stack, or no goroutine is on it.
  std::size_t find(stack_token token) const noexcept;

  /// Whether the token is of a stack of weft's on which no goroutine is: the one that locked has
  /// ended. False if that is not certain.
  bool is_abandoned(stack_token token) const noexcept;

 private:
  struct span {
    stack_token low;
    std::size_t pages;
    std::size_t index;
  };
  static bool holds(const span& s, stack_token token) noexcept;

  std::vector<span> spans_;
  std::vector<span> slabs_;
  bool knows_all_ = true;  // where every started goroutine has its stack
};

}  // namespace weft::detail
