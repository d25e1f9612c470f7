// The frames of goroutines and of the caller, as text.
#pragma once

#include <string>

#include "sched/watch/census.hpp"
#include "sched/watch/parked_threads.hpp"

namespace weft::detail {

/// Of a goroutine that stands still; "" if it has moved meanwhile. Throws: std::bad_alloc.
std::string frames_of(const goroutine_view& view);
/// Of a plain thread that is parked.
std::string frames_of(const parked_thread_view& view);
/// Of the calling goroutine or thread.
std::string frames_here();
/// One line for the call that returns to this address.
std::string frame_of_address(const void* address);

}  // namespace weft::detail
