// See client.hpp.
#include "client.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "process.hpp"

namespace net_bench {
namespace {

constexpr int connections_per_source = 5000;  // each 127.0.0.x has 28,000 ports, by default

sockaddr_in loopback(std::uint32_t last_byte, std::uint16_t port) noexcept {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl((INADDR_LOOPBACK & ~0xFFU) | last_byte);
  at.sin_port = htons(port);
  return at;
}

int connect_from(std::uint32_t last_byte, std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  const int on = 1;
  const linger reset{1, 0};
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  const sockaddr_in from = loopback(last_byte, 0);
  const sockaddr_in to = loopback(1, port);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) fail("bind");
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) fail("connect");
  return fd;
}

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "the server %s\n", what);
  std::exit(1);
}

}  // namespace

client::client(const client_options& o)
    : options_(o), connections_(static_cast<std::size_t>(o.connections)) {
  if (o.rate > 0) options_.spin = true;
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) fail("epoll_create1");
  connect_all();
}

client::~client() {
  for (const connection& c : connections_) ::close(c.fd);
  ::close(epoll_);
}

void client::connect_all() {
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    connection& c = connections_[i];
    c.fd = connect_from(1 + static_cast<std::uint32_t>(i / connections_per_source), options_.port);
    greet(c);
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = i}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &event) != 0) fail("epoll_ctl");
  }
}

/// While the socket still blocks: connections are made no faster than the server accepts them.
void client::greet(connection& c) {
  send(c, 0);
  const ssize_t n = ::recv(c.fd, c.answer.data(), c.answer.size(), MSG_WAITALL);
  if (n != static_cast<ssize_t>(message_size) || c.answer != message_of(c))
    give_up("does not echo");
  c.received = message_size;
}

/// Different for each message, so that an old or torn answer is noticed.
client::message client::message_of(const connection& c) noexcept {
  message text;
  text.fill(static_cast<char>('a' + c.number % 26));
  std::memcpy(text.data(), &c.number, sizeof c.number);
  std::memcpy(text.data() + sizeof c.number, &c.fd, sizeof c.fd);
  return text;
}

void client::send(connection& c, std::int64_t due_ns) {
  ++c.number;
  c.received = 0;
  c.due_ns = due_ns;
  const message text = message_of(c);
  // The socket's buffer is empty: there is room for 64 bytes.
  if (::send(c.fd, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(message_size))
    fail("send");
}

void client::on_readable(connection& c) {
  const ssize_t n =
      ::recv(c.fd, c.answer.data() + c.received, message_size - c.received, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (n < 0) fail("recv");
  if (n == 0) give_up(c.received == message_size ? "sends too much" : "has hung up");
  c.received += static_cast<std::size_t>(n);
  if (c.received == message_size) on_answer(c);
}

void client::on_answer(connection& c) {
  const std::int64_t now = now_ns();
  latencies_.add(now - c.due_ns);
  if (c.answer != message_of(c)) give_up("answers something else");
  if (options_.rate == 0) return send(c, now);
  if (c.waiting.empty()) return;
  const std::int64_t due = c.waiting.front();
  c.waiting.pop_front();
  send(c, due);
}

void client::start_all() {
  if (options_.rate > 0)
    next_due_ns_ = now_ns();
  else
    for (connection& c : connections_) send(c, now_ns());
}

bool client::send_what_is_due() {
  std::exponential_distribution<double> gap_seconds(options_.rate);
  const std::int64_t now = now_ns();
  if (next_due_ns_ > now) return false;
  for (; next_due_ns_ <= now;
       next_due_ns_ += static_cast<std::int64_t>(gap_seconds(random_) * 1e9)) {
    connection& c = connections_[next_connection_];
    next_connection_ = (next_connection_ + 1) % connections_.size();
    if (c.received == message_size)
      send(c, next_due_ns_);
    else
      c.waiting.push_back(next_due_ns_);
  }
  return true;
}

void client::run_until(std::int64_t end_ns) {
  if (!std::exchange(started_, true)) start_all();
  std::array<epoll_event, 512> events;
  std::int64_t now = now_ns();
  while (now < end_ns) {
    const auto left_ms = static_cast<int>((end_ns - now) / 1'000'000 + 1);
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                   options_.spin ? 0 : left_ms);
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < count; ++i)
      on_readable(connections_[events[static_cast<std::size_t>(i)].data.u64]);
    const bool sent = options_.rate > 0 && send_what_is_due();
    const std::int64_t before = std::exchange(now, now_ns());
    if (count == 0 && !sent) idle_ns_ += now - before;
  }
}

std::size_t client::unanswered() const noexcept {
  std::size_t sum = 0;
  for (const connection& c : connections_)
    sum += c.waiting.size() + (c.received == message_size ? 0 : 1);
  return sum;
}

}  // namespace net_bench
