#pragma once

#include <cstdint>
#include <limits>
#include <system_error>

#include <weft/io/file.hpp>
#include <weft/net/stream.hpp>

namespace weft::net {

/// As many bytes as the file has.
inline constexpr std::uint64_t to_end_of_file = std::numeric_limits<std::uint64_t>::max();

/// Sends `count` bytes of a file, from `offset` on: the kernel takes them from its own memory
/// (sendfile). The file's position stays where it is.
///
/// Blocks:  the goroutine, until the connection has taken everything, its write deadline passes, or
///          it is closed. Others that write to it wait for their turn.
/// Returns: how many bytes were sent; not all of them: with `ec`, io_errc::end_of_file when the
///          file is shorter than it should be (not with to_end_of_file).
/// Throws:  std::system_error; with `ec` only std::bad_alloc.
/// Threads: any; the file may be sent to many connections at the same time.
/// Example:
/// ```
/// auto page = weft::io::file::open("index.html");
/// connection.write(head_of(page.size()));
/// weft::net::send_file(connection, page, 0, page.size());
/// ```
std::uint64_t send_file(stream& to, io::file& from, std::uint64_t offset = 0,
                        std::uint64_t count = to_end_of_file);
std::uint64_t send_file(stream& to, io::file& from, std::uint64_t offset, std::uint64_t count,
                        std::error_code& ec);

}  // namespace weft::net
