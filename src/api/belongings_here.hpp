// Whose belongings are the caller's: the running goroutine's, or the plain thread's.
#pragma once

#include "fiber/own/belongings.hpp"
#include "sched/worker.hpp"

namespace weft::detail {

/// A goroutine's stay the same wherever it runs.
inline belongings& belongings_here() noexcept {
  if (worker* w = this_worker(); w && w->current) [[likely]]
    return w->current->own;
  return thread_belongings();
}

}  // namespace weft::detail
