#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>

namespace weft::net {

/// Where a socket is: an IPv4 or IPv6 address with a port, or the path of a Unix socket.
///
/// A value: copied, compared, hashed, printed. Names are not looked up: `resolve()` does that.
///
/// Text:    "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80", "unix:/run/a.sock", "unix:@abstract".
///          Without a host (":80") it is every address of this machine. `parse` takes what
///          `to_string` prints.
/// Throws:  parse without a code: std::system_error (std::errc::invalid_argument).
/// Example:
/// ```
/// auto listener = weft::net::tcp_listener(weft::net::address::parse("127.0.0.1:8080"));
/// ```
class address {
 public:
  enum class family : std::uint8_t { none, ipv4, ipv6, unix_path };

  address() noexcept = default;
  static address parse(std::string_view text);
  static address parse(std::string_view text, std::error_code& ec);
  /// Of this machine only, whoever listens there. Port 0: the system chooses one.
  static address loopback(std::uint16_t port = 0) noexcept;
  /// Every IPv6 and IPv4 address of this machine.
  static address any(std::uint16_t port = 0) noexcept;
  /// Throws: std::system_error (ENAMETOOLONG). "@name" is in Linux's abstract namespace.
  static address unix_path(std::string_view path);

  family kind() const noexcept;
  bool is_ip() const noexcept;
  bool is_loopback() const noexcept;
  /// 0 if it has none.
  std::uint16_t port() const noexcept;
  address with_port(std::uint16_t port) const noexcept;
  /// "127.0.0.1", "::1", or the path.
  std::string host() const;
  std::string to_string() const;

  friend bool operator==(const address& a, const address& b) noexcept;

  /// For system calls: a `sockaddr` and its length.
  const void* data() const noexcept { return bytes_; }
  std::size_t size() const noexcept { return size_; }
  /// Of the system's making. Longer ones are cut.
  static address from_system(const void* sockaddr, std::size_t size) noexcept;

 private:
  static constexpr std::size_t room = 112;  // of a sockaddr_un, and rounded up

  alignas(8) unsigned char bytes_[room] = {};
  std::uint32_t size_ = 0;
};

}  // namespace weft::net

template <>
struct std::hash<weft::net::address> {
  std::size_t operator()(const weft::net::address& a) const noexcept {
    return std::hash<std::string_view>()({static_cast<const char*>(a.data()), a.size()});
  }
};
