// The layer below Beast's WebSocket where one goroutine reads and others write.
//
// Beast's blocking stream is for one caller at a time, and whoever reads also writes: pongs, and
// the answer to a close. So every call on it is made under a lock, and the lock is this layer,
// which Beast reads through: it gives the lock up while it waits for bytes. Beast's reading has
// then nothing half done that its writing could meet, and a pong is written with the lock held.
//
// Invariants: D1 who calls Beast holds the lock. D2 one goroutine at a time reads or closes.
//             D3 who holds the lock and writes gets on within `write`, or fails, and with it the
//             connection: a client that does not read holds up its own connection only.
// Why not wait for bytes before Beast is called: it keeps bytes of its own, and does not say how
// many, nor whether a frame is whole. Why not close() in the goroutine that writes: it reads (D2);
// so stop_reading() brings the one that reads out of Beast by an exception. An error would not do:
// Beast takes every error of its layer for the end of the connection.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <system_error>
#include <utility>

#include <weft/net/asio.hpp>
#include <weft/net/tcp.hpp>
#include <weft/sync/mutex.hpp>

namespace chat {

/// Thrown by a read that stop_reading() has ended. What Beast has read stays valid.
struct reading_stopped {};

class duplex {
 public:
  struct times {
    std::chrono::milliseconds silence;  // without a byte from the other side
    std::chrono::milliseconds write;
  };
  using clock = std::chrono::steady_clock;
  using error_code = boost::system::error_code;
  using next_layer_type = weft::net::asio_stream<weft::net::tcp_stream&>;
  using executor_type = next_layer_type::executor_type;

  duplex(weft::net::tcp_stream& stream, const times& how_long) : next_(stream), times_(how_long) {}

  /// Lockable, for std::lock_guard.
  void lock() {
    mutex_.lock();
    tcp().set_write_deadline(soon(times_.write));
  }
  void unlock() { mutex_.unlock(); }

  /// With the lock held: the read that waits, or else the next one, throws reading_stopped.
  void stop_reading() {
    stopped_ = true;
    tcp().set_read_deadline(clock::now());
  }
  /// With the lock held: reads go on, but neither they nor writes for longer than this.
  void finish_within(std::chrono::milliseconds time) {
    stopped_ = false;
    last_ = clock::now() + time;
    tcp().set_write_deadline(soon(times_.write));
  }

  /// With the lock held, and held again when it returns or throws; not in between.
  template <class MutableBuffers>
  std::size_t read_some(const MutableBuffers& into, error_code& ec) {
    if (std::exchange(stopped_, false)) throw reading_stopped();
    tcp().set_read_deadline(soon(times_.silence));
    unlock();
    const std::size_t n = next_.read_some(into, ec);
    lock();
    if (ec && std::exchange(stopped_, false)) throw reading_stopped();
    return n;
  }
  template <class ConstBuffers>
  std::size_t write_some(const ConstBuffers& from, error_code& ec) {
    return next_.write_some(from, ec);
  }
  /// Beast asks for those that throw, and does not use them.
  template <class MutableBuffers>
  std::size_t read_some(const MutableBuffers& into) {
    return checked([&](error_code& ec) { return read_some(into, ec); });
  }
  template <class ConstBuffers>
  std::size_t write_some(const ConstBuffers& from) {
    return checked([&](error_code& ec) { return write_some(from, ec); });
  }

  next_layer_type& next_layer() noexcept { return next_; }
  const next_layer_type& next_layer() const noexcept { return next_; }
  executor_type get_executor() const { return next_.get_executor(); }

 private:
  weft::net::tcp_stream& tcp() noexcept { return next_.next_layer(); }
  clock::time_point soon(std::chrono::milliseconds time) const {
    return std::min(clock::now() + time, last_);
  }
  template <class F>
  static std::size_t checked(F f) {
    error_code ec;
    const std::size_t n = f(ec);
    if (ec) throw boost::system::system_error(ec);
    return n;
  }

  weft::mutex mutex_;
  next_layer_type next_;
  times times_;
  clock::time_point last_ = clock::time_point::max();
  bool stopped_ = false;
};

/// How Beast ends a connection; found by it. Nothing follows: the rest is for web::linger.
inline void teardown(boost::beast::role_type, duplex& layer, boost::system::error_code& ec) {
  std::error_code why;
  layer.next_layer().next_layer().close_write(why);
  ec = weft::net::to_boost(why);
}

}  // namespace chat
