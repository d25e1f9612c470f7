// What all sockets have.
#include <weft/net/socket.hpp>

#include "api/net/open_socket.hpp"

namespace weft {

void detail::io_handle_deleter::operator()(io_handle* h) const noexcept { delete h; }

detail::io_handle_ptr detail::adopt_descriptor(int fd) {
  if (make_non_blocking(fd) < 0)
    throw std::system_error(errno, std::system_category(), "weft: not a descriptor");
  return io_handle_ptr(new io_handle(fd));
}

namespace net {

using detail::io_side;
using detail::throw_if;

bool socket::is_open() const noexcept { return handle_ && handle_->is_open(); }

int socket::native_handle() const noexcept { return handle_ ? handle_->fd() : -1; }

detail::io_handle* socket::handle(std::error_code& ec) const noexcept {
  if (is_open()) return handle_.get();
  ec = io_errc::closed;
  return nullptr;
}

void socket::close(std::error_code& ec) noexcept {
  ec.clear();
  if (!handle_ || !handle_->close()) ec = io_errc::closed;
}

void socket::close() {
  std::error_code ec;
  close(ec);
  throw_if(ec, "close");
}

void socket::set_deadlines(bool read, bool write, detail::deadline_ns at) noexcept {
  const io_side sides =
      (read ? io_side::read : io_side::none) | (write ? io_side::write : io_side::none);
  if (handle_) handle_->set_deadline(sides, at);
}

namespace {

detail::deadline_ns deadline_at_or_never(time_point at) noexcept {
  return at == time_point{} ? detail::never_ns : detail::deadline_at(at);
}

}  // namespace

void socket::set_deadline(time_point at) noexcept {
  set_deadlines(true, true, deadline_at_or_never(at));
}
void socket::set_read_deadline(time_point at) noexcept {
  set_deadlines(true, false, deadline_at_or_never(at));
}
void socket::set_write_deadline(time_point at) noexcept {
  set_deadlines(false, true, deadline_at_or_never(at));
}

address socket::local_address(std::error_code& ec) const noexcept {
  address found;
  ec.clear();
  if (handle(ec))
    handle_->perform_now(ec, [&](int fd) { return detail::local_address_call(fd, found); });
  return found;
}

address socket::local_address() const {
  std::error_code ec;
  const address found = local_address(ec);
  throw_if(ec, "local_address");
  return found;
}

address socket::remote(std::error_code& ec) const noexcept {
  address found;
  ec.clear();
  if (handle(ec))
    handle_->perform_now(ec, [&](int fd) { return detail::remote_address_call(fd, found); });
  return found;
}

}  // namespace net
}  // namespace weft
