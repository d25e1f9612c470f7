// See datagram_calls.hpp.
#include "port/net/datagram_calls.hpp"
#include "port/pack/packed_pages.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstring>

namespace weft::detail {
namespace {

using message_room = std::array<iovec, raw_buffers::count_max>;

msghdr message_in(std::span<const raw_buffer> buffers, message_room& room) noexcept {
  std::size_t count = 0;
  for (const raw_buffer& b : buffers) room[count++] = {b.data, b.size};
  msghdr message{};
  message.msg_iov = room.data();
  message.msg_iovlen = count;
  return message;
}

/// An IPv6 socket tells IPv4 senders as IPv6 addresses: what they are is what users compare.
net::address sender_of(const sockaddr_storage& found, socklen_t size) noexcept {
  sockaddr_in6 wide{};
  if (found.ss_family == AF_INET6) std::memcpy(&wide, &found, sizeof wide);
  if (found.ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&wide.sin6_addr))
    return net::address::from_system(&found, size);
  sockaddr_in narrow{};
  narrow.sin_family = AF_INET;
  narrow.sin_port = wide.sin6_port;
  std::memcpy(&narrow.sin_addr, &wide.sin6_addr.s6_addr[12], sizeof narrow.sin_addr);
  return net::address::from_system(&narrow, sizeof narrow);
}

int set_integer(int fd, int level, int name, int value) noexcept {
  return ::setsockopt(fd, level, name, &value, sizeof value);
}

int family_of(int fd) noexcept {
  int domain = AF_UNSPEC;
  socklen_t size = sizeof domain;
  return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 ? domain : AF_UNSPEC;
}

}  // namespace

long send_message_call(int fd, std::span<const raw_buffer> from, const net::address* to) noexcept {
  const pages_in_use stay(from);
  message_room room;
  msghdr message = message_in(from, room);
  if (to) {
    // Safety: who sends to it does not write through it.
    message.msg_name = const_cast<void*>(to->data());
    message.msg_namelen = static_cast<socklen_t>(to->size());
  }
  return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

long receive_message_call(int fd, std::span<const raw_buffer> into, net::address* from) noexcept {
  const pages_in_use stay(into);
  message_room room;
  sockaddr_storage sender{};
  msghdr message = message_in(into, room);
  if (from) {
    message.msg_name = &sender;
    message.msg_namelen = sizeof sender;
  }
  const long size = ::recvmsg(fd, &message, MSG_TRUNC);
  if (size >= 0 && from) *from = sender_of(sender, message.msg_namelen);
  return size;
}

int set_datagram_option_call(int fd, datagram_option option, int value) noexcept {
  switch (option) {
    case datagram_option::broadcast:
      return set_integer(fd, SOL_SOCKET, SO_BROADCAST, value);
    case datagram_option::receive_buffer_bytes:
      return set_integer(fd, SOL_SOCKET, SO_RCVBUF, value);
    case datagram_option::send_buffer_bytes:
      return set_integer(fd, SOL_SOCKET, SO_SNDBUF, value);
    case datagram_option::hop_limit:
      break;
  }
  if (family_of(fd) == AF_INET) return set_integer(fd, IPPROTO_IP, IP_TTL, value);
  const int unicast = set_integer(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, value);
  // For what an IPv6 socket sends to IPv4 addresses; one that is IPv6 only may refuse it.
  static_cast<void>(set_integer(fd, IPPROTO_IP, IP_TTL, value));
  return unicast;
}

int disconnect_call(int fd) noexcept {
  sockaddr no_peer{};
  no_peer.sa_family = AF_UNSPEC;
  return ::connect(fd, &no_peer, sizeof no_peer);
}

}  // namespace weft::detail
