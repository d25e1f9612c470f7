#pragma once

#include <cstddef>
#include <system_error>

#include <weft/io/buffers.hpp>
#include <weft/net/socket.hpp>

namespace weft::net {

/// A connection: bytes in order, both ways. TCP and Unix streams are this, and pipes nearly.
///
/// `read_some` and `write_some` are Asio's SyncReadStream and SyncWriteStream, but with
/// std::error_code; for Boost's own codes, Beast and Asio's TLS see <weft/net/asio.hpp>.
///
/// Blocks:  the goroutine (or the calling thread), until something was moved, the deadline passes,
///          or the stream is closed. Nobody else is held up.
/// Threads: any; reads take turns, and so do writes. One `write` is never mixed with another.
/// Example: examples/net/echo.cpp
class stream : public socket {
 public:
  using socket::socket;

  /// Reads what there is, at least one byte unless the buffers are empty. 16 buffers at most are
  /// used in one call. Returns: how many bytes. End of the stream: 0 and io_errc::end_of_file.
  template <mutable_buffers B>
  std::size_t read_some(const B& into, std::error_code& ec) {
    return receive(detail::raw_buffers(into), ec);
  }
  template <mutable_buffers B>
  std::size_t read_some(const B& into) {
    return checked([&](std::error_code& ec) { return read_some(into, ec); });
  }

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

  /// Sends no more: the other side reads an end of file. Reading goes on.
  void close_write();
  void close_write(std::error_code& ec) noexcept;
  /// Reads no more.
  void close_read();
  void close_read(std::error_code& ec) noexcept;

  address remote_address() const;
  address remote_address(std::error_code& ec) const noexcept { return remote(ec); }

 private:
  std::size_t receive(const detail::raw_buffers& into, std::error_code& ec);
  std::size_t send_part(const detail::raw_buffers& from, std::error_code& ec);
  std::size_t send_all(const void* data, std::size_t size, std::error_code& ec);
};

}  // namespace weft::net
