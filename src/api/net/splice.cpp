// Bytes from one connection or pipe to another, by way of the kernel: splice(2) takes them into a
// pipe of weft's own, and from there to where they go. They are moved, as a rule, and not copied.
//
// Who waits for bytes holds no pipe, so a proxy's idle connections cost no descriptors; a few that
// nobody uses are kept. Filled only when it is empty, a pipe has always room: EAGAIN is about the
// other end. What comes in small parts is not spliced: that takes more system calls (splice() has
// no MSG_NOSIGNAL) and there is little to be copied. In bulk, a proxy on loopback
// needs about a fifth less CPU for a byte; its throughput is the same where others are the limit.
//
// Threads: any. Locks: that of the pipes kept: a leaf.
// Tested by: tests/conformance/io/splice_test.cpp
#include <weft/io/copy.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

#include <weft/io/descriptor.hpp>
#include <weft/io/pipe.hpp>
#include <weft/net/stream.hpp>

#include "port/file/file_calls.hpp"
#include "port/net/pipe_calls.hpp"
#include "port/switch/sanitizer.hpp"
#include "port/sync/spin_lock.hpp"
#include "sync/io/handle.hpp"

namespace weft::detail {
namespace {

constexpr int splice_pipe_bytes = 256 << 10;
constexpr std::size_t splice_chunk = std::size_t{1} << 20;
constexpr long splice_much_bytes = 16 << 10;

struct spliced_socket : net::stream {
  static io_handle* handle_of(net::stream& s) noexcept {
    return (s.*(&spliced_socket::handle_)).get();
  }
};
struct spliced_pipe : io::pipe_end {
  static io_handle* handle_of(io::pipe_end& p) noexcept {
    return (p.*(&spliced_pipe::handle_)).get();
  }
};

struct kernel_pipe {
  io::owned_descriptor out, in;
};

/// Empty pipes that nobody uses.
class kept_pipes {
 public:
  /// None, and errno, if there cannot be one.
  kernel_pipe take() noexcept {
    {
      std::lock_guard guard(lock_);
      if (count_ > 0) return std::move(pipes_[--count_]);
    }
    int ends[2];
    if (make_pipe_call(ends) != 0) return {};
    widen_pipe_call(ends[1], splice_pipe_bytes);
    return {io::owned_descriptor(ends[0]), io::owned_descriptor(ends[1])};
  }
  void give_back(kernel_pipe p) noexcept {
    std::lock_guard guard(lock_);
    if (count_ < pipes_.size()) pipes_[count_++] = std::move(p);
  }

 private:
  spin_lock lock_;
  std::array<kernel_pipe, 8> pipes_;
  std::size_t count_ = 0;
};

kept_pipes& pipes_kept() noexcept {
  // Outlives every static object: somebody may still copy.
  alignas(kept_pipes) static std::byte room[sizeof(kept_pipes)];
  static kept_pipes* const all = ::new (room) kept_pipes;
  return *all;
}

/// What one copy has taken from one side and not given to the other yet.
class transit {
 public:
  transit() noexcept = default;
  transit(const transit&) = delete;
  transit& operator=(const transit&) = delete;
  ~transit() { let_go(); }

  std::size_t inside() const noexcept { return inside_; }
  std::uint64_t given() const noexcept { return given_; }

  /// As a system call on `from`. When there is nothing, the pipe is let go.
  long take(int from) noexcept {
    if (!pipe_.in) pipe_ = pipes_kept().take();
    if (!pipe_.in) return to_errno(-EINVAL);  // too many descriptors: without one, then
    const long got = splice_call(from, pipe_.in.get(), splice_chunk);
    if (got > 0) inside_ = static_cast<std::size_t>(got);
    if (got < 0 && errno == EAGAIN) let_go();
    return got;
  }
  /// As a system call on `to`. 0: all was given.
  long give(const io_handle& handle, int to) noexcept {
    while (inside_ > 0) {
      if (!handle.is_open()) return to_errno(-EAGAIN);  // waiting for room ends at once
      const long moved = splice_quietly_call(pipe_.out.get(), to, inside_);
      if (moved <= 0) return moved < 0 ? moved : to_errno(-EIO);
      inside_ -= static_cast<std::size_t>(moved);
      given_ += static_cast<std::uint64_t>(moved);
    }
    return 0;
  }
  /// To where splice() cannot. False: with `ec`.
  void give_by_hand(io_handle& to, std::error_code& ec) {
    const auto room = std::make_unique_for_overwrite<char[]>(copy_room);
    while (inside_ > 0 && !ec) {
      raw_buffer rest{room.get(), copy_room};
      rest.size = static_cast<std::size_t>(std::max(read_call(pipe_.out.get(), {&rest, 1}), 0L));
      inside_ = rest.size > 0 ? inside_ - rest.size : 0;
      to.perform(io_side::write, ec, [&](int fd) { return write_rest(to, fd, rest); });
    }
  }

 private:
  /// One with something inside is of no use to others.
  void let_go() noexcept {
    if (pipe_.in && inside_ == 0) pipes_kept().give_back(std::move(pipe_));
  }
  long write_rest(const io_handle& handle, int to, raw_buffer& rest) noexcept {
    while (rest.size > 0) {
      if (!handle.is_open()) return to_errno(-EAGAIN);
      const long written = write_quietly_call(to, {&rest, 1});
      if (written < 0) return written;
      const auto count = static_cast<std::size_t>(written);
      rest = {static_cast<std::byte*>(rest.data) + count, rest.size - count};
      given_ += count;
    }
    return 0;
  }

  kernel_pipe pipe_;
  std::size_t inside_ = 0;
  std::uint64_t given_ = 0;
};

/// ThreadSanitizer knows what a pipe orders only from reads and writes that it sees.
constexpr bool pipes_are_spliced = sanitizer_thread_count == 0;

}  // namespace

io_handle* spliced_handle(net::stream& s) noexcept { return spliced_socket::handle_of(s); }
io_handle* spliced_handle(io::pipe_reader& p) noexcept {
  return pipes_are_spliced ? spliced_pipe::handle_of(p) : nullptr;
}
io_handle* spliced_handle(io::pipe_writer& p) noexcept {
  return pipes_are_spliced ? spliced_pipe::handle_of(p) : nullptr;
}

splice_end splice_much(io_handle* from, io_handle* to, std::uint64_t& done, std::error_code& ec) {
  if (!from || !to) return splice_end::refused;
  transit t;
  splice_end end = splice_end::trickle;
  for (long got = splice_much_bytes; got >= splice_much_bytes && !ec;) {
    got = from->perform(io_side::read, ec, [&](int fd) { return t.take(fd); });
    if (ec == std::errc::invalid_argument) {
      ec.clear();
      end = splice_end::refused;
    } else if (got == 0) {
      end = splice_end::end_of_file;
    } else if (got > 0) {
      to->perform(io_side::write, ec, [&](int fd) { return t.give(*to, fd); });
    }
    if (ec == std::errc::invalid_argument) {
      ec.clear();
      t.give_by_hand(*to, ec);
      end = splice_end::refused;
      break;
    }
  }
  done += t.given();
  return end;
}

}  // namespace weft::detail
