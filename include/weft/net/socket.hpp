#pragma once

#include <chrono>
#include <memory>
#include <system_error>

#include <weft/detail/deadline.hpp>
#include <weft/io/error.hpp>
#include <weft/net/address.hpp>

namespace weft {

namespace detail {

class io_handle;
struct io_handle_deleter {
  void operator()(io_handle* h) const noexcept;
};
using io_handle_ptr = std::unique_ptr<io_handle, io_handle_deleter>;
/// Takes the descriptor, makes it non-blocking. Closes it if it throws.
io_handle_ptr adopt_descriptor(int fd);

}  // namespace detail

namespace net {

/// What all sockets have: an end, deadlines, addresses, options.
///
/// It owns its descriptor, and is moved, not copied. Any number of goroutines and threads may call
/// at once: those that read take turns, and so do those that write. `close()` from another
/// goroutine ends every call that waits, with io_errc::closed; the destructor closes, too, but may
/// only run when no call is inside.
///
/// Deadlines are Go's: points in time, not durations. They hold for the calls that wait now and for
/// all later ones, until they are set again; a call fails with io_errc::timeout at once if its
/// deadline has passed. `{}` (no time) takes the deadline away.
///
/// Each function that may fail exists twice: with `std::error_code&` it reports, without it throws
/// std::system_error.
class socket {
 public:
  /// Not open: every call fails with io_errc::closed.
  socket() noexcept = default;
  /// Takes over a descriptor of a socket, whatever made it. Throws: std::system_error.
  explicit socket(int fd) : handle_(detail::adopt_descriptor(fd)) {}

  bool is_open() const noexcept;
  /// For options that weft does not know. -1 if it is not open. weft has made it non-blocking.
  /// Misuse:  wait_readable() and wait_writable() on it take weft's own news away.
  int native_handle() const noexcept;

  /// Ends every call on it, and waits until they have returned. Closing it is also what its
  /// destructor does, which waits for another's close(): so the call that close() has ended may be
  /// followed by the destruction.
  /// Misuse: closing twice reports io_errc::closed, or throws it.
  void close();
  void close(std::error_code& ec) noexcept;

  void set_deadline(time_point at) noexcept;
  void set_read_deadline(time_point at) noexcept;
  void set_write_deadline(time_point at) noexcept;
  /// From now. `std::chrono::hours::max()` and the like: never.
  template <class Rep, class Period>
  void set_deadline_after(std::chrono::duration<Rep, Period> d) noexcept {
    set_deadlines(true, true, detail::deadline_after(d));
  }
  void clear_deadline() noexcept { set_deadlines(true, true, detail::never_ns); }

  address local_address() const;
  address local_address(std::error_code& ec) const noexcept;

 protected:
  explicit socket(detail::io_handle_ptr handle) noexcept : handle_(std::move(handle)) {}
  void set_deadlines(bool read, bool write, detail::deadline_ns at) noexcept;
  address remote(std::error_code& ec) const noexcept;
  /// For the twins without a code.
  template <class F>
  static auto checked(F f) {
    std::error_code ec;
    auto result = f(ec);
    if (ec) throw std::system_error(ec);
    return result;
  }
  /// Null if it is not open; then with `ec`. So calls that move nothing notice, too.
  detail::io_handle* handle(std::error_code& ec) const noexcept;

  detail::io_handle_ptr handle_;
};

}  // namespace net
}  // namespace weft
