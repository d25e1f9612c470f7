// Sockets as weft wants them, one function for each system call: non-blocking, closed on exec,
// silent about broken pipes. Like the calls they return -1 and set errno; none waits.
//
// Tested by: tests/conformance/net
#pragma once

#include <cstddef>
#include <span>

#include <weft/io/buffers.hpp>
#include <weft/net/address.hpp>

namespace weft::detail {

using net::address;

enum class socket_kind { stream, datagram };

/// EAFNOSUPPORT for what is no address.
int open_socket_call(address::family family, socket_kind kind) noexcept;
int make_non_blocking(int fd) noexcept;
/// Keeps errno.
void close_call(int fd) noexcept;

int bind_call(int fd, const address& to) noexcept;
/// As many may wait as the system allows: backlog 0.
int listen_call(int fd, int backlog) noexcept;
int accept_call(int fd) noexcept;
/// The connection was gone before it was accepted: the next one may be there.
bool was_gone_before_accept(int error) noexcept;

/// EINPROGRESS: wait until it can be written to, and ask connection_error().
int connect_call(int fd, const address& to) noexcept;
/// 0: it stands. ENOTCONN: not yet.
int connection_error(int fd) noexcept;

enum class socket_half { reading, writing };
int shut_down_call(int fd, socket_half half) noexcept;

long receive_call(int fd, std::span<const raw_buffer> into) noexcept;
long send_call(int fd, std::span<const raw_buffer> from) noexcept;

int local_address_call(int fd, address& found) noexcept;
int remote_address_call(int fd, address& found) noexcept;

enum class socket_option {
  reuse_address,
  reuse_port,
  keep_alive,
  keep_alive_idle_seconds,
  keep_alive_interval_seconds,
  no_delay,
  ipv6_only,
  fast_open_queue,
  fast_open_connect,
};
int set_option_call(int fd, socket_option option, int value) noexcept;
int set_linger_call(int fd, int seconds) noexcept;

}  // namespace weft::detail
