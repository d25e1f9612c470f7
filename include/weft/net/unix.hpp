#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include <weft/cancellation.hpp>
#include <weft/io/descriptor.hpp>
#include <weft/net/datagram.hpp>
#include <weft/net/stream.hpp>
#include <weft/net/tcp.hpp>

namespace weft {

namespace detail {

/// The path that a socket was bound to: removed with it.
class bound_path;
struct bound_path_deleter {
  void operator()(bound_path* p) const noexcept;
};
using bound_path_ptr = std::unique_ptr<bound_path, bound_path_deleter>;

}  // namespace detail

namespace net {

/// What `receive_descriptors` has got.
struct descriptor_message {
  /// How many bytes are in the buffers.
  std::size_t size = 0;
  /// How long the message was: more, if it was a datagram and did not fit.
  std::size_t full_size = 0;
  /// Closed on exec. They share their position and flags (O_NONBLOCK, too) with the sender's.
  std::vector<io::owned_descriptor> descriptors;
  /// Some were lost: this process may not have more of them (RLIMIT_NOFILE).
  bool lost = false;

  bool truncated() const noexcept { return full_size > size; }
};

/// A connection between processes of one machine: a stream that can pass descriptors on.
class unix_stream : public stream {
 public:
  using stream::stream;

  /// Writes all of a buffer, which must not be empty, and sends copies of descriptors with its
  /// first byte: 253 at most. The sender's stay open.
  /// Returns: how many bytes were written. Throws: as `write` (invalid_argument, bad descriptors).
  template <detail::one_buffer B>
  std::size_t send_descriptors(std::span<const int> descriptors, const B& data,
                               std::error_code& ec) {
    return pass(descriptors, data.data(), data.size(), ec);
  }
  template <detail::one_buffer B>
  std::size_t send_descriptors(std::span<const int> descriptors, const B& data) {
    return checked([&](std::error_code& ec) { return send_descriptors(descriptors, data, ec); });
  }

  /// As `read_some`, which would close the descriptors that come. It never reads beyond the bytes
  /// that were sent with them.
  /// Throws: std::bad_alloc; then they are closed.
  template <mutable_buffers B>
  descriptor_message receive_descriptors(const B& into, std::error_code& ec) {
    return take(detail::raw_buffers(into), ec);
  }
  template <mutable_buffers B>
  descriptor_message receive_descriptors(const B& into) {
    return checked([&](std::error_code& ec) { return receive_descriptors(into, ec); });
  }

  /// Who was at the other end when the connection was made, as the kernel knows it.
  struct identity {
    int process_id = 0;
    std::uint32_t user_id = 0;
    std::uint32_t group_id = 0;
  };
  identity peer() const;
  identity peer(std::error_code& ec) const noexcept;

 private:
  std::size_t pass(std::span<const int> descriptors, const void* data, std::size_t size,
                   std::error_code& ec);
  descriptor_message take(const detail::raw_buffers& into, std::error_code& ec);
};

/// Connects to a path, or to an abstract name ("@name").
/// Blocks:  the goroutine, while the listener has as many waiting as it allows, until the time is
///          over.
/// Throws:  std::system_error (no_such_file_or_directory, connection_refused, timed_out, ...).
unix_stream connect_unix(const address& to, const connect_options& options = {});
unix_stream connect_unix(const address& to, const connect_options& options, std::error_code& ec);
/// Ends when it is cancelled, with std::errc::operation_canceled.
unix_stream connect_unix(const cancellation& cancel, const address& to,
                         const connect_options& options = {});
unix_stream connect_unix(const cancellation& cancel, const address& to,
                         const connect_options& options, std::error_code& ec);

/// Two streams that are connected to each other (socketpair).
std::pair<unix_stream, unix_stream> stream_pair();
std::pair<unix_stream, unix_stream> stream_pair(std::error_code& ec);

struct unix_bind_options {
  /// When the socket is closed its path is removed, as Go does; if it is still that socket's.
  bool remove_on_close = true;
  /// Of a listener: how many connections wait to be accepted; 0: as many as the system allows.
  int backlog = 0;
};

/// Takes connections at a path. What is there already, even if nobody listens any more, makes it
/// fail (address_in_use): remove it before, if it is yours.
class unix_listener : public socket {
 public:
  unix_listener() noexcept = default;
  /// Throws: std::system_error (address_in_use, no_such_file_or_directory, ...).
  explicit unix_listener(const address& at, const unix_bind_options& options = {});
  /// With `ec`: it is not open.
  unix_listener(const address& at, const unix_bind_options& options, std::error_code& ec);
  /// Takes over a socket that listens. Its path stays.
  explicit unix_listener(int fd) : socket(fd) {}

  /// As tcp_listener::accept().
  unix_stream accept();
  unix_stream accept(std::error_code& ec);

  void close();
  void close(std::error_code& ec) noexcept;

 private:
  detail::bound_path_ptr path_;
};

/// Messages between processes of one machine: none is lost, and they keep their order. A sender
/// waits while the receiver has as many as the system keeps for it (net.unix.max_dgram_qlen).
class unix_datagram : public datagram_socket {
 public:
  unix_datagram() noexcept = default;
  /// Gets what is sent to a path or an abstract name. An address of nothing (`{}`): a name that the
  /// system makes up, so that it can be answered.
  explicit unix_datagram(const address& at, const unix_bind_options& options = {});
  /// With `ec`: it is not open.
  unix_datagram(const address& at, const unix_bind_options& options, std::error_code& ec);
  /// Takes over a descriptor. Its path stays.
  explicit unix_datagram(int fd) : datagram_socket(fd) {}

  /// As of `unix_stream`, with one message, which may be empty, to the peer of a connected socket.
  template <detail::one_buffer B>
  std::size_t send_descriptors(std::span<const int> descriptors, const B& data,
                               std::error_code& ec) {
    return pass(descriptors, detail::raw_buffers(data), ec);
  }
  template <detail::one_buffer B>
  std::size_t send_descriptors(std::span<const int> descriptors, const B& data) {
    return checked([&](std::error_code& ec) { return send_descriptors(descriptors, data, ec); });
  }
  template <detail::one_buffer B>
    requires mutable_buffers<B>
  descriptor_message receive_descriptors(const B& into, std::error_code& ec) {
    return take(detail::raw_buffers(into), ec);
  }
  template <detail::one_buffer B>
    requires mutable_buffers<B>
  descriptor_message receive_descriptors(const B& into) {
    return checked([&](std::error_code& ec) { return receive_descriptors(into, ec); });
  }

  void close();
  void close(std::error_code& ec) noexcept;

 private:
  std::size_t pass(std::span<const int> descriptors, const detail::raw_buffers& data,
                   std::error_code& ec);
  descriptor_message take(const detail::raw_buffers& into, std::error_code& ec);

  detail::bound_path_ptr path_;
};

/// Two datagram sockets that are connected to each other (socketpair).
std::pair<unix_datagram, unix_datagram> datagram_pair();
std::pair<unix_datagram, unix_datagram> datagram_pair(std::error_code& ec);

}  // namespace net
}  // namespace weft
