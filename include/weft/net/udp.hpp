#pragma once

#include <system_error>

#include <weft/net/datagram.hpp>

namespace weft::net {

struct udp_options {
  /// Several sockets may have the same address; the system shares the messages out (SO_REUSEPORT).
  bool reuse_port = false;
  /// Several may have it, and each of them gets what is sent to a group (SO_REUSEADDR).
  bool reuse_address = false;
  /// It may send to broadcast addresses.
  bool broadcast = false;
  /// An IPv6 socket gets no IPv4 messages.
  bool ipv6_only = false;
};

/// A UDP socket: messages that may be lost, doubled, or overtake each other.
///
/// An IPv6 one that is bound to every address (`address::any()`) speaks IPv4, too; senders there
/// are told as IPv4 addresses.
///
/// Example:
/// ```
/// weft::net::udp_socket socket(weft::net::address::loopback(5353));
/// std::array<char, 1500> room;
/// for (;;) {
///   const weft::net::datagram got = socket.receive_from(room);
///   socket.send_to(std::string_view(room.data(), got.size), got.from);
/// }
/// ```
class udp_socket : public datagram_socket {
 public:
  udp_socket() noexcept = default;
  /// Takes over a descriptor of a UDP socket. Throws: std::system_error.
  explicit udp_socket(int fd) : datagram_socket(fd) {}
  /// Gets what is sent to an address. Port 0: one that the system chooses, see local_address().
  /// Throws: std::system_error (address_in_use, permission_denied, ...).
  explicit udp_socket(const address& at, const udp_options& options = {});
  /// With `ec`: it is not open.
  udp_socket(const address& at, const udp_options& options, std::error_code& ec);

  void set_broadcast(bool on);
  void set_broadcast(bool on, std::error_code& ec) noexcept;
  /// How many routers may pass a message on, 1 to 255.
  void set_hop_limit(int hops);
  void set_hop_limit(int hops, std::error_code& ec) noexcept;

 private:
  void open(const address& at, const udp_options& options, std::error_code& ec);
};

/// A socket of its own for messages to and from one address. Does not wait: nobody is asked.
/// Throws: std::system_error.
udp_socket connect_udp(const address& to);
udp_socket connect_udp(const address& to, std::error_code& ec);

}  // namespace weft::net
