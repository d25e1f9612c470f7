// Packing: a goroutine that has been parked for long keeps the live bytes of its stack's last page,
// and not the page.
//
// A service thread looks at all control blocks from time to time, in small slices. Whom it packs is
// not taken out of any queue and wakes like everybody: the mark in the control block sends whoever
// gives the goroutine its next turn to bring_stack_back() first. Others that touch the page (the
// one that wakes it, by the node in a queue; a wait group that lives there) do so in a handler.
// Not packed: waits with a deadline, and sleeps, since the links of their timers lie on the stack
// and others in the heap touch them; files, where the kernel writes; stacks whose last page is
// nearly full; those that somebody has touched at the last two looks.
// Threads: any, not on a worker. Locks: one for a pass, one for the setting; packed_pages' lock.
// Orders: census: a turn begins, then its mark is read; marks, heavy_barrier(), then run_states.
// Tested by: tests/unit/sched/packer_test.cpp, tests/stress/library/pack_test.cpp
#pragma once

#include <cstddef>

#include <weft/detail/deadline.hpp>

#include "fiber/goroutine.hpp"
#include "port/trace/process_memory.hpp"

namespace weft::detail {

struct pack_policy {
  deadline_ns age = 0;     // parked for at least so long
  bool all_waits = false;  // those with a deadline too; for tests
  bool gently = false;     // with pauses, and only while packing is switched on
};

struct pack_pass {
  std::size_t packed = 0;
  std::size_t too_young = 0;
  bool refused = false;  // by the system, and it will refuse again
};

/// Looks at every goroutine once. One pass at a time; prepare_packing() must have returned null.
pack_pass pack_parked(const pack_policy& policy) noexcept;

/// Null: packing is possible; else why not.
const char* prepare_packing() noexcept;

/// From now on; 0: no more, and all stacks are brought back. Null, or why it is not possible.
const char* set_packing(deadline_ns after) noexcept;

/// If WEFT_PACK_AFTER says so. Once, at the start.
void start_packing_from_environment() noexcept;

/// The stack of the thread that packs, where addresses of others' stacks lie about.
address_span packer_stack() noexcept;

/// The goroutine's turn has begun and its mark is set: afterwards its stack is there.
[[gnu::cold]] void bring_stack_back(goroutine& g) noexcept;

}  // namespace weft::detail
