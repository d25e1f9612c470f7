#pragma once

#include <chrono>
#include <system_error>

#include <weft/cancellation.hpp>
#include <weft/net/stream.hpp>

namespace weft::net {

/// A TCP connection. It sends at once (TCP_NODELAY) and asks after an idle peer every 15 s
/// (SO_KEEPALIVE), as Go's does.
class tcp_stream : public stream {
 public:
  using stream::stream;

  void set_no_delay(bool on);
  void set_no_delay(bool on, std::error_code& ec) noexcept;
  /// 0 s: off.
  void set_keep_alive(std::chrono::seconds every);
  void set_keep_alive(std::chrono::seconds every, std::error_code& ec) noexcept;
  /// What `close()` does with what was not sent: {0}: dropped, the peer sees a reset.
  void set_linger(std::chrono::seconds how_long);
  void set_linger(std::chrono::seconds how_long, std::error_code& ec) noexcept;
};

/// How a connection is made.
struct connect_options {
  /// For everything together, names included.
  std::chrono::nanoseconds timeout = std::chrono::nanoseconds::max();
  /// Where it comes from; none: the system chooses.
  address from = {};
  /// TCP Fast Open: to a peer that took it before, the first write goes with the first packet, and
  /// what makes the connection fail is told by that write.
  bool fast_open = false;
};

/// Connects to one address.
/// Blocks:  the goroutine, until the connection stands, is refused, or the time is over.
/// Throws:  std::system_error (connection_refused, timed_out, ...).
tcp_stream connect_tcp(const address& to, const connect_options& options = {});
tcp_stream connect_tcp(const address& to, const connect_options& options, std::error_code& ec);
/// Ends when it is cancelled, with std::errc::operation_canceled.
tcp_stream connect_tcp(const cancellation& cancel, const address& to,
                       const connect_options& options = {});
tcp_stream connect_tcp(const cancellation& cancel, const address& to,
                       const connect_options& options, std::error_code& ec);

struct listen_options {
  /// Several listeners may have the same address; the system shares connections out (SO_REUSEPORT).
  bool reuse_port = false;
  /// An IPv6 listener takes no IPv4 connections.
  bool ipv6_only = false;
  /// How many connections wait to be accepted; 0: as many as the system allows.
  int backlog = 0;
  /// TCP Fast Open: how many connections may bring bytes before they stand. 0: none; the system may
  /// forbid it to all servers (net.ipv4.tcp_fastopen).
  int fast_open = 0;
};

/// Takes connections.
///
/// Example:
/// ```
/// weft::net::tcp_listener listener(weft::net::address::loopback(8080));
/// for (;;) weft::go([c = listener.accept()]() mutable { serve(c); });
/// ```
class tcp_listener : public socket {
 public:
  tcp_listener() noexcept = default;
  /// Throws: std::system_error (address_in_use, address_not_available, permission_denied, ...).
  explicit tcp_listener(const address& at, const listen_options& options = {});
  /// Takes over a socket that listens.
  explicit tcp_listener(int fd) : socket(fd) {}

  /// Blocks:  until there is a connection, the read deadline passes, or the listener is closed.
  ///          When the process has no descriptors left it waits, longer each time (1 s at most),
  ///          until there is one, as Go's HTTP server does.
  /// Returns: the connection; with `ec`: one that is not open.
  tcp_stream accept();
  tcp_stream accept(std::error_code& ec);
};

}  // namespace weft::net
