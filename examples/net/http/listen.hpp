// A server's life: a goroutine for each connection, until SIGTERM or SIGINT.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include <weft/net/tcp.hpp>

#include "connections.hpp"

namespace web {

/// What a server does not put up with.
struct limits {
  /// Without a request.
  std::chrono::milliseconds idle{60'000};
  /// From the first byte of a request to its last: who dribbles (slowloris) is cut off.
  std::chrono::milliseconds request{10'000};
  /// For every 256 KiB of the response.
  std::chrono::milliseconds response{30'000};
  /// What requests in progress are given when the server ends.
  std::chrono::milliseconds grace{10'000};
  std::uint32_t header_bytes = 8 * 1024;
  std::uint64_t body_bytes = 1024 * 1024;
};

/// Serves one connection; `connections::entry` says how long it may take.
using connection_handler = std::function<void(connections::entry&)>;

/// Blocks:  until a signal has come and every connection has ended: what is idle at once, requests
///          in progress when they are answered, or after `limits.grace`.
/// Returns: whether all of them came to their end by themselves.
bool listen_and_serve(weft::net::tcp_listener& listener, const limits& limits,
                      const connection_handler& handle);

}  // namespace web
