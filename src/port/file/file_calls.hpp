// System calls on files. They return what the call does, or minus its errno.
//
// None of them is ever inlined: who waits between two of them may be on another thread afterwards,
// and no compiler shall remember where errno was.
// Threads: any.
// Tested by: tests/conformance/io/file_test.cpp
#pragma once

#include <cstdint>
#include <span>

#include <weft/io/buffers.hpp>
#include <weft/io/open_mode.hpp>

namespace weft::detail {

enum class file_verb : std::uint8_t { read, write, sync, sync_data, open };

/// What may take long: the disk is asked, or a server, or whoever has the other end.
struct file_operation {
  static constexpr std::int64_t at_position = -1;

  file_verb verb;
  int fd = -1;
  std::span<const raw_buffer> buffers{};
  std::int64_t offset = at_position;  // the file's own position, which then moves
  const char* path = nullptr;
  io::open_mode mode = io::open_mode::read;
};

/// The bits of open(2), and the permissions of what it makes.
int open_flags_of(io::open_mode mode) noexcept;
unsigned permissions_of(io::open_mode mode) noexcept;

/// Blocks the thread.
long run_file_operation(const file_operation& operation) noexcept;
/// Reads or writes what needs no waiting. -EAGAIN: that is nothing. -EOPNOTSUPP: nobody knows.
long try_file_operation(const file_operation& operation) noexcept;

/// Whether there is no disk behind it (tmpfs): nothing that is read or written there waits.
bool lies_in_memory_call(int fd) noexcept;

long file_size_call(int fd) noexcept;
long file_position_call(int fd) noexcept;
long set_file_position_call(int fd, std::int64_t offset) noexcept;
long close_file_call(int fd) noexcept;
/// 1: a descriptor. Otherwise -EBADF.
long check_descriptor_call(int fd) noexcept;

/// At most `count` bytes, as many as the socket has room for; no signal if it is broken.
long send_file_call(int socket, int file, std::int64_t offset, std::size_t count) noexcept;
/// Whether the pages at the beginning and the end are in memory. False: or nobody knows.
bool is_in_memory(int file, std::int64_t offset, std::size_t count) noexcept;
/// Asks for them, and does not wait.
void will_need_call(int file, std::int64_t offset, std::size_t count) noexcept;
/// Sets errno if `result` is minus one. Returns: the result, or -1.
long to_errno(long result) noexcept;

}  // namespace weft::detail
