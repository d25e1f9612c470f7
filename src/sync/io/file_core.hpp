// An open file: its calls, its position, its end.
//
// What needs no waiting (pages that are in memory) is done at once, on this thread; everything else
// by wait/file_wait.hpp, and nobody else is held up.
//
// Threads: any. Locks: one mutex for the position, held across a call that moves it.
// Invariants: R1 the last call that leaves a closed one gives the number back.
// Tested by: tests/conformance/io/file_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>

#include <weft/detail/atomic.hpp>
#include <weft/io/buffers.hpp>
#include <weft/sync/event.hpp>
#include <weft/sync/mutex.hpp>

#include "port/file/file_calls.hpp"
#include "sync/io/call_gate.hpp"

namespace weft::detail {

class file_core {
 public:
  explicit file_core(int fd) noexcept : fd_(fd) {}
  file_core(const file_core&) = delete;
  file_core& operator=(const file_core&) = delete;
  /// Closes it, and waits for the calls that have begun.
  ~file_core();

  /// Calls that have begun go on; the number is given back after the last of them.
  void close(std::error_code& ec) noexcept;
  bool is_open() const noexcept { return calls_.is_open(); }
  /// -1 when it is closed.
  int fd() const noexcept { return is_open() ? fd_ : -1; }

  /// One system call: what it has moved, 0 at the end of the file.
  std::size_t read(std::span<const raw_buffer> into, std::int64_t offset, std::error_code& ec);
  std::size_t write(std::span<const raw_buffer> from, std::int64_t offset, std::error_code& ec);
  void sync(file_verb verb, std::error_code& ec);
  std::uint64_t size(std::error_code& ec) noexcept;
  std::uint64_t position(std::error_code& ec);
  void set_position(std::uint64_t at, std::error_code& ec);
  /// Sees to it that these bytes are in memory, as far as there is room.
  void fetch(std::int64_t offset, std::size_t count);

  /// Runs `call(fd)`, which returns a result or minus an errno, while the number cannot become
  /// another's. Returns: the result, or -1 with `ec`.
  template <class Call>
  long perform(std::error_code& ec, Call&& call) {
    ec.clear();
    if (!calls_.enter(ec)) return -1;
    long result = call(fd_);
    if (result < 0) ec = {static_cast<int>(-result), std::system_category()};
    leave();
    return result < 0 ? -1 : result;
  }

 private:
  /// Returns: what closing has, if it was the last one's turn to do that; otherwise 0.
  long leave() noexcept;
  std::size_t transfer(file_operation& operation, hint<bool>& tries, std::error_code& ec);
  long transfer_once(const file_operation& operation, hint<bool>& tries) noexcept;

  const int fd_;
  call_gate calls_;
  hint<bool> tries_reading_{true};  // whether the file system knows what needs no waiting
  hint<bool> tries_writing_{true};
  hint<bool> lies_in_memory_{false};  // nothing needs waiting
  weft::mutex position_turn_;
  weft::event gone_;  // the number is the kernel's again
};

}  // namespace weft::detail
