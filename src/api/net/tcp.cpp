// TCP: connecting, listening, options.
#include <weft/net/tcp.hpp>

#include <utility>

#include "api/net/open_socket.hpp"

namespace weft::net {

using detail::io_handle_ptr;
using detail::socket_kind;
using detail::socket_option;
using detail::throw_if;

namespace {

constexpr int keep_alive_seconds = 15;

/// As Go's: small messages are not kept back, and a peer that is gone is noticed.
void set_usual_options(detail::io_handle* h) {
  for (const auto& [option, value] :
       {std::pair(socket_option::no_delay, 1), std::pair(socket_option::keep_alive, 1),
        std::pair(socket_option::keep_alive_idle_seconds, keep_alive_seconds),
        std::pair(socket_option::keep_alive_interval_seconds, keep_alive_seconds)}) {
    std::error_code ignored;  // a connection that is gone already: the first call tells
    detail::set_socket_option(h, option, value, ignored);
  }
}

/// A stream that is made of a handle: users make them of descriptors.
class made_stream : public tcp_stream {
 public:
  explicit made_stream(io_handle_ptr h) noexcept { handle_ = std::move(h); }
};

tcp_stream stream_of(io_handle_ptr h) {
  if (!h) return {};
  set_usual_options(h.get());
  h->let_short_reads_empty();
  return made_stream(std::move(h));
}

tcp_stream connect_once(const address& to, const connect_options& options,
                        const detail::wait_bound& bound, std::error_code& ec) {
  ec.clear();
  io_handle_ptr h = detail::open_socket(to, socket_kind::stream, ec);
  if (options.from.size() > 0) detail::bind_socket(h.get(), options.from, ec);
  if (options.fast_open)
    detail::set_socket_option(h.get(), socket_option::fast_open_connect, 1, ec);
  detail::connect_socket(h.get(), to, bound, ec);
  if (ec) return {};
  return stream_of(std::move(h));
}

/// A socket that connects to a port of this machine where nobody listens may be given that port for
/// itself, and then talks to itself: nobody wants that.
bool is_its_own_peer(const tcp_stream& s) {
  std::error_code ec;
  const address mine = s.local_address(ec);
  return !ec && mine == s.remote_address(ec);
}

tcp_stream connect_within(const address& to, const connect_options& options,
                          const detail::wait_bound& bound, std::error_code& ec) {
  constexpr int tries = 3;
  for (int i = 0; i < tries; ++i) {
    tcp_stream made = connect_once(to, options, bound, ec);
    if (ec || options.from.size() > 0 || !is_its_own_peer(made)) return made;
  }
  ec = std::make_error_code(std::errc::connection_refused);
  return {};
}

detail::wait_bound bound_of(const connect_options& options) noexcept {
  if (options.timeout == std::chrono::nanoseconds::max()) return {};
  return {.deadline = detail::deadline_after(options.timeout)};
}

}  // namespace

tcp_stream connect_tcp(const address& to, const connect_options& options, std::error_code& ec) {
  return connect_within(to, options, bound_of(options), ec);
}
tcp_stream connect_tcp(const address& to, const connect_options& options) {
  std::error_code ec;
  tcp_stream made = connect_tcp(to, options, ec);
  if (ec) throw std::system_error(ec, "connect " + to.to_string());
  return made;
}
tcp_stream connect_tcp(const cancellation& cancel, const address& to,
                       const connect_options& options, std::error_code& ec) {
  if (cancel.cancelled()) {
    ec = std::make_error_code(std::errc::operation_canceled);
    return {};
  }
  detail::wait_bound bound = bound_of(options);
  bound.cancel = cancel.state();
  return connect_within(to, options, bound, ec);
}
tcp_stream connect_tcp(const cancellation& cancel, const address& to,
                       const connect_options& options) {
  std::error_code ec;
  tcp_stream made = connect_tcp(cancel, to, options, ec);
  if (ec) throw std::system_error(ec, "connect " + to.to_string());
  return made;
}

tcp_listener::tcp_listener(const address& at, const listen_options& options) {
  std::error_code ec;
  handle_ = detail::open_socket(at, socket_kind::stream, ec);
  detail::io_handle* const h = handle_.get();
  detail::set_socket_option(h, socket_option::reuse_address, 1, ec);
  if (options.reuse_port) detail::set_socket_option(h, socket_option::reuse_port, 1, ec);
  if (at.kind() == address::family::ipv6)
    detail::set_socket_option(h, socket_option::ipv6_only, options.ipv6_only ? 1 : 0, ec);
  if (options.fast_open > 0)
    detail::set_socket_option(h, socket_option::fast_open_queue, options.fast_open, ec);
  detail::bind_socket(h, at, ec);
  detail::listen_on_socket(h, options.backlog, ec);
  if (ec) throw std::system_error(ec, "listen on " + at.to_string());
}

tcp_stream tcp_listener::accept(std::error_code& ec) {
  ec.clear();
  if (!handle(ec)) return {};
  return stream_of(detail::accept_socket(*handle_, ec));
}
tcp_stream tcp_listener::accept() {
  std::error_code ec;
  tcp_stream taken = accept(ec);
  throw_if(ec, "accept");
  return taken;
}

void tcp_stream::set_no_delay(bool on, std::error_code& ec) noexcept {
  ec.clear();
  if (handle(ec)) detail::set_socket_option(handle_.get(), socket_option::no_delay, on ? 1 : 0, ec);
}
void tcp_stream::set_no_delay(bool on) {
  std::error_code ec;
  set_no_delay(on, ec);
  throw_if(ec, "set_no_delay");
}

void tcp_stream::set_keep_alive(std::chrono::seconds every, std::error_code& ec) noexcept {
  ec.clear();
  if (!handle(ec)) return;
  const int seconds = static_cast<int>(every.count());
  detail::io_handle* const h = handle_.get();
  detail::set_socket_option(h, socket_option::keep_alive, seconds > 0 ? 1 : 0, ec);
  if (seconds <= 0) return;
  detail::set_socket_option(h, socket_option::keep_alive_idle_seconds, seconds, ec);
  detail::set_socket_option(h, socket_option::keep_alive_interval_seconds, seconds, ec);
}
void tcp_stream::set_keep_alive(std::chrono::seconds every) {
  std::error_code ec;
  set_keep_alive(every, ec);
  throw_if(ec, "set_keep_alive");
}

void tcp_stream::set_linger(std::chrono::seconds how_long, std::error_code& ec) noexcept {
  ec.clear();
  if (!handle(ec)) return;
  const int seconds = static_cast<int>(how_long.count());
  handle_->perform_now(ec, [&](int fd) { return detail::set_linger_call(fd, seconds); });
}
void tcp_stream::set_linger(std::chrono::seconds how_long) {
  std::error_code ec;
  set_linger(how_long, ec);
  throw_if(ec, "set_linger");
}

}  // namespace weft::net
