// Many connections to an echo server on loopback, from one thread with one epoll: the same for
// every server, and cheap enough to keep one processor of a server busy from another.
//
// A connection has one message on the way at a time. In a closed loop the answer brings the next
// message. In an open loop messages fall due at random times of a given mean rate, whatever the
// server does; a message that falls due while another is on the way waits, and its latency counts
// from when it was due (otherwise a server that stalls would be asked less while it does).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>
#include <vector>

#include "histogram.hpp"

namespace net_bench {

inline constexpr std::size_t message_size = 64;

struct client_options {
  std::uint16_t port = 0;
  int connections = 1;
  /// Messages a second in all; 0: a closed loop.
  double rate = 0;
  /// Asks epoll again and again, never sleeps in it: its own wake-up is not measured.
  /// An open loop always does.
  bool spin = false;
};

class client {
 public:
  /// Connects, and sends a message to and fro on each connection.
  explicit client(const client_options& o);
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  /// Resets the connections: they leave nothing behind, where a proper end would keep each port
  /// for a minute.
  ~client();

  /// Sends and receives until then.
  void run_until(std::int64_t end_ns);
  /// Of the answers since the last call to forget().
  const histogram& latencies() const noexcept { return latencies_; }
  void forget() {
    latencies_.clear();
    idle_ns_ = 0;
  }
  /// Time that it had nothing to do, since the last call to forget(). Only if it spins.
  std::int64_t idle_ns() const noexcept { return idle_ns_; }
  /// Messages that are due, or on the way.
  std::size_t unanswered() const noexcept;

 private:
  using message = std::array<char, message_size>;
  struct connection {
    int fd = -1;
    std::uint64_t number = 0;  // of the message on the way
    std::int64_t due_ns = 0;   // when it should have left
    std::size_t received = 0;  // of its answer; message_size: none is on the way
    message answer{};
    std::deque<std::int64_t> waiting;
  };

  void connect_all();
  void greet(connection& c);
  void send(connection& c, std::int64_t due_ns);
  void on_readable(connection& c);
  void on_answer(connection& c);
  void start_all();
  /// Returns false if nothing was.
  bool send_what_is_due();
  static message message_of(const connection& c) noexcept;

  client_options options_;
  int epoll_ = -1;
  std::vector<connection> connections_;
  histogram latencies_;
  std::int64_t idle_ns_ = 0;
  bool started_ = false;
  // The open loop.
  std::mt19937_64 random_{1};
  std::int64_t next_due_ns_ = 0;
  std::size_t next_connection_ = 0;
};

}  // namespace net_bench
