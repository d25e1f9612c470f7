#pragma once

#include <cstddef>
#include <system_error>

#include <weft/io/buffers.hpp>
#include <weft/net/socket.hpp>

namespace weft::net {

/// What a receiving call has got.
struct datagram {
  /// How many bytes are in the buffers. 0 is a message, too: an empty one.
  std::size_t size = 0;
  /// How long the message was. What did not fit into the buffers is lost.
  std::size_t full_size = 0;
  /// Who sent it, if it was asked for; a Unix socket without a name has none.
  address from;

  bool truncated() const noexcept { return full_size > size; }
};

/// Messages that arrive whole or not at all: what `udp_socket` and `unix_datagram` have in common.
///
/// A message may be scattered over 16 buffers that are not empty, and gathered from as many; of
/// more, nothing is sent or received (std::errc::message_size), since half a message is none.
///
/// Blocks:  receiving: the goroutine (or the calling thread), until there is a message, the read
///          deadline passes, or the socket is closed. Sending: until there is room for it.
/// Throws:  std::system_error, where no std::error_code is given: io_errc::timeout and closed, the
///          system's own (message_size: too long for one; connection_refused: nobody is there).
/// Threads: any; receivers take turns, and so do senders. Each message goes to one receiver.
class datagram_socket : public socket {
 public:
  using socket::socket;

  /// Messages go to this address from now on, and only its come. May be called again.
  void connect(const address& to);
  void connect(const address& to, std::error_code& ec) noexcept;
  /// To and from everybody again.
  void disconnect();
  void disconnect(std::error_code& ec) noexcept;

  template <mutable_buffers B>
  datagram receive_from(const B& into, std::error_code& ec) {
    return is_whole(into, ec) ? receive_message(detail::raw_buffers(into), true, ec) : datagram();
  }
  template <mutable_buffers B>
  datagram receive_from(const B& into) {
    return checked([&](std::error_code& ec) { return receive_from(into, ec); });
  }
  /// Without asking who sent it: for a connected socket.
  template <mutable_buffers B>
  datagram receive(const B& into, std::error_code& ec) {
    return is_whole(into, ec) ? receive_message(detail::raw_buffers(into), false, ec) : datagram();
  }
  template <mutable_buffers B>
  datagram receive(const B& into) {
    return checked([&](std::error_code& ec) { return receive(into, ec); });
  }

  /// Returns: how long the message was; it is sent whole. Without bytes it is an empty message.
  template <const_buffers B>
  std::size_t send_to(const B& from, const address& to, std::error_code& ec) {
    return is_whole(from, ec) ? send_message(detail::raw_buffers(from), &to, ec) : 0;
  }
  template <const_buffers B>
  std::size_t send_to(const B& from, const address& to) {
    return checked([&](std::error_code& ec) { return send_to(from, to, ec); });
  }
  /// To the address that it is connected to.
  template <const_buffers B>
  std::size_t send(const B& from, std::error_code& ec) {
    return is_whole(from, ec) ? send_message(detail::raw_buffers(from), nullptr, ec) : 0;
  }
  template <const_buffers B>
  std::size_t send(const B& from) {
    return checked([&](std::error_code& ec) { return send(from, ec); });
  }

  /// How much the system keeps for a receiver that is slow; what comes then is lost (UDP) or holds
  /// the sender up (Unix). The system doubles it, and has a bound of its own.
  void set_receive_buffer(int bytes);
  void set_receive_buffer(int bytes, std::error_code& ec) noexcept;
  void set_send_buffer(int bytes);
  void set_send_buffer(int bytes, std::error_code& ec) noexcept;

  /// Of a connected one.
  address remote_address() const;
  address remote_address(std::error_code& ec) const noexcept { return remote(ec); }

 private:
  /// Whether all of the buffers fit into one call.
  template <class B>
  static bool is_whole(const B& buffers, std::error_code& ec) {
    if constexpr (detail::buffer_range<B>) {
      std::size_t count = 0;
      for (auto&& b : buffers) count += b.size() > 0 ? 1 : 0;
      if (count > detail::raw_buffers::count_max) {
        ec = std::make_error_code(std::errc::message_size);
        return false;
      }
    }
    return true;
  }
  datagram receive_message(const detail::raw_buffers& into, bool ask_sender, std::error_code& ec);
  std::size_t send_message(const detail::raw_buffers& from, const address* to, std::error_code& ec);
};

}  // namespace weft::net
