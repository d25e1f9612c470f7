// UDP: opening, options.
#include <weft/net/udp.hpp>

#include "api/net/open_socket.hpp"
#include "port/net/datagram_calls.hpp"

namespace weft::net {

using detail::socket_option;
using detail::throw_if;

namespace {

class made_udp : public udp_socket {
 public:
  explicit made_udp(detail::io_handle_ptr h) noexcept { handle_ = std::move(h); }
};

}  // namespace

void udp_socket::open(const address& at, const udp_options& options, std::error_code& ec) {
  ec.clear();
  detail::io_handle_ptr h = detail::open_socket(at, detail::socket_kind::datagram, ec);
  const auto set = [&](socket_option option, bool on) {
    detail::set_socket_option(h.get(), option, on ? 1 : 0, ec);
  };
  if (!ec && !at.is_ip()) ec = std::make_error_code(std::errc::address_family_not_supported);
  if (options.reuse_port) set(socket_option::reuse_port, true);
  if (options.reuse_address) set(socket_option::reuse_address, true);
  if (at.kind() == address::family::ipv6) set(socket_option::ipv6_only, options.ipv6_only);
  detail::bind_socket(h.get(), at, ec);
  if (ec) return;
  handle_ = std::move(h);
  if (options.broadcast) set_broadcast(true, ec);
}

udp_socket::udp_socket(const address& at, const udp_options& options, std::error_code& ec) {
  open(at, options, ec);
}

udp_socket::udp_socket(const address& at, const udp_options& options) {
  std::error_code ec;
  open(at, options, ec);
  if (ec) throw std::system_error(ec, "bind to " + at.to_string());
}

void udp_socket::set_broadcast(bool on, std::error_code& ec) noexcept {
  ec.clear();
  if (handle(ec))
    handle_->perform_now(ec, [&](int fd) {
      return detail::set_datagram_option_call(fd, detail::datagram_option::broadcast, on ? 1 : 0);
    });
}
void udp_socket::set_broadcast(bool on) {
  std::error_code ec;
  set_broadcast(on, ec);
  throw_if(ec, "set_broadcast");
}

void udp_socket::set_hop_limit(int hops, std::error_code& ec) noexcept {
  ec.clear();
  if (handle(ec))
    handle_->perform_now(ec, [&](int fd) {
      return detail::set_datagram_option_call(fd, detail::datagram_option::hop_limit, hops);
    });
}
void udp_socket::set_hop_limit(int hops) {
  std::error_code ec;
  set_hop_limit(hops, ec);
  throw_if(ec, "set_hop_limit");
}

udp_socket connect_udp(const address& to, std::error_code& ec) {
  ec.clear();
  detail::io_handle_ptr h = detail::open_socket(to, detail::socket_kind::datagram, ec);
  if (!ec && !to.is_ip()) ec = std::make_error_code(std::errc::address_family_not_supported);
  if (!ec) h->perform_now(ec, [&](int fd) { return detail::connect_call(fd, to); });
  if (ec) return {};
  return made_udp(std::move(h));
}
udp_socket connect_udp(const address& to) {
  std::error_code ec;
  udp_socket made = connect_udp(to, ec);
  if (ec) throw std::system_error(ec, "connect " + to.to_string());
  return made;
}

}  // namespace weft::net
