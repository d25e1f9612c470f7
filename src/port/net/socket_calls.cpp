// See socket_calls.hpp.
#include "port/net/socket_calls.hpp"
#include "port/pack/packed_pages.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace weft::detail {
namespace {

const sockaddr* system_address(const address& a) noexcept {
  return static_cast<const sockaddr*>(a.data());
}
socklen_t system_length(const address& a) noexcept { return static_cast<socklen_t>(a.size()); }

/// Of one buffer or more: the layouts are the same, but nobody promises that.
class message {
 public:
  explicit message(std::span<const raw_buffer> buffers) noexcept {
    std::size_t count = 0;
    for (const raw_buffer& b : buffers.first(std::min(buffers.size(), room_.size())))
      room_[count++] = {b.data, b.size};
    header_.msg_iov = room_.data();
    header_.msg_iovlen = count;
  }
  msghdr* header() noexcept { return &header_; }

 private:
  std::array<iovec, raw_buffers::count_max> room_;
  msghdr header_{};
};

template <class Call>
int ask_for_address(Call call, int fd, address& found) noexcept {
  sockaddr_storage room{};
  socklen_t size = sizeof room;
  // Safety: every address begins like a sockaddr; the call writes no more than `size`.
  if (call(fd, reinterpret_cast<sockaddr*>(&room), &size) != 0) return -1;
  found = address::from_system(&room, size);
  return 0;
}

struct option_name {
  int level, name;
};

option_name name_of(socket_option option) noexcept {
  switch (option) {
    case socket_option::reuse_address:
      return {SOL_SOCKET, SO_REUSEADDR};
    case socket_option::reuse_port:
      return {SOL_SOCKET, SO_REUSEPORT};
    case socket_option::keep_alive:
      return {SOL_SOCKET, SO_KEEPALIVE};
    case socket_option::keep_alive_idle_seconds:
      return {IPPROTO_TCP, TCP_KEEPIDLE};
    case socket_option::keep_alive_interval_seconds:
      return {IPPROTO_TCP, TCP_KEEPINTVL};
    case socket_option::no_delay:
      return {IPPROTO_TCP, TCP_NODELAY};
    case socket_option::ipv6_only:
      return {IPPROTO_IPV6, IPV6_V6ONLY};
    case socket_option::fast_open_queue:
      return {IPPROTO_TCP, TCP_FASTOPEN};
    case socket_option::fast_open_connect:
      return {IPPROTO_TCP, TCP_FASTOPEN_CONNECT};
  }
  return {};
}

}  // namespace

int open_socket_call(address::family family, socket_kind kind) noexcept {
  const int type =
      (kind == socket_kind::stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  switch (family) {
    case address::family::ipv4:
      return ::socket(AF_INET, type, 0);
    case address::family::ipv6:
      return ::socket(AF_INET6, type, 0);
    case address::family::unix_path:
      return ::socket(AF_UNIX, type, 0);
    case address::family::none:
      break;
  }
  errno = EAFNOSUPPORT;
  return -1;
}

int make_non_blocking(int fd) noexcept {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags < 0 ? -1 : ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

void close_call(int fd) noexcept {
  const int saved = errno;
  ::close(fd);
  errno = saved;
}

int bind_call(int fd, const address& to) noexcept {
  return ::bind(fd, system_address(to), system_length(to));
}

int listen_call(int fd, int backlog) noexcept {
  constexpr int most = 65'535;  // the system cuts it down to net.core.somaxconn
  return ::listen(fd, backlog > 0 ? backlog : most);
}

int accept_call(int fd) noexcept {
  return ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

bool was_gone_before_accept(int error) noexcept {
  switch (error) {
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
      return true;
    default:
      return false;
  }
}

int connect_call(int fd, const address& to) noexcept {
  return ::connect(fd, system_address(to), system_length(to));
}

int connection_error(int fd) noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  if (error != 0) return error;
  address peer;
  return remote_address_call(fd, peer) == 0 ? 0 : errno;
}

int shut_down_call(int fd, socket_half half) noexcept {
  return ::shutdown(fd, half == socket_half::reading ? SHUT_RD : SHUT_WR);
}

long receive_call(int fd, std::span<const raw_buffer> into) noexcept {
  const pages_in_use stay(into);
  if (into.size() == 1) return ::recv(fd, into[0].data, into[0].size, 0);
  message m(into);
  return ::recvmsg(fd, m.header(), 0);
}

long send_call(int fd, std::span<const raw_buffer> from) noexcept {
  const pages_in_use stay(from);
  if (from.size() == 1) return ::send(fd, from[0].data, from[0].size, MSG_NOSIGNAL);
  message m(from);
  return ::sendmsg(fd, m.header(), MSG_NOSIGNAL);
}

int local_address_call(int fd, address& found) noexcept {
  return ask_for_address(::getsockname, fd, found);
}
int remote_address_call(int fd, address& found) noexcept {
  return ask_for_address(::getpeername, fd, found);
}

int set_option_call(int fd, socket_option option, int value) noexcept {
  const option_name o = name_of(option);
  return ::setsockopt(fd, o.level, o.name, &value, sizeof value);
}

int set_linger_call(int fd, int seconds) noexcept {
  const linger value{1, seconds};
  return ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, sizeof value);
}

}  // namespace weft::detail
