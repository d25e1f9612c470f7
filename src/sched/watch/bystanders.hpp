// Threads that weft does not know to be asleep.
//
// Threads: any.
// Tested by: tests/goker/sound_test.cpp, tests/death/deadlock
#pragma once

#include <cstdint>

namespace weft::detail {

/// Threads that are neither the program's nor workers.
int service_threads() noexcept;

/// How many threads of the program, but the caller's, may be doing something now: those that are
/// not parked in weft. -1: the kernel does not say. `changes` grows whenever one begins or ends to
/// park. A worker that has no goroutine does nothing of the program's; one that has is not counted
/// here either: its goroutine runs.
/// `of_weft`: the caller is a service thread.
int count_bystanders(bool of_weft, std::uint64_t& changes);

}  // namespace weft::detail
