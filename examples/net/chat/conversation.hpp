// One client of the chat, from the upgrade to the end: a goroutine that reads what it says, and one
// that writes what it is told. They share Beast's stream as duplex.hpp says.
#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>
#include <string>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <weft/weft.hpp>

#include "../http/routes.hpp"
#include "duplex.hpp"
#include "options.hpp"
#include "rooms.hpp"

namespace chat {

namespace websocket = boost::beast::websocket;

/// Holds those up who talk too much: the others' outboxes are not there to be flooded.
class pace {
 public:
  pace(unsigned burst, std::chrono::milliseconds each) : lead_(burst * each), each_(each) {}
  void wait() {
    const auto now = duplex::clock::now();
    next_ = std::max(next_, now - lead_) + each_;
    if (next_ > now) weft::sleep_until(next_);
  }

 private:
  std::chrono::milliseconds lead_, each_;
  duplex::clock::time_point next_{};
};

class conversation {
 public:
  conversation(weft::net::tcp_stream& stream, const options& options)
      : options_(options), socket_(stream, duplex::times{options.silence, options.write}) {
    socket_.read_message_max(options.message_bytes);
    socket_.auto_fragment(false);
  }

  /// Answers the upgrade. False: with an error, and the connection ends.
  bool accept(const web::request& r) {
    const std::lock_guard lock(layer());
    error_code ec;
    socket_.accept(r, ec);
    return !ec;
  }

  /// Until one side ends it.
  void run(rooms& all, const std::string& room, const std::string& name) {
    const auto me = all.join(room, name);
    if (!me) return close(close_code::try_again_later);
    close_code why;
    {
      const weft::wait_group writing;
      const weft::defer leaving([&] {
        me->leave();  // ends the goroutine that writes
        writing.wait();
      });
      writing.go(weft::named("chat writer"), [&] { write_all(me->outbox()); });
      why = read_all(*me);
    }
    if (me->why() != farewell::none) why = static_cast<close_code>(me->why());
    if (why != close_code::none) close(why);
  }

 private:
  using error_code = boost::system::error_code;
  using close_code = websocket::close_code;

  duplex& layer() { return socket_.next_layer(); }

  /// Returns: what is to be said to the other side; none: nothing more, Beast has.
  close_code read_all(seat& me) {
    boost::beast::flat_buffer message;
    pace not_too_fast(options_.burst, options_.pace);
    try {
      for (;;) {
        const close_code why = read(message);
        if (why != close_code::normal) return why;
        me.say(boost::beast::buffers_to_string(message.data()));
        message.clear();
        not_too_fast.wait();
      }
    } catch (const reading_stopped&) {  // the outbox was closed, or writing has failed
      return close_code::none;
    }
  }

  /// Returns: normal: there is a message.
  close_code read(boost::beast::flat_buffer& message) {
    const std::lock_guard lock(layer());
    error_code ec;
    socket_.read(message, ec);
    if (ec) return close_code::none;
    return socket_.got_text() ? close_code::normal : close_code::unknown_data;
  }

  void write_all(const weft::recv_chan<text>& outbox) {
    auto ping_at = duplex::clock::now() + options_.ping;
    for (;;) {
      const auto next = outbox.recv_until(ping_at);
      if (next.status() == weft::channel_status::closed) break;
      const std::lock_guard lock(layer());
      error_code ec;
      if (next) socket_.write(boost::asio::buffer(**next), ec);
      if (const auto now = duplex::clock::now(); !ec && now >= ping_at) {
        socket_.ping({}, ec);
        ping_at = now + options_.ping;
      }
      if (ec) break;
    }
    const std::lock_guard lock(layer());
    layer().stop_reading();
  }

  /// For the goroutine that reads: it waits for the answer.
  void close(close_code why) {
    const std::lock_guard lock(layer());
    layer().finish_within(options_.farewell);
    error_code ignored;
    if (socket_.is_open()) socket_.close(why, ignored);
  }

  const options& options_;
  websocket::stream<duplex, false> socket_;  // false: no compression
};

}  // namespace chat
