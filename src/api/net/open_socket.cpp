// See open_socket.hpp.
#include "api/net/open_socket.hpp"

#include <algorithm>
#include <chrono>
#include <new>

namespace weft::detail {
namespace {

/// It is over by itself, or when somebody closes a descriptor.
bool has_run_out(const std::error_code& ec) noexcept {
  return ec == std::errc::too_many_files_open || ec == std::errc::too_many_files_open_in_system ||
         ec == std::errc::no_buffer_space || ec == std::errc::not_enough_memory;
}

}  // namespace

io_handle_ptr adopt_socket(int fd, std::error_code& ec) {
  ec.clear();
  void* const room = ::operator new(sizeof(io_handle), std::nothrow);
  try {
    if (room) return io_handle_ptr(::new (room) io_handle(fd));
    close_call(fd);
    ec = std::make_error_code(std::errc::not_enough_memory);
    return nullptr;
  } catch (const std::system_error& e) {
    ec = e.code();
  } catch (const std::bad_alloc&) {
    ec = std::make_error_code(std::errc::not_enough_memory);
  }
  ::operator delete(room);
  return nullptr;
}

io_handle_ptr open_socket(const address& of, socket_kind kind, std::error_code& ec) {
  const int fd = open_socket_call(of.kind(), kind);
  if (fd >= 0) return adopt_socket(fd, ec);
  ec = {errno, std::system_category()};
  return nullptr;
}

void set_socket_option(io_handle* h, socket_option option, int value, std::error_code& ec) {
  if (!ec) h->perform_now(ec, [&](int fd) { return set_option_call(fd, option, value); });
}

void bind_socket(io_handle* h, const address& to, std::error_code& ec) {
  if (!ec) h->perform_now(ec, [&](int fd) { return bind_call(fd, to); });
}

void listen_on_socket(io_handle* h, int backlog, std::error_code& ec) {
  if (!ec) h->perform_now(ec, [&](int fd) { return listen_call(fd, backlog); });
}

void connect_socket(io_handle* h, const address& to, const wait_bound& bound, std::error_code& ec) {
  if (ec) return;
  h->perform_now(ec, [&](int fd) { return connect_call(fd, to); });
  if (ec != std::errc::operation_in_progress && ec != std::errc::interrupted) return;
  int error = ENOTCONN;  // news may be about something else: then it is not there yet
  while (error == ENOTCONN) {
    if (!h->wait(io_side::write, bound, ec)) return;
    h->perform_now(ec, [&](int fd) {
      error = connection_error(fd);
      return 0;
    });
    if (ec) return;
  }
  if (error != 0) ec = {error, std::system_category()};
}

io_handle_ptr accept_socket(io_handle& h, std::error_code& ec) {
  using std::chrono::milliseconds;
  milliseconds pause{5};
  for (;;) {
    const long fd = h.perform(io_side::read, ec, accept_call);
    if (fd >= 0) return adopt_socket(static_cast<int>(fd), ec);
    if (ec.category() != std::system_category()) return nullptr;
    if (was_gone_before_accept(ec.value())) continue;
    if (!has_run_out(ec)) return nullptr;
    if (!h.pause(io_side::read, std::chrono::nanoseconds(pause).count(), ec)) return nullptr;
    pause = std::min(2 * pause, milliseconds{1000});
  }
}

}  // namespace weft::detail
