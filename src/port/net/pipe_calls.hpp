// Pipes, one function for each system call. Like the calls these return -1 and set errno; none
// waits if the descriptor is non-blocking.
//
// A write to a pipe that nobody reads raises SIGPIPE, and there is no MSG_NOSIGNAL for pipes. From
// Linux 6.18 on there is RWF_NOSIGNAL; before it the signal, which goes to the thread that writes,
// is blocked around the call and taken off again. Ignoring SIGPIPE in the whole process would be
// simpler, but children inherit that, and it is the program's to decide.
//
// Threads: any. Tested by: tests/conformance/net/pipe_test.cpp, tests/unit/port/pipe_calls_test.cpp
#pragma once

#include <cstddef>
#include <span>

#include <weft/io/buffers.hpp>

namespace weft::detail {

/// Non-blocking, closed on exec: {read, write}.
int make_pipe_call(int (&ends)[2]) noexcept;

long read_call(int fd, std::span<const raw_buffer> into) noexcept;
/// Raises no SIGPIPE.
long write_quietly_call(int fd, std::span<const raw_buffer> from) noexcept;
/// The way without RWF_NOSIGNAL.
long write_masked_call(int fd, std::span<const raw_buffer> from) noexcept;

/// Moves up to `count` bytes inside the kernel; one of the two is a pipe. 0: the end of `from`.
/// EAGAIN: `from` has nothing, or `to` no room. EINVAL: one of them is not made for it.
long splice_call(int from, int to, std::size_t count) noexcept;
/// The same; raises no SIGPIPE.
long splice_quietly_call(int from, int to, std::size_t count) noexcept;
/// A pipe has room for at least so much, if the system grants it.
void widen_pipe_call(int fd, int bytes) noexcept;

enum class pipe_way : bool { read, write };
/// The same pipe or terminal, opened once more: non-blocking, and those who have the other one do
/// not notice. What cannot be opened again (a socket) is duplicated, and becomes non-blocking for
/// everybody.
int open_again_call(int fd, pipe_way way) noexcept;

}  // namespace weft::detail
