#pragma once

#include <chrono>
#include <string_view>
#include <system_error>

#include <weft/cancellation.hpp>
#include <weft/net/resolve.hpp>
#include <weft/net/tcp.hpp>

namespace weft::net {

/// How a connection to a name is made.
struct dial_options {
  /// For everything together, the name included.
  std::chrono::nanoseconds timeout = std::chrono::nanoseconds::max();
  /// How much later than the one before an attempt begins if that has not ended. 0: all at once;
  /// nanoseconds::max(): one after another.
  std::chrono::nanoseconds attempt_delay = std::chrono::milliseconds(250);
  /// address::family::none: both.
  address::family only = address::family::none;
  /// Where it comes from; none: the system chooses. Only addresses of its family are tried.
  address from = {};
  /// Who looks names up.
  resolver names = {};
};

/// Connects to a host by name, with "Happy Eyeballs" (RFC 8305).
///
/// The host's addresses are tried in turn, IPv6 and IPv4 alternating, beginning with the family of
/// the first one. The next attempt begins when one has failed, or has taken `attempt_delay`; the
/// first that succeeds is the connection, the others are given up and closed before it returns.
/// So a host whose IPv6 leads nowhere costs a quarter of a second, not a minute.
///
/// Text:    "host:port", "127.0.0.1:http", "[::1]:80"; ":80" is this machine.
/// Blocks:  the goroutine or the calling thread.
/// Throws:  std::system_error: what the first address has failed with if all fail; resolve_errc
///          for the name; io_errc::timeout; std::errc::invalid_argument for a text without a port.
///          With `ec`: std::bad_alloc only.
/// Threads: any, together.
/// Example: examples/net/dial.cpp
/// ```
/// auto stream = weft::net::dial_tcp("localhost:8080", {.timeout = 3s});
/// ```
tcp_stream dial_tcp(std::string_view to, const dial_options& options = {});
tcp_stream dial_tcp(std::string_view to, const dial_options& options, std::error_code& ec);
/// Ends when it is cancelled, with std::errc::operation_canceled; so do those that follow.
tcp_stream dial_tcp(const cancellation& cancel, std::string_view to,
                    const dial_options& options = {});
tcp_stream dial_tcp(const cancellation& cancel, std::string_view to, const dial_options& options,
                    std::error_code& ec);

/// The same, with the port apart: `host` is a name or an address, IPv6 without brackets.
tcp_stream dial_tcp(std::string_view host, const service& port, const dial_options& options = {});
tcp_stream dial_tcp(std::string_view host, const service& port, const dial_options& options,
                    std::error_code& ec);
tcp_stream dial_tcp(const cancellation& cancel, std::string_view host, const service& port,
                    const dial_options& options = {});
tcp_stream dial_tcp(const cancellation& cancel, std::string_view host, const service& port,
                    const dial_options& options, std::error_code& ec);

}  // namespace weft::net
