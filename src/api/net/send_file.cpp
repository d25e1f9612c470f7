// Files to connections, by way of the kernel.
#include <weft/net/send_file.hpp>

#include <algorithm>
#include <cerrno>

#include <weft/io/copy.hpp>

#include "sync/io/file_core.hpp"
#include "sync/io/handle.hpp"

namespace weft::detail {

struct file_access {
  static file_core* core(io::file& f, std::error_code& ec) noexcept { return f.core(ec); }
};

namespace {

/// Large enough to be worth three system calls, small enough to be in memory soon.
constexpr std::size_t send_file_chunk = std::size_t{256} << 10;

/// A stream's handle is for its own kind: this is one.
struct stream_access : net::stream {
  static io_handle* handle_of(net::stream& s, std::error_code& ec) noexcept {
    if (!s.is_open()) ec = io_errc::closed;
    return (s.*(&stream_access::handle_)).get();
  }
};

/// What is left of a file to send.
struct file_part {
  std::int64_t offset;
  std::uint64_t left;
  std::uint64_t sent = 0;
  bool ended = false;
};

/// In one turn of the stream. Returns: 0, or -1 and errno: EAGAIN when there is no room.
long send_part_of_file(const io_handle& to, int socket, file_core& from, int fd, file_part& part) {
  while (part.left > 0) {
    if (!to.is_open()) return to_errno(-EAGAIN);  // waiting for room ends at once, and says so
    const auto chunk =
        static_cast<std::size_t>(std::min<std::uint64_t>(part.left, send_file_chunk));
    from.fetch(part.offset, chunk);
    const long moved = send_file_call(socket, fd, part.offset, chunk);
    if (moved < 0) return to_errno(moved);
    if (moved == 0) {
      part.ended = true;
      return 0;
    }
    part.offset += moved;
    part.left -= static_cast<std::uint64_t>(moved);
    part.sent += static_cast<std::uint64_t>(moved);
  }
  return 0;
}

/// For files that the kernel cannot send: it reads them only.
void send_by_hand(net::stream& to, io::file& from, file_part& part, std::error_code& ec) {
  const auto room = std::make_unique_for_overwrite<char[]>(copy_room);
  while (part.left > 0 && !part.ended && !ec) {
    const std::span<char> all(room.get(), std::min<std::uint64_t>(part.left, copy_room));
    const std::size_t got = from.read_at(static_cast<std::uint64_t>(part.offset), all, ec);
    part.ended = ec == io_errc::end_of_file;
    if (ec && !part.ended) return;
    ec.clear();
    const std::size_t moved = to.write(all.first(got), ec);
    part.offset += static_cast<std::int64_t>(moved);
    part.left -= moved;
    part.sent += moved;
  }
}

}  // namespace

std::uint64_t copy_inside_kernel(io::file& from, net::stream& to, std::error_code& ec) {
  const std::uint64_t begin = from.position(ec);
  if (ec) return copy_here(from, to, ec);  // a pipe, or it is closed
  const std::uint64_t sent = net::send_file(to, from, begin, net::to_end_of_file, ec);
  std::error_code moved;
  from.set_position(begin + sent, moved);
  if (!ec) ec = moved;
  return sent;
}

}  // namespace weft::detail

namespace weft::net {

std::uint64_t send_file(stream& to, io::file& from, std::uint64_t offset, std::uint64_t count,
                        std::error_code& ec) {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  ec.clear();
  detail::io_handle* const handle = detail::stream_access::handle_of(to, ec);
  if (ec) return 0;
  detail::file_core* const core = detail::file_access::core(from, ec);
  if (ec) return 0;
  if (offset > most) ec = std::make_error_code(std::errc::invalid_argument);
  if (ec) return 0;
  detail::file_part part{static_cast<std::int64_t>(offset), std::min(count, most - offset)};
  std::error_code socket_ec;
  core->perform(ec, [&](int fd) {
    return handle->perform(detail::io_side::write, socket_ec,
                           [&](int socket) {
                             return detail::send_part_of_file(*handle, socket, *core, fd, part);
                           }) < 0
               ? 0L
               : 1L;
  });
  if (!ec) ec = socket_ec;
  if (ec == std::errc::invalid_argument && part.sent == 0) {
    ec.clear();
    detail::send_by_hand(to, from, part, ec);
  }
  if (!ec && part.ended && count != to_end_of_file) ec = io_errc::end_of_file;
  return part.sent;
}

std::uint64_t send_file(stream& to, io::file& from, std::uint64_t offset, std::uint64_t count) {
  std::error_code ec;
  const std::uint64_t sent = send_file(to, from, offset, count, ec);
  if (ec) throw std::system_error(ec, "send_file");
  return sent;
}

}  // namespace weft::net
