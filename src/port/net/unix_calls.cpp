// See unix_calls.hpp.
#include "port/net/unix_calls.hpp"
#include "port/pack/packed_pages.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace weft::detail {
namespace {

using passing_room = std::array<iovec, raw_buffers::count_max>;

/// What comes with a message. Credentials and security labels may come, too, if somebody has set
/// the option for them.
struct control_room {
  static constexpr std::size_t of_others = 512;
  alignas(cmsghdr) std::byte bytes[CMSG_SPACE(passed_descriptors_max * sizeof(int)) + of_others];
};

msghdr passing_message(std::span<const raw_buffer> buffers, passing_room& room) noexcept {
  std::size_t count = 0;
  for (const raw_buffer& b : buffers) room[count++] = {b.data, b.size};
  msghdr message{};
  message.msg_iov = room.data();
  message.msg_iovlen = count;
  return message;
}

void take_descriptors(const cmsghdr& part, passed_descriptors& to) noexcept {
  if (part.cmsg_level != SOL_SOCKET || part.cmsg_type != SCM_RIGHTS) return;
  const std::size_t count = (part.cmsg_len - CMSG_LEN(0)) / sizeof(int);
  // Safety: CMSG_DATA wants a pointer that is not const; it is only read.
  const unsigned char* const from = CMSG_DATA(const_cast<cmsghdr*>(&part));
  for (std::size_t i = 0; i < count; ++i) {
    int number = -1;
    std::memcpy(&number, from + i * sizeof number, sizeof number);
    if (to.count < passed_descriptors_max)
      to.numbers[to.count++] = number;
    else
      ::close(number);
  }
}

}  // namespace

int socket_pair_call(socket_kind kind, int (&ends)[2]) noexcept {
  const int type = kind == socket_kind::stream ? SOCK_STREAM : SOCK_DGRAM;
  return ::socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends);
}

int bind_to_any_name_call(int fd) noexcept {
  sockaddr_un unnamed{};
  unnamed.sun_family = AF_UNIX;
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&unnamed), sizeof unnamed.sun_family);
}

long send_descriptors_call(int fd, std::span<const raw_buffer> from,
                           std::span<const int> descriptors) noexcept {
  if (descriptors.size() > passed_descriptors_max) {
    errno = EINVAL;
    return -1;
  }
  const pages_in_use stay(from);
  passing_room room;
  control_room control;
  msghdr message = passing_message(from, room);
  if (!descriptors.empty()) {
    std::memset(&control, 0, sizeof control);
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(head), descriptors.data(), descriptors.size_bytes());
  }
  return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

long receive_descriptors_call(int fd, std::span<const raw_buffer> into,
                              passed_descriptors& descriptors) noexcept {
  const pages_in_use stay(into);
  passing_room room;
  control_room control;
  msghdr message = passing_message(into, room);
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  // A stream has no length of its own to tell: there MSG_TRUNC would drop the bytes unread.
  int type = 0;
  socklen_t type_size = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) != 0) return -1;
  const long size =
      ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC | (type == SOCK_DGRAM ? MSG_TRUNC : 0));
  if (size < 0) return size;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part))
    take_descriptors(*part, descriptors);
  descriptors.lost = (message.msg_flags & MSG_CTRUNC) != 0;
  return size;
}

int peer_identity_call(int fd, peer_identity& found) noexcept {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -1;
  found = {peer.pid, peer.uid, peer.gid};
  return 0;
}

file_identity identity_of_path(const char* path) noexcept {
  struct stat found {};
  if (::lstat(path, &found) != 0) return {};
  return {found.st_dev, found.st_ino};
}

void remove_path_if(const char* path, const file_identity& it) noexcept {
  const int saved = errno;
  const file_identity now = identity_of_path(path);
  if (now.number != 0 && now.number == it.number && now.device == it.device) ::unlink(path);
  errno = saved;
}

}  // namespace weft::detail
