// The one io_uring of the process: file operations that the kernel does by itself.
//
// By raw system calls: of liburing, two functions would be used, and the library would not be
// without dependencies any more. Missing, forbidden (seccomp, sysctl) or without what is needed
// here (Linux 5.6): then there is none.
// Threads: any submits; one at a time collects.
// Invariants: R1 no more operations are under way than the completion queue has places: nothing
//                that the kernel tells is ever lost.
// Orders: ring: the kernel's head and tail, by the rules of io_uring(7).
//         by-kernel: who submits to who collects. The kernel orders them; C++ does not know that.
// Tested by: tests/conformance/io/file_test.cpp
#pragma once

#include <cstdint>

#include <weft/detail/atomic.hpp>

#include "port/file/file_calls.hpp"

namespace weft::detail {

/// A descriptor for epoll, readable while there is something to collect. -1: there is no io_uring.
/// Opens it at the first call.
int uring_descriptor() noexcept;

/// Hands an operation to the kernel; what it points to must stay until it is collected.
/// False: not taken, since there is no io_uring, or too much is under way.
[[nodiscard]] bool submit_to_uring(const file_operation& operation, void* tag) noexcept;

/// Whether the process may have threads of the kernel's by now.
extern constinit hint<bool> uring_in_use;

struct uring_completion {
  void* tag;
  long result;  // or minus an errno
};
/// False: nothing is done that was not collected yet.
[[nodiscard]] bool collect_from_uring(uring_completion& done) noexcept;

}  // namespace weft::detail
