// Bytes in order, both ways.
#include <weft/net/stream.hpp>

#include "api/net/open_socket.hpp"

namespace weft::net {

using detail::io_side;
using detail::raw_buffer;
using detail::raw_buffers;
using detail::socket_half;

std::size_t stream::receive(const raw_buffers& into, std::error_code& ec) {
  ec.clear();
  if (!handle(ec)) return 0;
  if (into.bytes() == 0) return 0;
  const long got = handle_->perform_read(
      into.bytes(), ec, [&](int fd) { return detail::receive_call(fd, into.all()); });
  if (got == 0) ec = io_errc::end_of_file;
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

std::size_t stream::send_part(const raw_buffers& from, std::error_code& ec) {
  ec.clear();
  if (!handle(ec)) return 0;
  if (from.bytes() == 0) return 0;
  const long sent = handle_->perform(io_side::write, ec,
                                     [&](int fd) { return detail::send_call(fd, from.all()); });
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

/// In one turn: who writes meanwhile waits until all of it is written.
std::size_t stream::send_all(const void* data, std::size_t size, std::error_code& ec) {
  ec.clear();
  if (!handle(ec)) return 0;
  if (size == 0) return 0;
  // Safety: it is only read from.
  auto* const bytes = static_cast<std::byte*>(const_cast<void*>(data));
  std::size_t done = 0;
  handle_->perform(io_side::write, ec, [&](int fd) -> long {
    for (;;) {
      const raw_buffer rest{bytes + done, size - done};
      const long sent = detail::send_call(fd, {&rest, 1});
      if (sent < 0) return sent;
      done += static_cast<std::size_t>(sent);
      if (done == size) return 0;
    }
  });
  return done;
}

namespace {

void shut_down(detail::io_handle& h, socket_half half, std::error_code& ec) {
  h.perform_now(ec, [half](int fd) { return detail::shut_down_call(fd, half); });
}

}  // namespace

void stream::close_write(std::error_code& ec) noexcept {
  ec.clear();
  if (handle(ec)) shut_down(*handle_, socket_half::writing, ec);
}
void stream::close_write() {
  checked([&](std::error_code& ec) {
    close_write(ec);
    return 0;
  });
}
void stream::close_read(std::error_code& ec) noexcept {
  ec.clear();
  if (handle(ec)) shut_down(*handle_, socket_half::reading, ec);
}
void stream::close_read() {
  checked([&](std::error_code& ec) {
    close_read(ec);
    return 0;
  });
}

address stream::remote_address() const {
  return checked([&](std::error_code& ec) { return remote(ec); });
}

}  // namespace weft::net
