#pragma once

#include <chrono>

#include <weft/cancellation.hpp>
#include <weft/detail/deadline.hpp>
#include <weft/detail/wait_bound.hpp>

namespace weft {

namespace detail {

enum class io_direction : bool { read, write };
bool wait_for_io(int fd, io_direction way, const wait_bound& bound);

}  // namespace detail

/// Waits until a file descriptor can be read: there are bytes, a connection, or the end of it.
///
/// For descriptors that are not weft's own: a non-blocking client library, an inotify or timerfd, a
/// socket made by hand. Anything that epoll takes; a regular file is not (it is always ready).
/// An error or a hang-up ends the wait as readiness does: the next system call tells which.
/// The descriptor should be non-blocking: when several wait for it, one may take what all were
/// woken for. Any number of goroutines and threads may wait for the same one, for reading and for
/// writing.
///
/// Blocks:  the goroutine, or the calling plain thread, not the worker.
/// Returns: true; with a bound: whether it is ready (false: the time ran out, or it was cancelled).
/// Throws:  std::system_error (EBADF, EPERM: epoll does not take it), std::bad_alloc.
/// Misuse:  close a descriptor only when nobody waits for it: the wait would not be ended.
/// Example:
/// ```
/// while (PQconsumeInput(db) && PQisBusy(db)) weft::wait_readable(PQsocket(db));
/// ```
inline void wait_readable(int fd) {
  static_cast<void>(detail::wait_for_io(fd, detail::io_direction::read, {}));
}
[[nodiscard]] inline bool wait_readable(const cancellation& cancel, int fd) {
  return detail::wait_for_io(fd, detail::io_direction::read, cancel.bound());
}
template <class Rep, class Period>
[[nodiscard]] bool wait_readable_for(int fd, std::chrono::duration<Rep, Period> d) {
  return detail::wait_for_io(fd, detail::io_direction::read,
                             {.deadline = detail::deadline_after(d)});
}
template <class Clock, class Duration>
[[nodiscard]] bool wait_readable_until(int fd, std::chrono::time_point<Clock, Duration> t) {
  return detail::wait_for_io(fd, detail::io_direction::read, {.deadline = detail::deadline_at(t)});
}

/// The same for writing: there is room, or a connection has been made, or it has failed.
inline void wait_writable(int fd) {
  static_cast<void>(detail::wait_for_io(fd, detail::io_direction::write, {}));
}
[[nodiscard]] inline bool wait_writable(const cancellation& cancel, int fd) {
  return detail::wait_for_io(fd, detail::io_direction::write, cancel.bound());
}
template <class Rep, class Period>
[[nodiscard]] bool wait_writable_for(int fd, std::chrono::duration<Rep, Period> d) {
  return detail::wait_for_io(fd, detail::io_direction::write,
                             {.deadline = detail::deadline_after(d)});
}
template <class Clock, class Duration>
[[nodiscard]] bool wait_writable_until(int fd, std::chrono::time_point<Clock, Duration> t) {
  return detail::wait_for_io(fd, detail::io_direction::write, {.deadline = detail::deadline_at(t)});
}

}  // namespace weft
