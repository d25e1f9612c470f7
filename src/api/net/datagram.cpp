// Messages that keep their bounds.
#include <weft/net/datagram.hpp>

#include <algorithm>
#include <chrono>

#include "api/net/open_socket.hpp"
#include "port/net/datagram_calls.hpp"

namespace weft::net {

using detail::io_side;
using detail::raw_buffers;
using detail::throw_if;

namespace {

/// To a Unix socket that this one is not connected to: the kernel tells nobody when there is room
/// in its queue again. So it is asked, less often each time.
template <class Call>
long send_by_asking(detail::io_handle& h, Call call, std::error_code& ec) {
  using std::chrono::milliseconds;
  constexpr milliseconds pause_max{20};
  for (milliseconds pause{1};; pause = std::min(2 * pause, pause_max)) {
    bool asked = false;
    const auto ask = [&](int fd) {
      asked = true;
      return call(fd);
    };
    const long sent =
        h.perform(io_side::write, ec, ask, {.deadline = detail::deadline_after(pause)});
    // It was not the pause that ended, but the socket's own deadline.
    if (sent >= 0 || ec != io_errc::timeout || !asked) return sent;
  }
}

}  // namespace

datagram datagram_socket::receive_message(const raw_buffers& into, bool ask_sender,
                                          std::error_code& ec) {
  datagram got;
  ec.clear();
  if (!handle(ec)) return got;
  const long size = handle_->perform(io_side::read, ec, [&](int fd) {
    return detail::receive_message_call(fd, into.all(), ask_sender ? &got.from : nullptr);
  });
  if (size < 0) return {};
  got.full_size = static_cast<std::size_t>(size);
  got.size = std::min(got.full_size, into.bytes());
  return got;
}

std::size_t datagram_socket::send_message(const raw_buffers& from, const address* to,
                                          std::error_code& ec) {
  ec.clear();
  if (!handle(ec)) return 0;
  const auto call = [&](int fd) { return detail::send_message_call(fd, from.all(), to); };
  const long sent = to && to->kind() == address::family::unix_path
                        ? send_by_asking(*handle_, call, ec)
                        : handle_->perform(io_side::write, ec, call);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

void datagram_socket::connect(const address& to, std::error_code& ec) noexcept {
  ec.clear();
  if (handle(ec)) handle_->perform_now(ec, [&](int fd) { return detail::connect_call(fd, to); });
}
void datagram_socket::connect(const address& to) {
  std::error_code ec;
  connect(to, ec);
  if (ec) throw std::system_error(ec, "connect " + to.to_string());
}

void datagram_socket::disconnect(std::error_code& ec) noexcept {
  ec.clear();
  if (handle(ec)) handle_->perform_now(ec, detail::disconnect_call);
}
void datagram_socket::disconnect() {
  std::error_code ec;
  disconnect(ec);
  throw_if(ec, "disconnect");
}

namespace {

void set_datagram_option(detail::io_handle* h, detail::datagram_option option, int value,
                         std::error_code& ec) {
  if (h)
    h->perform_now(ec, [&](int fd) { return detail::set_datagram_option_call(fd, option, value); });
}

}  // namespace

void datagram_socket::set_receive_buffer(int bytes, std::error_code& ec) noexcept {
  ec.clear();
  set_datagram_option(handle(ec), detail::datagram_option::receive_buffer_bytes, bytes, ec);
}
void datagram_socket::set_receive_buffer(int bytes) {
  std::error_code ec;
  set_receive_buffer(bytes, ec);
  throw_if(ec, "set_receive_buffer");
}

void datagram_socket::set_send_buffer(int bytes, std::error_code& ec) noexcept {
  ec.clear();
  set_datagram_option(handle(ec), detail::datagram_option::send_buffer_bytes, bytes, ec);
}
void datagram_socket::set_send_buffer(int bytes) {
  std::error_code ec;
  set_send_buffer(bytes, ec);
  throw_if(ec, "set_send_buffer");
}

address datagram_socket::remote_address() const {
  return checked([&](std::error_code& ec) { return remote(ec); });
}

}  // namespace weft::net
