#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <system_error>
#include <type_traits>

#include <weft/io/stream.hpp>

namespace weft {

namespace net {
class stream;
class tcp_stream;
class unix_stream;
}  // namespace net

namespace io {
class file;
class pipe_reader;
class pipe_writer;
}  // namespace io

namespace detail {

class io_handle;

inline constexpr std::size_t copy_room = std::size_t{64} << 10;

/// Without the bytes ever coming here.
std::uint64_t copy_inside_kernel(io::file& from, net::stream& to, std::error_code& ec);

template <class T, class... Kinds>
concept one_of = (std::is_same_v<T, Kinds> || ...);

/// Exactly these: what is derived from one may read and write in its own way.
template <class T>
concept plain_stream = one_of<T, net::stream, net::tcp_stream, net::unix_stream>;
template <class From, class To>
concept copied_inside_kernel = std::is_same_v<io::file, From> && plain_stream<To>;
template <class T>
concept spliced_from = plain_stream<T> || std::is_same_v<T, io::pipe_reader>;
template <class T>
concept spliced_to = plain_stream<T> || std::is_same_v<T, io::pipe_writer>;

io_handle* spliced_handle(net::stream& s) noexcept;
io_handle* spliced_handle(io::pipe_reader& p) noexcept;
io_handle* spliced_handle(io::pipe_writer& p) noexcept;

enum class splice_end { end_of_file, trickle, refused };
/// As long as much comes at once, or until `ec`.
splice_end splice_much(io_handle* from, io_handle* to, std::uint64_t& done, std::error_code& ec);

/// True: a read has filled the room, which is a reason to stop. False: the end, or `ec`.
template <class From, class To>
bool copy_part(From& from, To& to, std::span<char> room, bool stops_when_full, std::uint64_t& done,
               std::error_code& ec) {
  io_progress progress;
  for (std::error_code read_ec; !ec;) {
    const std::size_t got = from.read_some(room, read_ec);
    if (got > 0) done += io::write_all(to, std::span<const char>(room.first(got)), ec);
    if (ec || read_ec == io_errc::end_of_file) break;
    ec = read_ec;
    progress.check(got, ec);
    if (stops_when_full && got == room.size() && !ec) return true;
  }
  return false;
}

template <class From, class To>
std::uint64_t copy_here(From& from, To& to, std::error_code& ec) {
  const auto room = std::make_unique_for_overwrite<char[]>(copy_room);
  std::uint64_t done = 0;
  copy_part(from, to, {room.get(), copy_room}, false, done, ec);
  return done;
}

/// What comes in small parts is read and written, with fewer system calls.
template <class From, class To>
std::uint64_t copy_spliced(From& from, To& to, std::error_code& ec) {
  const auto room = std::make_unique_for_overwrite<char[]>(copy_room);
  std::uint64_t done = 0;
  splice_end last = splice_end::trickle;
  while (last != splice_end::end_of_file &&
         copy_part(from, to, {room.get(), copy_room}, last == splice_end::trickle, done, ec)) {
    last = splice_much(spliced_handle(from), spliced_handle(to), done, ec);
    if (ec) break;
  }
  return done;
}

}  // namespace detail

namespace io {

/// Reads `from` to its end and writes everything to `to`: Go's io.Copy.
///
/// Neither end is closed. From a file to a connection, and between connections and pipes, the bytes
/// stay in the kernel (sendfile; splice while much comes at once), if both are weft's own types.
///
/// Blocks:  until the end of `from`, or an error of either side.
/// Returns: how many bytes were written. The end of `from` is not an error.
/// Throws:  what failed; with `ec` only std::bad_alloc. Which side it was is not told.
/// Example:
/// ```
/// weft::go([&] { weft::io::copy(client, server); server.close_write(); });
/// weft::io::copy(server, client);
/// ```
template <readable From, writable To>
std::uint64_t copy(From& from, To& to, std::error_code& ec) {
  ec.clear();
  if constexpr (detail::copied_inside_kernel<From, To>)
    return detail::copy_inside_kernel(from, to, ec);
  else if constexpr (detail::spliced_from<From> && detail::spliced_to<To>)
    return detail::copy_spliced(from, to, ec);
  else
    return detail::copy_here(from, to, ec);
}
template <readable From, writable To>
std::uint64_t copy(From& from, To& to) {
  return detail::io_checked("copy", [&](std::error_code& ec) { return io::copy(from, to, ec); });
}

/// Reads everything up to the end, `limit` bytes at most: memory is not the other side's to fill.
/// Returns: what was read; if that is not all, with `ec`: std::errc::message_size when there is
/// more than the limit.
/// Throws:  what failed, and std::bad_alloc.
template <readable From>
std::string read_all(From& from, std::size_t limit, std::error_code& ec) {
  ec.clear();
  std::string all;
  detail::io_progress progress;
  while (!ec) {
    // One byte more than is allowed: that the limit is reached does not say that there is more.
    const std::size_t done = all.size();
    const std::size_t most = limit - done < all.max_size() ? limit - done + 1 : all.max_size();
    all.resize(done + std::min(std::max<std::size_t>(done, 4096), most));
    const std::size_t got = from.read_some(std::span<char>(all).subspan(done), ec);
    all.resize(done + got);
    if (all.size() > limit) {
      all.resize(limit);
      ec = std::make_error_code(std::errc::message_size);
      return all;
    }
    progress.check(got, ec);
  }
  if (ec == io_errc::end_of_file) ec.clear();
  return all;
}
template <readable From>
std::string read_all(From& from, std::size_t limit) {
  return detail::io_checked("read",
                            [&](std::error_code& ec) { return io::read_all(from, limit, ec); });
}

}  // namespace io
}  // namespace weft
