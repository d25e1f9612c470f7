// The echo server as one writes it by hand for speed: one thread, one epoll, nothing else.
//
//   echo_epoll [--procs 1] [--work K]    prints its port, serves until it is killed
//
// Edge-triggered, and a read that brings less than it asked for has emptied the socket: a message
// costs one recv, one send, and its part of an epoll_wait that returns up to 512 events. Not
// level-triggered: then the kernel asks every socket once more that was reported. Not until EAGAIN:
// that is a third system call for each message.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "process.hpp"
#include "server_options.hpp"

namespace {

using net_bench::fail;
using net_bench::server_options;

class echo_server {
 public:
  explicit echo_server(const server_options& o) : options_(o) {}
  std::uint16_t listen();
  [[noreturn]] void run();

 private:
  void accept_all();
  void on_event(int fd, std::uint32_t what);
  void echo(int fd, bool to_the_end);
  bool send(int fd, std::string_view bytes);
  bool send_kept(int fd);
  void end(int fd);
  /// What a peer that does not read has not taken yet.
  std::string& kept(int fd) { return kept_[static_cast<std::size_t>(fd)]; }

  server_options options_;
  int epoll_ = -1;
  int listener_ = -1;
  std::vector<std::string> kept_;  // by descriptor
  std::array<char, net_bench::read_size> buffer_{};
};

std::uint16_t echo_server::listen() {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  auto* address = reinterpret_cast<sockaddr*>(&at);
  if (listener_ < 0 || ::bind(listener_, address, size) != 0 || ::listen(listener_, 65'535) != 0 ||
      ::getsockname(listener_, address, &size) != 0)
    fail("listen");
  const int on = 1;  // accepted sockets inherit it
  ::setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{.events = EPOLLIN, .data = {.fd = listener_}};
  if (epoll_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event) != 0) fail("epoll");
  return ntohs(at.sin_port);
}

void echo_server::run() {
  std::array<epoll_event, 512> events;
  for (;;) {
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.fd == listener_)
        accept_all();
      else
        on_event(event.data.fd, event.events);
    }
  }
}

void echo_server::accept_all() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && errno == EAGAIN) return;
    if (fd < 0) fail("accept");
    const auto place = static_cast<std::size_t>(fd);
    if (kept_.size() <= place) kept_.resize(2 * place + 1);
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.fd = fd}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  }
}

void echo_server::on_event(int fd, std::uint32_t what) {
  constexpr std::uint32_t over = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  if (send_kept(fd)) echo(fd, (what & over) != 0);
}

/// `to_the_end`: the peer has sent its last byte, and nobody will tell a second time.
void echo_server::echo(int fd, bool to_the_end) {
  // A peer that does not read is not read from, either.
  while (kept(fd).empty()) {
    const ssize_t n = ::recv(fd, buffer_.data(), buffer_.size(), 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return end(fd);
    const auto size = static_cast<std::size_t>(n);
    net_bench::compute(options_.work);
    if (!send(fd, {buffer_.data(), size})) return end(fd);
    if (size < buffer_.size() && !to_the_end) return;
  }
}

bool echo_server::send(int fd, std::string_view bytes) {
  const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN) return false;
  const std::size_t sent = n > 0 ? static_cast<std::size_t>(n) : 0;
  if (sent < bytes.size()) kept(fd) = bytes.substr(sent);
  return true;
}

/// Returns false if there is no room yet, or the connection has ended.
bool echo_server::send_kept(int fd) {
  if (kept(fd).empty()) return true;
  const std::string bytes = std::exchange(kept(fd), {});
  if (send(fd, bytes)) return kept(fd).empty();
  end(fd);
  return false;
}

void echo_server::end(int fd) {
  kept(fd).clear();
  ::close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  const server_options o = net_bench::parse_server_options(argc, argv);
  net_bench::allow_many_descriptors();
  echo_server server(o);
  std::printf("%u\n", static_cast<unsigned>(server.listen()));
  std::fflush(stdout);
  server.run();
}
