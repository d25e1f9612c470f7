#pragma once

#include <cstddef>
#include <system_error>
#include <utility>

#include <weft/io/buffers.hpp>
#include <weft/net/socket.hpp>

namespace weft::io {

/// What both ends of a pipe have: an end, and deadlines, as sockets do (<weft/net/socket.hpp>).
class pipe_end : protected net::socket {
 public:
  pipe_end() noexcept = default;

  using socket::clear_deadline;
  using socket::close;
  using socket::is_open;
  using socket::native_handle;
  using socket::set_deadline;
  using socket::set_deadline_after;

 protected:
  explicit pipe_end(int fd) : socket(fd) {}
};

/// Reads from a pipe, a FIFO, a terminal, or whatever else epoll takes and read(2) reads.
///
/// Not from a regular file, which is always ready: std::errc::operation_not_permitted.
///
/// Blocks:  the goroutine (or the calling thread), until there is something to read, the deadline
///          passes, or the end is closed.
/// Threads: any; they take turns. close() from another one ends what waits (io_errc::closed).
/// Example:
/// ```
/// auto input = weft::io::pipe_reader::open_again(STDIN_FILENO);
/// std::size_t n = input.read_some(std::span(room), ec);
/// ```
class pipe_reader : public pipe_end {
 public:
  pipe_reader() noexcept = default;
  /// Takes over a descriptor, and makes it non-blocking: a child's output. Throws:
  /// std::system_error.
  explicit pipe_reader(int fd) : pipe_end(fd) {}
  /// For a descriptor that others use, too, as a program's input: theirs stays open and blocking.
  /// What cannot be opened a second time (a socket) becomes non-blocking for them as well.
  static pipe_reader open_again(int fd);
  static pipe_reader open_again(int fd, std::error_code& ec);

  /// Reads what there is, at least one byte unless the buffers are empty; 16 buffers at most.
  /// Returns: how many bytes. When nobody can write any more: 0 and io_errc::end_of_file.
  template <mutable_buffers B>
  std::size_t read_some(const B& into, std::error_code& ec) {
    return receive(detail::raw_buffers(into), ec);
  }
  template <mutable_buffers B>
  std::size_t read_some(const B& into) {
    return checked([&](std::error_code& ec) { return read_some(into, ec); });
  }

 private:
  std::size_t receive(const detail::raw_buffers& into, std::error_code& ec);
};

/// Writes to a pipe. When nobody reads any more: std::errc::broken_pipe, and never SIGPIPE.
///
/// Blocks:  as `pipe_reader`, until there is room.
/// Threads: any; they take turns. One `write` is never mixed with another of the same writer; of
///          other writers, also in other processes, only up to PIPE_BUF (4096) bytes stay together.
class pipe_writer : public pipe_end {
 public:
  pipe_writer() noexcept = default;
  /// Takes over a descriptor, and makes it non-blocking: a child's input.
  explicit pipe_writer(int fd) : pipe_end(fd) {}
  /// As `pipe_reader::open_again`: a program's output.
  static pipe_writer open_again(int fd);
  static pipe_writer open_again(int fd, std::error_code& ec);

  /// Writes what there is room for, at least one byte.
  template <const_buffers B>
  std::size_t write_some(const B& from, std::error_code& ec) {
    return send_part(detail::raw_buffers(from), ec);
  }
  template <const_buffers B>
  std::size_t write_some(const B& from) {
    return checked([&](std::error_code& ec) { return write_some(from, ec); });
  }
  /// Writes all of one buffer, unless it fails: then `ec` says why, and the answer how much was
  /// written before.
  template <detail::one_buffer B>
  std::size_t write(const B& from, std::error_code& ec) {
    return send_all(from.data(), from.size(), ec);
  }
  template <detail::one_buffer B>
  std::size_t write(const B& from) {
    return checked([&](std::error_code& ec) { return write(from, ec); });
  }

 private:
  std::size_t send_part(const detail::raw_buffers& from, std::error_code& ec);
  std::size_t send_all(const void* data, std::size_t size, std::error_code& ec);
};

struct pipe_ends {
  pipe_reader reader;
  pipe_writer writer;
};

/// A new pipe. Both ends are closed in children that exec.
/// Throws: std::system_error (too_many_files_open).
pipe_ends make_pipe();
pipe_ends make_pipe(std::error_code& ec);

}  // namespace weft::io
