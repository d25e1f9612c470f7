// Addresses: values, and their text.
#include <weft/net/address.hpp>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace weft::net {
namespace {

constexpr std::string_view unix_prefix = "unix:";

template <class T>
T as(const unsigned char* bytes) noexcept {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

bool parse_port(std::string_view text, std::uint16_t& port) noexcept {
  if (text.empty()) return false;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  return error == std::errc() && rest == end;
}

/// The number or the name of a network interface. 0: there is none of that name.
std::uint32_t scope_of(const std::string& name) noexcept {
  std::uint32_t number = 0;
  const char* const end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data(), end, number);
  return error == std::errc() && rest == end ? number : ::if_nametoindex(name.c_str());
}

address ipv4_of(in_addr host, std::uint16_t port) noexcept {
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_addr = host;
  made.sin_port = htons(port);
  return address::from_system(&made, sizeof made);
}

address ipv6_of(const in6_addr& host, std::uint16_t port, std::uint32_t scope = 0) noexcept {
  sockaddr_in6 made{};
  made.sin6_family = AF_INET6;
  made.sin6_addr = host;
  made.sin6_port = htons(port);
  made.sin6_scope_id = scope;
  return address::from_system(&made, sizeof made);
}

bool parse_ipv6(const std::string& host, std::uint16_t port, address& to) noexcept {
  const std::size_t percent = host.find('%');
  in6_addr bytes{};
  if (::inet_pton(AF_INET6, host.substr(0, percent).c_str(), &bytes) != 1) return false;
  std::uint32_t scope = 0;
  if (percent != std::string::npos && (scope = scope_of(host.substr(percent + 1))) == 0)
    return false;
  to = ipv6_of(bytes, port, scope);
  return true;
}

bool parse_ip(std::string_view text, address& to) {
  if (text.find('\0') != std::string_view::npos) return false;  // inet_pton would stop there
  const std::size_t colon = text.rfind(':');
  std::uint16_t port = 0;
  if (colon == std::string_view::npos || !parse_port(text.substr(colon + 1), port)) return false;
  std::string host(text.substr(0, colon));
  if (host.empty()) {
    to = address::any(port);
    return true;
  }
  if (host.front() == '[' && host.back() == ']')
    return parse_ipv6(host.substr(1, host.size() - 2), port, to);
  in_addr bytes{};
  if (::inet_pton(AF_INET, host.c_str(), &bytes) != 1) return false;
  to = ipv4_of(bytes, port);
  return true;
}

}  // namespace

address address::parse(std::string_view text, std::error_code& ec) {
  ec.clear();
  address made;
  try {
    if (text.starts_with(unix_prefix)) return unix_path(text.substr(unix_prefix.size()));
    if (parse_ip(text, made)) return made;
    ec = std::make_error_code(std::errc::invalid_argument);
  } catch (const std::system_error& e) {
    ec = e.code();
  }
  return {};
}

address address::parse(std::string_view text) {
  std::error_code ec;
  const address made = parse(text, ec);
  if (ec) throw std::system_error(ec, "not an address: \"" + std::string(text) + "\"");
  return made;
}

address address::loopback(std::uint16_t port) noexcept {
  return ipv4_of({htonl(INADDR_LOOPBACK)}, port);
}

address address::any(std::uint16_t port) noexcept { return ipv6_of(in6addr_any, port); }

address address::unix_path(std::string_view path) {
  sockaddr_un made{};
  made.sun_family = AF_UNIX;
  if (path.empty() || (path.front() != '@' && path.find('\0') != std::string_view::npos))
    throw std::system_error(std::make_error_code(std::errc::invalid_argument), "not a path");
  if (path.size() >= sizeof made.sun_path)
    throw std::system_error(std::make_error_code(std::errc::filename_too_long), std::string(path));
  const bool abstract = path.front() == '@';
  std::copy(path.begin(), path.end(), made.sun_path);
  if (abstract) made.sun_path[0] = '\0';
  return from_system(&made, offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
}

address address::from_system(const void* sockaddr, std::size_t size) noexcept {
  address made;
  made.size_ = static_cast<std::uint32_t>(std::min(size, room));
  if (made.size_ > 0) std::memcpy(made.bytes_, sockaddr, made.size_);
  return made;
}

address::family address::kind() const noexcept {
  if (size_ < sizeof(sa_family_t)) return family::none;
  switch (as<sa_family_t>(bytes_ + offsetof(::sockaddr, sa_family))) {
    case AF_INET:
      return family::ipv4;
    case AF_INET6:
      return family::ipv6;
    case AF_UNIX:
      return family::unix_path;
    default:
      return family::none;
  }
}

bool address::is_ip() const noexcept { return kind() == family::ipv4 || kind() == family::ipv6; }

bool address::is_loopback() const noexcept {
  if (kind() == family::ipv4)
    return (ntohl(as<sockaddr_in>(bytes_).sin_addr.s_addr) >> 24U) == IN_LOOPBACKNET;
  if (kind() != family::ipv6) return false;
  const in6_addr host = as<sockaddr_in6>(bytes_).sin6_addr;
  return std::memcmp(&host, &in6addr_loopback, sizeof host) == 0;
}

std::uint16_t address::port() const noexcept {
  if (kind() == family::ipv4) return ntohs(as<sockaddr_in>(bytes_).sin_port);
  if (kind() == family::ipv6) return ntohs(as<sockaddr_in6>(bytes_).sin6_port);
  return 0;
}

address address::with_port(std::uint16_t port) const noexcept {
  address made = *this;
  const std::uint16_t wire = htons(port);
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  if (is_ip()) std::memcpy(made.bytes_ + offsetof(sockaddr_in, sin_port), &wire, sizeof wire);
  return made;
}

std::string address::host() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (kind() == family::ipv4) {
    const auto found = as<sockaddr_in>(bytes_);
    return ::inet_ntop(AF_INET, &found.sin_addr, text, sizeof text);
  }
  if (kind() == family::ipv6) {
    const auto found = as<sockaddr_in6>(bytes_);
    std::string host = ::inet_ntop(AF_INET6, &found.sin6_addr, text, sizeof text);
    if (found.sin6_scope_id == 0) return host;
    char name[IF_NAMESIZE] = "";
    return host + "%" +
           (::if_indextoname(found.sin6_scope_id, name) ? name
                                                        : std::to_string(found.sin6_scope_id));
  }
  if (kind() == family::none) return {};
  constexpr std::size_t begin = offsetof(sockaddr_un, sun_path);
  if (size_ <= begin) return {};
  std::string path(reinterpret_cast<const char*>(bytes_) + begin, size_ - begin);
  if (path.front() == '\0') {
    path.front() = '@';
    return path;
  }
  return path.substr(0, path.find('\0'));
}

std::string address::to_string() const {
  switch (kind()) {
    case family::ipv4:
      return host() + ":" + std::to_string(port());
    case family::ipv6:
      return "[" + host() + "]:" + std::to_string(port());
    case family::unix_path:
      return std::string(unix_prefix) + host();
    case family::none:
      break;
  }
  return {};
}

bool operator==(const address& a, const address& b) noexcept {
  return a.size_ == b.size_ && std::memcmp(a.bytes_, b.bytes_, a.size_) == 0;
}

}  // namespace weft::net
