// epoll(7), with sleeps in nanoseconds where the kernel has epoll_pwait2 (Linux 5.11).
#include "port/poll/epoll.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <limits>
#include <mutex>
#include <system_error>

#include <weft/detail/atomic.hpp>

#include "port/clock.hpp"
#include "port/switch/sanitizer.hpp"

namespace weft::detail {
namespace {

constexpr std::uint64_t interrupt_tag = std::numeric_limits<std::uint64_t>::max();

constinit std::mutex open_mutex;
constinit published<bool> is_open{false};
constinit int poll_fd = -1;  // written once, before is_open
constinit int interrupt_fd = -1;
constinit hint<bool> lacks_nanoseconds{false};

[[noreturn]] void throw_no_poll(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::uint32_t bits_of(io_side sides) noexcept {
  std::uint32_t bits = 0;
  if (has(sides, io_side::read)) bits |= EPOLLIN | EPOLLRDHUP | EPOLLPRI;
  if (has(sides, io_side::write)) bits |= EPOLLOUT;
  return bits;
}

io_side sides_of(std::uint32_t bits) noexcept {
  io_side sides = io_side::none;
  if ((bits & (EPOLLIN | EPOLLRDHUP | EPOLLPRI)) != 0) sides = sides | io_side::read;
  if ((bits & EPOLLOUT) != 0) sides = sides | io_side::write;
  if ((bits & (EPOLLERR | EPOLLHUP)) != 0) sides = io_side::both;
  return sides;
}

int control(int operation, int fd, std::uint32_t bits, std::uint64_t tag) noexcept {
  epoll_event event{};
  event.events = bits;
  event.data.u64 = tag;
  return ::epoll_ctl(poll_fd, operation, fd, &event) == 0 ? 0 : errno;
}

/// As epoll_wait, but takes the time that is left in nanoseconds; never_ns: no bound.
int wait_ns(epoll_event* events, int count, deadline_ns left) noexcept {
  if (left == 0 || left == never_ns)
    return ::epoll_wait(poll_fd, events, count, left == 0 ? 0 : -1);
  // ThreadSanitizer lets signals in at calls of the C library only.
  if (sanitizer_thread_count == 0 && !lacks_nanoseconds.read()) {
    const timespec time{static_cast<time_t>(left / 1'000'000'000),
                        static_cast<long>(left % 1'000'000'000)};
    const long found =
        ::syscall(SYS_epoll_pwait2, poll_fd, events, count, &time, nullptr, std::size_t{8});
    if (found >= 0 || errno != ENOSYS) return static_cast<int>(found);
    lacks_nanoseconds.write(true);
  }
  const deadline_ns ms = std::min<deadline_ns>(left / 1'000'000 + 1, 1'000'000'000);
  return ::epoll_wait(poll_fd, events, count, static_cast<int>(ms));
}

}  // namespace

void open_poll() {
  if (is_open.read()) return;
  std::lock_guard guard(open_mutex);
  if (is_open.read()) return;
  if (poll_fd < 0) poll_fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (poll_fd < 0) throw_no_poll("weft: no epoll instance");
  if (interrupt_fd < 0) interrupt_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (interrupt_fd < 0) throw_no_poll("weft: no eventfd for the poller");
  // Level-triggered: it is told until the sleeper, for whom it is, has heard it.
  const int error = control(EPOLL_CTL_ADD, interrupt_fd, EPOLLIN, interrupt_tag);
  if (error != 0 && error != EEXIST)
    throw std::system_error(error, std::generic_category(), "weft: no eventfd in the poller");
  is_open.publish(true);
}

bool poll_is_open() noexcept { return is_open.read(); }

void poll_watch(int fd, std::uint64_t tag) {
  const int error = control(EPOLL_CTL_ADD, fd, bits_of(io_side::both) | EPOLLET, tag);
  if (error != 0) throw std::system_error(error, std::generic_category(), "weft: not pollable");
}

int poll_once(int fd, io_side sides, std::uint64_t tag) noexcept {
  const std::uint32_t bits = bits_of(sides) | EPOLLONESHOT;
  const int error = control(EPOLL_CTL_MOD, fd, bits, tag);
  return error == ENOENT ? control(EPOLL_CTL_ADD, fd, bits, tag) : error;
}

void poll_forget(int fd) noexcept {
  const int saved = errno;
  static_cast<void>(control(EPOLL_CTL_DEL, fd, 0, 0));
  errno = saved;
}

bool is_ready_now(int fd, io_side sides) noexcept {
  pollfd asked{fd, 0, 0};
  if (has(sides, io_side::read)) asked.events |= POLLIN | POLLRDHUP;
  if (has(sides, io_side::write)) asked.events |= POLLOUT;
  const int saved = errno;
  const bool ready = ::poll(&asked, 1, 0) > 0;
  errno = saved;
  return ready;
}

namespace {

void hear_interruption() noexcept {
  std::uint64_t count = 0;
  if (::read(interrupt_fd, &count, sizeof count) < 0) {  // somebody else has: no matter
  }
}

}  // namespace

int collect_poll(std::span<poll_event> events, deadline_ns until) noexcept {
  std::array<epoll_event, 128> found;
  const int saved = errno;
  const deadline_ns left =
      until == 0 || until == never_ns ? until : std::max<deadline_ns>(until - now_ns(), 0);
  const auto room = static_cast<int>(std::min(found.size(), events.size()));
  const int count = wait_ns(found.data(), room, left);
  int told = 0;
  for (int i = 0; i < count; ++i) {
    const epoll_event& each = found[static_cast<std::size_t>(i)];
    if (each.data.u64 == interrupt_tag) {
      if (until != 0) hear_interruption();  // who only looks leaves it to the one who sleeps
      continue;
    }
    constexpr std::uint32_t not_bytes = EPOLLRDHUP | EPOLLERR | EPOLLPRI;
    events[static_cast<std::size_t>(told++)] = {each.data.u64, sides_of(each.events),
                                                (each.events & not_bytes) != 0};
  }
  errno = saved;
  return told;
}

void interrupt_poll() noexcept {
  const int saved = errno;
  const std::uint64_t one = 1;
  // It fails only when the counter is full: never within the life of a process.
  if (::write(interrupt_fd, &one, sizeof one) < 0) errno = saved;
  errno = saved;
}

}  // namespace weft::detail
