// Does a goroutine stand in a lock's queue, and where was the lock locked? Asked from outside.
//
// Threads: any. Locks: the room of the lock's address.
// Tested by: tests/unit/sync/queued_test.cpp
#pragma once

#include <weft/detail/sync/stack_token.hpp>

#include "sched/watch/census.hpp"

namespace weft::detail {

struct queued_at_lock {
  bool queued = false;     // behind a holder that is known by its stack; nobody has woken it
  bool first = false;      // and the first of those who wait, with nobody on the way to the lock
  stack_token holder = 0;  // where it is locked; 0: free, or by readers
};

/// Whether it is a token of that goroutine's stack. It, or one before it on that stack, made it.
bool was_made_on(stack_token token, const goroutine_view& view) noexcept;

/// Whether `view` is of one that waits for a mutex or a shared_mutex.
bool waits_for_lock(const goroutine_view& view) noexcept;

/// True only of a goroutine that has not had a turn since it was seen: then the lock is alive, and
/// what is said of it was true at one instant during the call.
queued_at_lock look_at_queue(const goroutine_view& view) noexcept;

}  // namespace weft::detail
