// Which goroutines can nobody wake, because nobody can reach what they wait on?
//
// A conservative search. Everything that is not known to be out of reach is within it: all memory
// that the program can write, but the stacks and closures of parked goroutines and weft's own
// queues. A goroutine is *alive* if what it waits on, or its stack, or its closure, is pointed to
// from there; then what its stack and closure point to is within reach, too. Words that are left
// over from earlier only make more alive.
//
// Invariants: R1 the answer counts only if nobody but the caller ran from the first look until the
//                last: every goroutine parked, every thread asleep in weft or weft's own, and all
//                of them still so at the end, without a turn between.
//             R2 no address that is searched for is kept where the search looks: tables are mapped
//                by themselves, the caller's frames end where the search begins.
// Threads: any.
// Tested by: tests/goker/sound_test.cpp, tests/goker/goker_test.cpp
#pragma once

#include <cstdint>
#include <vector>

#include "api/leaks/lock_graph.hpp"
#include "sched/watch/census.hpp"

namespace weft::detail {

/// One word for each goroutine of the census: whether it is out of everybody's reach.
struct reach {
  bool known = false;  // false: it was not quiet, or the kernel does not show the memory
  std::vector<bool> lost;
};

/// `caller_low`: where the caller's live stack begins. `arrows`: whom it may follow over locks.
/// Throws: std::bad_alloc.
reach find_lost(const std::vector<goroutine_view>& views, const std::vector<lock_arrow>& arrows,
                std::uintptr_t caller_low);

}  // namespace weft::detail
