// A name server on loopback for tests: it knows what it is told, and can misbehave.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <weft/io/wait.hpp>
#include <weft/net/address.hpp>
#include <weft/net/resolve.hpp>
#include <weft/net/tcp.hpp>
#include <weft/sync/mutex.hpp>
#include <weft/weft.hpp>

#include "weft_test.hpp"

namespace weft_test {

/// What a server says about one name.
struct dns_entry {
  std::vector<weft::net::address> addresses = {};
  int code = 0;            ///< 2: server failure, 3: no such name, 5: refused
  bool has_alias = false;  ///< the answer begins with a CNAME
  bool cut_off = false;    ///< the message ends in the midst of its last record
  bool by_tcp = false;     ///< too long for UDP
};

class dns_server {
 public:
  using bytes = std::vector<unsigned char>;

  /// In the background until it is destroyed.
  explicit dns_server(const std::string& host = "127.0.0.1") {
    for (int tries_left = 100; !open(weft::net::address::parse(host + ":0")); --tries_left)
      if (tries_left == 0) throw std::runtime_error("a name server: no port is free for both");
    serving_.go([this] { serve_udp(); });
    serving_.go([this] { serve_tcp(); });
    goroutines_ = weft::num_goroutines();
  }
  dns_server(const dns_server&) = delete;
  dns_server& operator=(const dns_server&) = delete;
  ~dns_server() {
    stopped_.cancel();
    listener_.close();
    serving_.wait();
    ::close(fd_);
  }

  const weft::net::address& at() const { return at_; }
  void put(const std::string& name, dns_entry entry) {
    const std::lock_guard guard(mutex_);
    entries_[name] = std::move(entry);
  }
  void add(const std::string& name, const std::vector<std::string>& hosts) {
    dns_entry entry;
    for (const std::string& host : hosts)
      entry.addresses.push_back(weft::net::address::parse(host + ":0"));
    put(name, std::move(entry));
  }
  /// From now on it keeps its answers back, until `release`.
  void hold() {
    const std::lock_guard guard(mutex_);
    is_holding_ = true;
  }
  void release() {
    const std::lock_guard guard(mutex_);
    is_holding_ = false;
    for (const auto& [to, answer] : held_) send(to, answer);
    held_.clear();
  }
  /// Answers those, too, who go on though nobody waits for them any more, until they have ended.
  /// False: they hang.
  [[nodiscard]] bool settle() {
    release();
    return eventually([this] { return weft::num_goroutines() <= goroutines_; });
  }
  /// How many questions have come by UDP and by TCP.
  int questions() const { return questions_.load(); }
  int questions_by_tcp() const { return questions_by_tcp_.load(); }

  /// A resolver that asks this server.
  weft::net::resolver resolver() const { return weft::net::resolver({.servers = {at_}}); }

 private:
  static constexpr std::uint16_t type_a = 1, type_alias = 5, type_aaaa = 28;

  struct question {
    std::string name;
    std::uint16_t type = 0;
    std::size_t end = 0;  // of it in the message
  };

