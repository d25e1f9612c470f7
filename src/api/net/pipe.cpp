// Pipes, and descriptors that somebody owns.
#include <weft/io/descriptor.hpp>
#include <weft/io/pipe.hpp>

#include "api/net/open_socket.hpp"
#include "port/net/pipe_calls.hpp"

namespace weft::io {

using detail::io_side;
using detail::raw_buffer;
using detail::raw_buffers;
using detail::throw_if;

void owned_descriptor::reset(int fd) noexcept {
  if (fd_ >= 0) detail::close_call(fd_);
  fd_ = fd;
}

namespace {

std::size_t bytes_moved(long result) noexcept {
  return result > 0 ? static_cast<std::size_t>(result) : 0;
}

class made_reader : public pipe_reader {
 public:
  explicit made_reader(detail::io_handle_ptr h) noexcept { handle_ = std::move(h); }
};

class made_writer : public pipe_writer {
 public:
  explicit made_writer(detail::io_handle_ptr h) noexcept { handle_ = std::move(h); }
};

detail::io_handle_ptr opened_again(int fd, detail::pipe_way way, std::error_code& ec) {
  ec.clear();
  const int own = detail::open_again_call(fd, way);
  if (own >= 0) return detail::adopt_socket(own, ec);
  ec = {errno, std::system_category()};
  return nullptr;
}

}  // namespace

pipe_reader pipe_reader::open_again(int fd, std::error_code& ec) {
  return made_reader(opened_again(fd, detail::pipe_way::read, ec));
}
pipe_reader pipe_reader::open_again(int fd) {
  return checked([fd](std::error_code& ec) { return open_again(fd, ec); });
}

pipe_writer pipe_writer::open_again(int fd, std::error_code& ec) {
  return made_writer(opened_again(fd, detail::pipe_way::write, ec));
}
pipe_writer pipe_writer::open_again(int fd) {
  return checked([fd](std::error_code& ec) { return open_again(fd, ec); });
}

std::size_t pipe_reader::receive(const raw_buffers& into, std::error_code& ec) {
  ec.clear();
  if (!handle(ec) || into.bytes() == 0) return 0;
  const long got = handle_->perform(io_side::read, ec,
                                    [&](int fd) { return detail::read_call(fd, into.all()); });
  if (got == 0) ec = io_errc::end_of_file;
  return bytes_moved(got);
}

std::size_t pipe_writer::send_part(const raw_buffers& from, std::error_code& ec) {
  ec.clear();
  if (!handle(ec) || from.bytes() == 0) return 0;
  return bytes_moved(handle_->perform(
      io_side::write, ec, [&](int fd) { return detail::write_quietly_call(fd, from.all()); }));
}

/// In one turn: who writes meanwhile waits until all of it is written.
std::size_t pipe_writer::send_all(const void* data, std::size_t size, std::error_code& ec) {
  ec.clear();
  if (!handle(ec) || size == 0) return 0;
  // Safety: who only sends does not write through it.
  raw_buffer rest{const_cast<void*>(data), size};
  handle_->perform(io_side::write, ec, [&](int fd) -> long {
    while (rest.size > 0) {
      const long written = detail::write_quietly_call(fd, {&rest, 1});
      if (written < 0) return written;
      const std::size_t count = bytes_moved(written);
      rest = {static_cast<std::byte*>(rest.data) + count, rest.size - count};
    }
    return 0;
  });
  return size - rest.size;
}

pipe_ends make_pipe(std::error_code& ec) {
  ec.clear();
  int ends[2];
  if (detail::make_pipe_call(ends) != 0) {
    ec = {errno, std::system_category()};
    return {};
  }
  // Both are taken before anything fails.
  std::error_code of_writer;
  made_reader reader(detail::adopt_socket(ends[0], ec));
  made_writer writer(detail::adopt_socket(ends[1], of_writer));
  if (!ec) ec = of_writer;
  if (ec) return {};
  return {std::move(reader), std::move(writer)};
}
pipe_ends make_pipe() {
  std::error_code ec;
  pipe_ends made = make_pipe(ec);
  throw_if(ec, "make_pipe");
  return made;
}

}  // namespace weft::io
