// See pipe_calls.hpp.
#include "port/net/pipe_calls.hpp"
#include "port/pack/packed_pages.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include <weft/detail/atomic.hpp>

#include "port/net/socket_calls.hpp"
#include "port/switch/sanitizer.hpp"

namespace weft::detail {
namespace {

constexpr int write_no_signal = 0x100;  // RWF_NOSIGNAL, which older headers do not have

constinit hint<bool> lacks_no_signal{false};

/// The buffers as the kernel wants them.
class vectors {
 public:
  explicit vectors(std::span<const raw_buffer> buffers) noexcept {
    for (const raw_buffer& b : buffers)
      room_[static_cast<std::size_t>(count_++)] = {b.data, b.size};
  }
  const iovec* data() const noexcept { return room_.data(); }
  int count() const noexcept { return static_cast<int>(count_); }

 private:
  std::array<iovec, raw_buffers::count_max> room_;
  std::size_t count_ = 0;
};

/// SIGPIPE does not reach this thread in its life. One that was blocked and has come before stays.
class pipe_signal_held {
 public:
  pipe_signal_held() noexcept {
    ::sigemptyset(&only_);
    ::sigaddset(&only_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &only_, &mask_before_);
    blocked_before_ = ::sigismember(&mask_before_, SIGPIPE) == 1;
    if (blocked_before_) {
      sigset_t pending;
      ::sigpending(&pending);
      pending_before_ = ::sigismember(&pending, SIGPIPE) == 1;
    }
  }
  pipe_signal_held(const pipe_signal_held&) = delete;
  pipe_signal_held& operator=(const pipe_signal_held&) = delete;
  ~pipe_signal_held() {
    if (!blocked_before_) ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  }
  /// The write has raised one.
  void take_off() noexcept {
    // Standard signals do not queue: it has become one with that which was there.
    if (pending_before_) return;
    const timespec now{0, 0};
    while (::sigtimedwait(&only_, nullptr, &now) < 0 && errno == EINTR) {
    }
  }

 private:
  sigset_t only_;
  sigset_t mask_before_;
  bool blocked_before_ = false;
  bool pending_before_ = false;
};

}  // namespace

int make_pipe_call(int (&ends)[2]) noexcept { return ::pipe2(ends, O_NONBLOCK | O_CLOEXEC); }

long read_call(int fd, std::span<const raw_buffer> into) noexcept {
  const pages_in_use stay(into);
  if (into.size() == 1) return ::read(fd, into[0].data, into[0].size);
  const vectors all(into);
  return ::readv(fd, all.data(), all.count());
}

long write_masked_call(int fd, std::span<const raw_buffer> from) noexcept {
  const pages_in_use stay(from);
  const vectors all(from);
  pipe_signal_held held;
  const long written = ::writev(fd, all.data(), all.count());
  const int error = errno;
  if (written < 0 && error == EPIPE) held.take_off();
  errno = error;
  return written;
}

long write_quietly_call(int fd, std::span<const raw_buffer> from) noexcept {
  // ThreadSanitizer learns that a pipe orders what is before and after it from writev() only.
  if (sanitizer_thread_count == 0 && !lacks_no_signal.read()) {
    const pages_in_use stay(from);
    const vectors all(from);
    const long written = ::pwritev2(fd, all.data(), all.count(), -1, write_no_signal);
    if (written >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)) return written;
    // EINVAL may be about this descriptor only.
    if (errno != EINVAL) lacks_no_signal.write(true);
  }
  return write_masked_call(fd, from);
}

long splice_call(int from, int to, std::size_t count) noexcept {
  return ::splice(from, nullptr, to, nullptr, count, SPLICE_F_NONBLOCK);
}

long splice_quietly_call(int from, int to, std::size_t count) noexcept {
  pipe_signal_held held;
  const long moved = splice_call(from, to, count);
  const int error = errno;
  if (moved < 0 && error == EPIPE) held.take_off();
  errno = error;
  return moved;
}

void widen_pipe_call(int fd, int bytes) noexcept {
  const int saved = errno;
  ::fcntl(fd, F_SETPIPE_SZ, bytes);
  errno = saved;
}

int open_again_call(int fd, pipe_way way) noexcept {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  const int access = way == pipe_way::read ? O_RDONLY : O_WRONLY;
  const int opened = ::open(path, access | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (opened >= 0) return opened;
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0 || make_non_blocking(copy) == 0) return copy;
  close_call(copy);
  return -1;
}

}  // namespace weft::detail
