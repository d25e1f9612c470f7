// Redis for goroutines: commands look as if they blocked, and park only who asks.
//
// One connection serves any number of goroutines at the same time. Their commands go out together
// (pipelining): one goroutine writes what has come meanwhile, one reads, and hands each reply to
// whom it belongs. The server answers in order, so a command that waits there (BLPOP) delays those
// behind it: give it a client of its own.
//
// When the connection fails, all who wait get the error, and so does every later command.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <weft/weft.hpp>

#include "redis/link.hpp"

namespace redis {

class client {
 public:
  /// Connects, as `link` does, and asks the server whether it is there.
  /// Throws: error; the context's cause if that is cancelled first.
  client(const weft::context& ctx, const std::string& where);
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  /// Ends what waits.
  ~client();

  /// Parks the goroutine until the server has answered. A command that was cancelled may have been
  /// carried out: only its answer is dropped.
  /// Throws: error; the context's cause.
  template <class... Words>
  reply command(const weft::context& ctx, const Words&... words) {
    return ask(ctx, std::array<std::string_view, sizeof...(Words)>{words...});
  }
  template <class... Words>
  reply operator()(const Words&... words) {
    return command(weft::background(), words...);
  }

 private:
  explicit client(const std::string& where);
  reply ask(const weft::context& ctx, std::span<const std::string_view> words);
  void send_commands();
  void hand_out_replies();
  void end(const std::string& why);

  link link_;
  weft::derived_context<weft::cancel_function> life_ = weft::with_cancel(weft::background());
  weft::chan<void> news_{1};  // there are commands to send; once is enough
  weft::wait_group goroutines_;

  weft::mutex mutex_;
  std::deque<weft::oneshot<reply>> asked_;  // in the order of the commands
  std::optional<std::string> ended_;        // why
};

struct message {
  std::string channel;
  std::string text;
};

/// What is published on a channel of the server's, as a channel. Its own connection.
class subscription {
 public:
  /// From when it returns nothing is missed. Throws: as `client`.
  subscription(const weft::context& ctx, const std::string& where, const std::string& channel);
  subscription(const subscription&) = delete;
  subscription& operator=(const subscription&) = delete;
  ~subscription();

  /// Closed when the connection has failed. Who does not receive holds up the connection only.
  weft::recv_chan<message> messages() const noexcept { return messages_; }
  /// Why it is closed; not before it is.
  const std::string& why() const noexcept { return why_; }

 private:
  void pass_on();

  link link_;
  weft::derived_context<weft::cancel_function> life_ = weft::with_cancel(weft::background());
  weft::chan<message> messages_{16};
  std::string why_;
  weft::wait_group reader_;
};

}  // namespace redis
