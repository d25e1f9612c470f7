// Who waits for whom, over locks: one arrow from each goroutine that waits for a lock.
//
// Invariants: R1 an arrow was true at one instant, after the census was taken.
//             R2 if no goroutine of a ring has had a turn from the census until all arrows were
//                looked at, they were true together: only its owner erases a token.
//             R3 if the first in a queue has stood there, without a turn, from one look until
//                another, nobody has unlocked the lock between them.
// Threads: any.
// Tested by: tests/goker/sound_test.cpp, tests/goker/goker_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <weft/detail/sync/stack_token.hpp>

#include "api/leaks/lock_owners.hpp"
#include "sched/watch/census.hpp"

namespace weft::detail {

enum class lock_fate : std::uint8_t {
  none,       // it waits for no lock, or for one whose holder is not known
  waits,      // for a goroutine that may go on
  in_ring,    // for ever: its holder waits for it
  behind,     // for ever: its holder is in a ring, or waits for an abandoned lock, or is behind
  abandoned,  // for ever: its holder has ended
};

/// True of one that can never be woken if lockers unlock.
inline bool is_for_ever(lock_fate fate) noexcept { return fate > lock_fate::waits; }

struct lock_arrow {
  lock_fate fate = lock_fate::none;
  std::size_t holder = lock_owners::nobody;  // its place in the census
};

/// One for each goroutine of the census. Throws: std::bad_alloc.
std::vector<lock_arrow> follow_locks(const std::vector<goroutine_view>& views);

}  // namespace weft::detail
