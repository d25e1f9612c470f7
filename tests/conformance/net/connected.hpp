// What the tests of connections share: two ends on loopback, blocks of bytes
// that know their place, and what the system says instead of an exception.
#pragma once

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <weft/net/tcp.hpp>

#include "weft_test.hpp"

namespace weft_test {

/// Two ends of one connection.
struct connected {
  weft::net::tcp_stream client;
  weft::net::tcp_stream server;
};

/// The connection waits in the backlog until it is accepted, so nobody needs to
/// help.
inline connected connect_to(weft::net::tcp_listener& listener) {
  connected made;
  made.client = weft::net::connect_tcp(listener.local_address());
  made.server = listener.accept();
  return made;
}

inline connected connect_pair() {
  weft::net::tcp_listener listener(weft::net::address::loopback());
  return connect_to(listener);
}

/// The byte at a place of a stream: a lost, doubled or moved one is seen.
inline char byte_at(std::size_t place, unsigned seed = 0) {
  const auto word = static_cast<std::uint32_t>(place / 3 + 1) * 2654435761U + seed * 40503U;
  return static_cast<char>((word >> 13U) + place);
}

inline std::string block(std::size_t size, unsigned seed = 0, std::size_t from = 0) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = byte_at(from + i, seed);
  return bytes;
}

inline std::span<char> into(std::string& room) { return {room.data(), room.size()}; }

/// All bytes until the end of the stream, or until `ec`.
inline std::string read_to_end(weft::net::stream& from, std::error_code& ec) {
  std::string all;
  std::string room(16'384, '\0');
  for (;;) {
    const std::size_t n = from.read_some(into(room), ec);
    all.append(room, 0, n);
    if (ec) break;
  }
  if (ec == weft::io_errc::end_of_file) ec.clear();
  return all;
}

inline std::string read_exactly(weft::net::stream& from, std::size_t size) {
  std::string all(size, '\0');
  std::size_t done = 0;
  while (done < size) done += from.read_some(std::span<char>(all.data() + done, size - done));
  return all;
}

/// What ends a read that is expected to bring nothing.
inline std::error_code error_of_read(weft::net::stream& from) {
  std::error_code ec;
  char byte = 0;
  EXPECT_EQ(from.read_some(std::span<char>(&byte, 1), ec), 0U);
  return ec;
}

/// Writes until there is no room. A deadline may pass before anything is tried.
inline std::size_t fill(weft::net::stream& to) {
  const std::string bytes(65'536, 'f');
  std::size_t written = 0;
  std::error_code ec;
  pollfd room{to.native_handle(), POLLOUT, 0};
  do {
    to.set_write_deadline(weft::clock::now() + std::chrono::milliseconds(20));
    written += to.write_some(bytes, ec);
  } while (!ec || ::poll(&room, 1, 0) == 1);
  EXPECT_EQ(ec, weft::io_errc::timeout);
  to.set_write_deadline({});
  return written;
}

}  // namespace weft_test
