// Reading memory that its owner may be changing, or giving back to the system.
//
// Threads: any. What is read may be torn; the caller finds out whether it holds.
// Tested by: tests/unit/port/safe_copy_test.cpp
#pragma once

#include <cstddef>

// For a function that reads plain fields of another goroutine, and checks afterwards.
#if defined(__clang__)
#define WEFT_READS_RACILY __attribute__((no_sanitize("thread", "address"), noinline))
#else
#define WEFT_READS_RACILY __attribute__((no_sanitize_thread, no_sanitize_address, noinline))
#endif

namespace weft::detail {

/// The kernel copies, so that no fault is possible. False: not all of it is mapped; the contents of
/// `to` are then unspecified. About 0.3 us and what the copying takes.
[[nodiscard]] bool copy_memory(void* to, const void* from, std::size_t bytes) noexcept;

/// A string of less than `room` bytes, cut if it is longer. False: it could not be read.
[[nodiscard]] bool copy_string(char* to, std::size_t room, const char* from) noexcept;

}  // namespace weft::detail
