// See file_calls.hpp.
#include "port/file/file_calls.hpp"
#include "port/pack/packed_pages.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace weft::detail {
namespace {

long or_errno(long result) noexcept { return result < 0 ? -errno : result; }

class io_vector {
 public:
  explicit io_vector(std::span<const raw_buffer> buffers) noexcept {
    for (const raw_buffer& b : buffers.first(std::min(buffers.size(), room_.size())))
      room_[count_++] = {b.data, b.size};
  }
  const iovec* data() const noexcept { return room_.data(); }
  int count() const noexcept { return static_cast<int>(count_); }

 private:
  std::array<iovec, raw_buffers::count_max> room_;
  std::size_t count_ = 0;
};

long transfer(const file_operation& o, int flags) noexcept {
  const pages_in_use stay(o.buffers);
  const io_vector all(o.buffers);
  return or_errno(o.verb == file_verb::read
                      ? ::preadv2(o.fd, all.data(), all.count(), o.offset, flags)
                      : ::pwritev2(o.fd, all.data(), all.count(), o.offset, flags));
}

int open_path(const char* path, int flags, unsigned permissions) noexcept {
  const raw_buffer text{const_cast<char*>(path), std::strlen(path) + 1};
  const pages_in_use stay({&text, 1});
  return ::open(path, flags, permissions);
}

/// sendfile() has no MSG_NOSIGNAL: the signal is kept back, and taken if this call has raised it.
/// One that was pending before is somebody else's, and stays.
class no_broken_pipe_signal {
 public:
  no_broken_pipe_signal() noexcept {
    sigset_t pending;
    ::sigpending(&pending);
    foreign_ = ::sigismember(&pending, SIGPIPE) == 1;
    ::sigemptyset(&only_);
    ::sigaddset(&only_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &only_, &before_);
  }
  no_broken_pipe_signal(const no_broken_pipe_signal&) = delete;
  no_broken_pipe_signal& operator=(const no_broken_pipe_signal&) = delete;
  ~no_broken_pipe_signal() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  void take() noexcept {
    const timespec at_once{};
    while (!foreign_ && ::sigtimedwait(&only_, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }

 private:
  sigset_t only_, before_;
  bool foreign_ = false;
};

}  // namespace

int open_flags_of(io::open_mode mode) noexcept {
  using io::open_mode;
  int flags = O_CLOEXEC | O_NOCTTY;
  if (has(mode, open_mode::write) || has(mode, open_mode::append))
    flags |= has(mode, open_mode::read) ? O_RDWR : O_WRONLY;
  else
    flags |= O_RDONLY;
  if (has(mode, open_mode::create)) flags |= O_CREAT;
  if (has(mode, open_mode::must_create)) flags |= O_CREAT | O_EXCL;
  if (has(mode, open_mode::truncate)) flags |= O_TRUNC;
  if (has(mode, open_mode::append)) flags |= O_APPEND;
  return flags;
}

unsigned permissions_of(io::open_mode mode) noexcept {
  return has(mode, io::open_mode::owner_only) ? S_IRUSR | S_IWUSR : 0666;
}

[[gnu::noinline]] long run_file_operation(const file_operation& o) noexcept {
  switch (o.verb) {
    case file_verb::read:
    case file_verb::write:
      return transfer(o, 0);
    case file_verb::sync:
      return or_errno(::fsync(o.fd));
    case file_verb::sync_data:
      return or_errno(::fdatasync(o.fd));
    case file_verb::open:
      return or_errno(open_path(o.path, open_flags_of(o.mode), permissions_of(o.mode)));
  }
  return -EINVAL;
}

[[gnu::noinline]] long try_file_operation(const file_operation& o) noexcept {
  return transfer(o, RWF_NOWAIT);
}

[[gnu::noinline]] bool lies_in_memory_call(int fd) noexcept {
  struct statfs found;
  return ::fstatfs(fd, &found) == 0 && (found.f_type == TMPFS_MAGIC || found.f_type == RAMFS_MAGIC);
}

[[gnu::noinline]] long file_size_call(int fd) noexcept {
  struct stat found;
  const long result = or_errno(::fstat(fd, &found));
  return result < 0 ? result : static_cast<long>(found.st_size);
}

[[gnu::noinline]] long file_position_call(int fd) noexcept {
  return or_errno(::lseek(fd, 0, SEEK_CUR));
}

[[gnu::noinline]] long set_file_position_call(int fd, std::int64_t offset) noexcept {
  return or_errno(::lseek(fd, offset, SEEK_SET));
}

[[gnu::noinline]] long close_file_call(int fd) noexcept {
  const long result = or_errno(::close(fd));
  return result == -EINTR ? 0 : result;  // on Linux it is closed all the same
}

[[gnu::noinline]] long check_descriptor_call(int fd) noexcept {
  const long result = or_errno(::fcntl(fd, F_GETFD));
  return result < 0 ? result : 1;
}

[[gnu::noinline]] long send_file_call(int socket, int file, std::int64_t offset,
                                      std::size_t count) noexcept {
  no_broken_pipe_signal kept_back;
  off_t at = offset;
  const long sent = or_errno(::sendfile(socket, file, &at, count));
  if (sent == -EPIPE) kept_back.take();
  return sent;
}

[[gnu::noinline]] bool is_in_memory(int file, std::int64_t offset, std::size_t count) noexcept {
  char byte = 0;
  const iovec one{&byte, 1};
  const auto there = [&](std::int64_t at) { return ::preadv2(file, &one, 1, at, RWF_NOWAIT) >= 0; };
  return there(offset) && (count <= 1 || there(offset + static_cast<std::int64_t>(count) - 1));
}

[[gnu::noinline]] void will_need_call(int file, std::int64_t offset, std::size_t count) noexcept {
  static_cast<void>(::posix_fadvise(file, offset, static_cast<off_t>(count), POSIX_FADV_WILLNEED));
}

[[gnu::noinline]] long to_errno(long result) noexcept {
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
}

}  // namespace weft::detail
