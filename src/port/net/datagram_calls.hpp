// Messages that keep their bounds, one function for each system call. Like the calls they return
// -1 and set errno; none waits, none raises SIGPIPE.
//
// Tested by: tests/conformance/net/udp_test.cpp, tests/conformance/net/unix_test.cpp
#pragma once

#include <cstddef>
#include <span>

#include <weft/io/buffers.hpp>
#include <weft/net/address.hpp>

namespace weft::detail {

/// No buffers: an empty message. Null: to the peer of a connected socket.
long send_message_call(int fd, std::span<const raw_buffer> from, const net::address* to) noexcept;
/// Returns: how long the message was, which may be more than there was room for.
long receive_message_call(int fd, std::span<const raw_buffer> into, net::address* from) noexcept;

enum class datagram_option { broadcast, receive_buffer_bytes, send_buffer_bytes, hop_limit };
int set_datagram_option_call(int fd, datagram_option option, int value) noexcept;

/// What connect() did is undone: messages of everybody come again.
int disconnect_call(int fd) noexcept;

}  // namespace weft::detail
