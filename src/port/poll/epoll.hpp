// The one epoll instance of the process, and the eventfd that ends a sleep in it.
//
// Threads: any. Several may collect at the same time; each event goes to one of them.
// Tested by: tests/unit/port/epoll_test.cpp
#pragma once

#include <cstdint>
#include <span>

#include <weft/detail/deadline.hpp>

namespace weft::detail {

/// What is asked of a descriptor, and what is known of it.
enum class io_side : std::uint8_t { none = 0, read = 1, write = 2, both = 3 };

constexpr io_side operator|(io_side a, io_side b) noexcept {
  return static_cast<io_side>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
constexpr bool has(io_side all, io_side one) noexcept {
  return (static_cast<std::uint8_t>(all) & static_cast<std::uint8_t>(one)) != 0;
}

struct poll_event {
  std::uint64_t tag = 0;
  io_side sides = io_side::none;  // an error or a hang-up is news for both
  bool more_than_bytes = false;   // also: the other end has ended, an error, urgent data
};

/// Opens it, if it is not open yet. Throws: std::system_error.
void open_poll();
bool poll_is_open() noexcept;

/// Edge-triggered, until the descriptor is closed: each change of readiness is told once.
/// Throws: std::system_error (EPERM: it is a file, which is always ready).
void poll_watch(int fd, std::uint64_t tag);
/// Level-triggered and told once; then it must be asked for again. Works whether the descriptor is
/// known already or its number was used by another before. Returns: 0, or an errno.
[[nodiscard]] int poll_once(int fd, io_side sides, std::uint64_t tag) noexcept;
/// Nothing is told of it any more, but what a thread has collected already.
void poll_forget(int fd) noexcept;

/// Asks the kernel at once, without waiting: an error and a hang-up are ready, too.
bool is_ready_now(int fd, io_side sides) noexcept;

/// Sleeps until the deadline at most (0: does not sleep), and until an event or a call of
/// interrupt_poll(). Returns how many events there are.
int collect_poll(std::span<poll_event> events, deadline_ns until) noexcept;

/// Ends the sleep of one thread in collect_poll(), now or the next time. Who only looks (deadline
/// 0) leaves it to that one.
void interrupt_poll() noexcept;

}  // namespace weft::detail
