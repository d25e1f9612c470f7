#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <system_error>
#include <type_traits>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/system/system_error.hpp>
#include <boost/version.hpp>

#include <weft/io/error.hpp>
#include <weft/net/stream.hpp>

/// weft's streams for Boost.Asio, Boost.Beast and Asio's TLS. Needs Boost >= 1.78, headers only;
/// nothing else in weft does.
static_assert(BOOST_VERSION >= 107800, "weft/net/asio.hpp: Boost 1.78 or newer is needed");

namespace weft::net {

/// The same error in Boost's words: end_of_file is `asio::error::eof`, timeout
/// `asio::error::timed_out`, closed `asio::error::operation_aborted`; a number of the system stays
/// that number.
[[nodiscard]] inline boost::system::error_code to_boost(const std::error_code& ec) {
  namespace error = boost::asio::error;
  if (!ec) return {};
  if (ec == io_errc::end_of_file) return error::make_error_code(error::eof);
  if (ec == io_errc::timeout) return error::make_error_code(error::timed_out);
  if (ec == io_errc::closed) return error::make_error_code(error::operation_aborted);
  if (ec.category() == std::system_category() || ec.category() == std::generic_category())
    return {ec.value(), boost::system::system_category()};
  return boost::system::error_code(ec);
}

namespace asio_detail {

/// For those parts of Asio that want an executor though they only make blocking calls. Nothing
/// ever runs on it. Not destroyed: goroutines may still use it while the program ends.
inline boost::asio::io_context& idle_io_context() {
  static auto& context = *new boost::asio::io_context(1);
  return context;
}

/// The first buffers of one of Asio's sequences that are not empty.
template <class Buffer>
class some_buffers {
 public:
  template <class Sequence>
  explicit some_buffers(const Sequence& sequence) {
    const auto end = boost::asio::buffer_sequence_end(sequence);
    for (auto i = boost::asio::buffer_sequence_begin(sequence); i != end; ++i) {
      const Buffer b(*i);
      if (b.size() == 0) continue;
      buffers_[count_++] = b;
      if (count_ == buffers_.size()) break;
    }
  }
  std::span<const Buffer> all() const noexcept { return {buffers_.data(), count_}; }

 private:
  std::array<Buffer, weft::detail::raw_buffers::count_max> buffers_;
  std::size_t count_ = 0;
};

}  // namespace asio_detail

/// A weft stream (tcp_stream, unix_stream, ...) as Asio's SyncReadStream and SyncWriteStream.
///
/// Asio's and Beast's blocking functions run on it unchanged, and block the goroutine only:
/// `asio::read`, `http::read`, `asio::ssl::stream<asio_stream<tcp_stream>>`,
/// `websocket::stream<asio_stream<tcp_stream>>`. Their `async_` functions do not: goroutines are
/// what weft has instead. Deadlines and `close()` are the stream's own, from any goroutine:
/// `beast::get_lowest_layer(x).set_deadline_after(5s)`.
///
/// `Stream` is what it owns, or a reference to what it uses: `asio_stream a(stream);` refers,
/// `asio_stream a(std::move(stream));` owns.
///
/// Blocks:  as the stream does.
/// Throws:  boost::system::system_error, where no error_code is given; the codes are to_boost()'s.
/// Threads: as the stream. What Asio and Beast put above it is for one goroutine at a time.
/// Misuse:  a TLS handshake needs some 20 KiB of stack: much less than the default has, but more
///          than the smallest.
/// Example: examples/net/http_server.cpp
template <class Stream>
class asio_stream {
 public:
  using next_layer_type = std::remove_reference_t<Stream>;
  using lowest_layer_type = asio_stream;
  using executor_type = boost::asio::io_context::executor_type;
  using error_code = boost::system::error_code;

  template <class... A>
    requires std::is_constructible_v<Stream, A...>
  explicit asio_stream(A&&... a) : stream_(std::forward<A>(a)...) {}

  next_layer_type& next_layer() noexcept { return stream_; }
  const next_layer_type& next_layer() const noexcept { return stream_; }
  /// Asio's idea of it: what has an executor. Beast's `get_lowest_layer` gives the weft stream.
  lowest_layer_type& lowest_layer() noexcept { return *this; }
  const lowest_layer_type& lowest_layer() const noexcept { return *this; }
  /// Runs nothing.
  executor_type get_executor() const { return asio_detail::idle_io_context().get_executor(); }

  template <class MutableBuffers>
  std::size_t read_some(const MutableBuffers& into, error_code& ec) {
    const asio_detail::some_buffers<boost::asio::mutable_buffer> buffers(into);
    return moved(ec, [&](std::error_code& e) { return stream_.read_some(buffers.all(), e); });
  }
  template <class MutableBuffers>
  std::size_t read_some(const MutableBuffers& into) {
    return checked([&](error_code& ec) { return read_some(into, ec); });
  }
  template <class ConstBuffers>
  std::size_t write_some(const ConstBuffers& from, error_code& ec) {
    const asio_detail::some_buffers<boost::asio::const_buffer> buffers(from);
    return moved(ec, [&](std::error_code& e) { return stream_.write_some(buffers.all(), e); });
  }
  template <class ConstBuffers>
  std::size_t write_some(const ConstBuffers& from) {
    return checked([&](error_code& ec) { return write_some(from, ec); });
  }

 private:
  template <class F>
  static std::size_t moved(error_code& ec, F f) {
    std::error_code why;
    const std::size_t n = f(why);
    ec = to_boost(why);
    return n;
  }
  template <class F>
  static std::size_t checked(F f) {
    error_code ec;
    const std::size_t n = f(ec);
    if (ec) throw boost::system::system_error(ec);
    return n;
  }

  Stream stream_;
};

template <class Stream>
asio_stream(Stream&&) -> asio_stream<Stream>;

/// How Beast's WebSocket ends a connection; found by it. The server says first that it sends no
/// more, and both read what is still to come.
template <class Stream>
void teardown(boost::beast::role_type role, asio_stream<Stream>& stream,
              boost::system::error_code& ec) {
  std::error_code why;
  const auto says_goodbye = [&] { stream.next_layer().close_write(why); };
  if (role == boost::beast::role_type::server) says_goodbye();
  std::array<std::byte, 2048> rest;
  while (!why) stream.next_layer().read_some(std::span(rest), why);
  if (why == io_errc::end_of_file) why.clear();
  if (role == boost::beast::role_type::client && !why) says_goodbye();
  std::error_code ignored;
  stream.next_layer().close(ignored);
  ec = to_boost(why);
}

}  // namespace weft::net
