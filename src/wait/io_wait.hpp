// Waiting for a descriptor.
// Tested by: tests/conformance/io/wait_test.cpp, tests/unit/engine/poller_test.cpp
#pragma once

#include <cstdint>

#include <weft/detail/wait_bound.hpp>

#include "engine/poller.hpp"

namespace weft::detail {

enum class io_outcome : std::uint8_t { ready, timeout, cancelled, closed };

/// For a non-blocking descriptor that the caller owns. Throws: std::system_error, std::bad_alloc.
descriptor& watch_descriptor(int fd);
/// Before its owner closes it: waits end, and none begins. Then poller::give_back(), once nobody
/// uses it.
void close_descriptor(descriptor& d) noexcept;

/// Everybody who waits, and whoever is about to, looks again: a deadline has changed.
void wake_all(descriptor& d, io_side sides) noexcept;

/// Waits for news of a watched descriptor since the last call, or for wake_all(). For after a
/// system call that would block: try it again when this says `ready`.
io_outcome wait_for_news(descriptor& d, io_side side, const wait_bound& bound) noexcept;

/// Waits until a descriptor is ready. Throws: std::system_error, std::bad_alloc.
io_outcome wait_for_foreign(int fd, io_side side, const wait_bound& bound);

}  // namespace weft::detail