  /// UDP and TCP have one port. False: the one that TCP was given is in use for UDP.
  bool open(const weft::net::address& host) {
    listener_ = weft::net::tcp_listener(host);
    at_ = listener_.local_address();
    fd_ = ::socket(at_.kind() == weft::net::address::family::ipv6 ? AF_INET6 : AF_INET,
                   SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int error = fd_ < 0 || ::bind(fd_, static_cast<const sockaddr*>(at_.data()),
                                        static_cast<socklen_t>(at_.size())) != 0
                          ? errno
                          : 0;
    if (error == 0) return true;
    if (fd_ >= 0) ::close(fd_);
    if (error != EADDRINUSE)
      throw std::system_error(error, std::system_category(), "a name server");
    return false;
  }

  void serve_udp() {
    bytes message(512);
    while (weft::wait_readable(stopped_.ctx, fd_)) {
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      const ssize_t got = ::recvfrom(fd_, message.data(), message.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &size);
      if (got < 0) continue;
      ++questions_;
      const auto length = static_cast<std::ptrdiff_t>(got);
      reply(weft::net::address::from_system(&from, size),
            answer_to({message.begin(), message.begin() + length}, false));
    }
  }
  void reply(const weft::net::address& to, bytes answer) {
    const std::lock_guard guard(mutex_);
    if (is_holding_)
      held_.emplace_back(to, std::move(answer));
    else
      send(to, answer);
  }
  void send(const weft::net::address& to, const bytes& answer) const {
    // Who has asked may be gone: that is no failure.
    static_cast<void>(::sendto(fd_, answer.data(), answer.size(), 0,
                               static_cast<const sockaddr*>(to.data()),
                               static_cast<socklen_t>(to.size())));
  }

  void serve_tcp() {
    for (;;) {
      std::error_code ec;
      weft::net::tcp_stream client = listener_.accept(ec);
      if (ec) return;
      bytes length(2);
      if (!read_all(client, length)) continue;
      bytes message(static_cast<std::size_t>(length[0] << 8 | length[1]));
      if (!read_all(client, message)) continue;
      ++questions_by_tcp_;
      bytes answer = answer_to(message, true);
      const bytes head = {static_cast<unsigned char>(answer.size() >> 8U),
                          static_cast<unsigned char>(answer.size() & 0xffU)};
      answer.insert(answer.begin(), head.begin(), head.end());
      client.write(answer, ec);
    }
  }
  static bool read_all(weft::net::tcp_stream& from, bytes& into) {
    std::error_code ec;
    for (std::size_t done = 0; done < into.size() && !ec;)
      done += from.read_some(std::span(into).subspan(done), ec);
    return !ec;
  }

  static std::optional<question> parse(const bytes& message) {
    question asked;
    std::size_t at = 12;
    while (at < message.size() && message[at] != 0) {
      const std::size_t length = message[at];
      if (at + 1 + length >= message.size()) return std::nullopt;
      if (!asked.name.empty()) asked.name += '.';
      asked.name.append(reinterpret_cast<const char*>(&message[at + 1]), length);
      at += 1 + length;
    }
    if (at + 5 > message.size()) return std::nullopt;
    asked.type = static_cast<std::uint16_t>(message[at + 1] << 8 | message[at + 2]);
    asked.end = at + 5;
    return asked;
  }

  bytes answer_to(const bytes& message, bool tcp) {
    const std::optional<question> asked = parse(message);
    if (!asked) return {};
    const std::lock_guard guard(mutex_);
    const auto found = entries_.find(asked->name);
    const dns_entry entry = found == entries_.end() ? dns_entry{.code = 3} : found->second;
    const bool truncated = entry.by_tcp && !tcp;
    bytes answer(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(asked->end));
    answer[2] = static_cast<unsigned char>(truncated ? 0x87 : 0x85);  // an authority's answer
    answer[3] = static_cast<unsigned char>(0x80 | entry.code);
    std::fill(answer.begin() + 6, answer.begin() + 12, static_cast<unsigned char>(0));
    if (!truncated) add_records(answer, entry, asked->type);
    if (entry.cut_off) answer.resize(answer.size() - 2);
    return answer;
  }
  static void add_records(bytes& answer, const dns_entry& entry, std::uint16_t type) {
    if (entry.has_alias) add_record(answer, type_alias, {4, 'r', 'e', 'a', 'l', 0});
    for (const weft::net::address& each : entry.addresses) {
      const auto* const raw = static_cast<const unsigned char*>(each.data());
      const bool is_ipv6 = each.kind() == weft::net::address::family::ipv6;
      if ((type == type_aaaa) != is_ipv6 || (type != type_a && type != type_aaaa)) continue;
      const unsigned char* const host =
          raw + (is_ipv6 ? offsetof(sockaddr_in6, sin6_addr) : offsetof(sockaddr_in, sin_addr));
      add_record(answer, type, bytes(host, host + (is_ipv6 ? 16 : 4)));
    }
  }
  static void add_record(bytes& answer, std::uint16_t type, const bytes& data) {
    const unsigned count = (static_cast<unsigned>(answer[6]) << 8U | answer[7]) + 1;
    answer[6] = static_cast<unsigned char>(count >> 8U);
    answer[7] = static_cast<unsigned char>(count & 0xffU);
    // The name is that of the question; class IN, kept for a minute.
    const bytes head = {0xc0, 12, 0, static_cast<unsigned char>(type),       0, 1, 0, 0,
                        0,    60, 0, static_cast<unsigned char>(data.size())};
    answer.insert(answer.end(), head.begin(), head.end());
    answer.insert(answer.end(), data.begin(), data.end());
  }

  int fd_ = -1;
  weft::net::address at_;
  weft::net::tcp_listener listener_;
  weft::mutex mutex_;
  std::map<std::string, dns_entry> entries_;
  bool is_holding_ = false;
  std::size_t goroutines_ = 0;
  std::vector<std::pair<weft::net::address, bytes>> held_;
  weft::detail::atomic<int> questions_{0}, questions_by_tcp_{0};
  weft::derived_context<weft::cancel_function> stopped_ = weft::with_cancel(weft::background());
  weft::wait_group serving_;
};

}  // namespace weft_test
