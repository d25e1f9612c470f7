// A small number for every thread that asks: an index into what is kept for each thread.
//
// Threads: any. Invariants: R1 a number belongs to one living thread at a time, the lowest free one
//                              when it first asks.
// Tested by: tests/unit/sync/pool_test.cpp
#pragma once

namespace weft::detail {

inline constexpr int thread_slots_max = 256;

/// thread_slots_max: none was free, or the thread is ending.
int thread_slot() noexcept;

}  // namespace weft::detail
