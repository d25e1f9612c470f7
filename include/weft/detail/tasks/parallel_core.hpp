// Parallel loops' untyped half: who runs which part of a range, when to stop, what came of it.
//
// The typed half is called once for a chunk of indices, so that the loop over the elements is
// compiled, and vectorised, where the body is known.
// Tested by: tests/unit/api/parallel_test.cpp, tests/conformance/tasks
#pragma once

#include <cstddef>

#include <weft/detail/wait_bound.hpp>

namespace weft::detail {

/// What came of neighbouring indices. The typed half makes it and frees it.
struct parallel_part {
  parallel_part* next = nullptr;
  std::size_t first = 0;
  std::size_t last = 0;
};

struct parallel_loop {
  /// Runs the body for [first, last). `parts` are this participant's, newest first.
  void (*run)(void* body, std::size_t first, std::size_t last, parallel_part*& parts);
  void* body;
  std::size_t count;
  std::ptrdiff_t grain;             // indices in a chunk at least; not positive: as it likes
  parallel_part** parts = nullptr;  // where those of all are left, whatever happens
};

/// Runs the whole range, the caller with the others. Null: nobody cancels it.
/// Returns: false if it was cancelled before all indices were handed out.
/// Throws:  the first exception of a body, when all running ones have ended; std::bad_alloc.
bool parallel_run(const parallel_loop& loop, const cancel_state* cancel);

struct parallel_call {
  void (*run)(void* function);
  void* function;
};

/// Calls them all, each on a goroutine of its own if it comes to that. Returns when all have ended.
/// Throws: the exception of the first in order that threw one; what spawn throws.
void parallel_call_all(const parallel_call* calls, std::size_t count);

}  // namespace weft::detail
