// The bytes of a connection, in the clear or in TLS: one type for both, so that what Beast makes of
// it is compiled once.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>

#include <weft/net/asio.hpp>
#include <weft/net/tcp.hpp>

namespace web {

using error_code = boost::system::error_code;

class wire {
 public:
  wire() = default;
  wire(const wire&) = delete;
  wire& operator=(const wire&) = delete;
  virtual ~wire() = default;

  virtual std::size_t read_some(boost::asio::mutable_buffer into, error_code& ec) = 0;
  virtual std::size_t write_some(boost::asio::const_buffer from, error_code& ec) = 0;
  /// Ends what waits in it. Threads: any.
  virtual void close() = 0;
};

/// `Stream` is an asio_stream, or what Asio puts above one.
template <class Stream>
class wire_on : public wire {
 public:
  template <class... A>
  explicit wire_on(A&&... a) : stream_(std::forward<A>(a)...) {}

  std::size_t read_some(boost::asio::mutable_buffer into, error_code& ec) override {
    return stream_.read_some(into, ec);
  }
  std::size_t write_some(boost::asio::const_buffer from, error_code& ec) override {
    return stream_.write_some(from, ec);
  }
  void close() override {
    std::error_code ignored;
    stream_.lowest_layer().next_layer().close(ignored);
  }
  Stream& stream() { return stream_; }

 private:
  Stream stream_;
};

using plain_wire = wire_on<weft::net::asio_stream<weft::net::tcp_stream>>;

/// Whom to believe who they are. Without OpenSSL: nobody.
class trust {
 public:
  /// The certificates that the system trusts; and those in `ca_file` (PEM), unless it is empty.
  /// Throws: std::exception: the file cannot be used.
  explicit trust(const std::string& ca_file);
  ~trust();

  /// The server has not shown yet who it is.
  std::shared_ptr<wire> wrap(weft::net::tcp_stream stream, const std::string& host) const;
  /// Blocks:  for the TLS handshake.
  /// Throws:  fetch_error: not trusted, not `host`, not TLS.
  static void greet(wire& w);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace web
