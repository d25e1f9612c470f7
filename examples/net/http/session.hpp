// HTTP/1.1 on one connection, whatever carries it: TCP, or TLS on TCP.
//
// Plain sequential code: wait for a request, read it, answer it, write the answer. Boost.Beast
// parses and prints; it blocks the goroutine only. What a client sends ahead (pipelining) stays in
// the buffer, and is answered in order.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <weft/net/asio.hpp>
#include <weft/net/send_file.hpp>

#include "access_log.hpp"
#include "connections.hpp"
#include "listen.hpp"
#include "routes.hpp"

namespace web {

namespace asio = boost::asio;
namespace beast = boost::beast;

using error_code = boost::system::error_code;

/// What a server is, without its connections. Shared by all of them, never changed.
struct site {
  const web::routes& routes;
  const web::limits& limits;
  const web::access_log& log;
  /// Requests after which the connection is no longer HTTP (an upgrade); none if it is empty.
  std::function<bool(const request&)> takes_over = {};
};

/// Whether it says where its body ends. What hides behind another transfer coding than "chunked"
/// must not be taken for the next request.
bool body_end_is_known(const request& r);

/// Why reading a request has failed, as a status; `unknown`: there is nobody to tell, or no need.
http::status refusal(const error_code& ec);

template <class Stream>
class session {
 public:
  session(Stream& stream, connections::entry& entry, const site& site)
      : stream_(stream),
        entry_(entry),
        site_(site),
        client_(client_of(entry)),
        buffer_(site.limits.header_bytes + read_size) {}

  /// Until the client or the server ends it. The stream is still open then.
  void run() {
    while (request_arrives() && answer_one()) {
    }
  }
  /// After run(): the request that `site::takes_over` wanted. It is the caller's to answer.
  const std::optional<request>& taken() const { return taken_; }

 private:
  /// Nothing between the file and the connection: the kernel can copy.
  static constexpr bool plain =
      std::is_same_v<Stream, weft::net::asio_stream<weft::net::tcp_stream&>>;
  static constexpr std::size_t read_size = 16 * 1024;
  static constexpr std::size_t piece_size = 256 * 1024;

  using parser = http::request_parser<http::string_body>;

  static std::string client_of(connections::entry& entry) {
    std::error_code ec;  // it may have left already
    const weft::net::address a = entry.stream().remote_address(ec);
    return ec ? "-" : a.host();
  }

  /// Waits for its first byte.
  bool request_arrives() {
    if (buffer_.size() == 0) {
      if (!entry_.rest(site_.limits.idle)) return false;
      error_code ec;
      buffer_.commit(stream_.read_some(buffer_.prepare(read_size), ec));
      if (ec) return false;
    }
    entry_.work(site_.limits.request);
    return true;
  }

  /// False: it was the last one.
  bool answer_one() {
    parser p;
    p.header_limit(site_.limits.header_bytes);
    p.body_limit(site_.limits.body_bytes);
    error_code ec;
    http::read_header(stream_, buffer_, p, ec);
    if (!ec && !body_end_is_known(p.get())) return refuse(http::status::not_implemented);
    if (!ec) encourage(p.get(), ec);
    if (!ec && !p.is_done()) http::read(stream_, buffer_, p, ec);
    if (ec) return refuse(refusal(ec));
    if (site_.takes_over && site_.takes_over(p.get()) && buffer_.size() == 0) {
      taken_ = p.release();
      return false;
    }
    return send(p.get(), site_.routes.answer(p.get()));
  }

  /// A client may wait for a word before it sends a body.
  void encourage(const request& r, error_code& ec) {
    if (!beast::iequals(r[http::field::expect], "100-continue")) return;
    asio::write(stream_, asio::buffer("HTTP/1.1 100 Continue\r\n\r\n", 25), ec);
  }

  bool refuse(http::status status) {
    if (status == http::status::unknown) return false;
    request nothing;
    nothing.keep_alive(false);
    return send(nothing, text_reply(status, std::string(http::obsolete_reason(status)) + '\n'));
  }

  bool send(const request& r, reply answer) {
    const bool goes_on = r.keep_alive() && !entry_.ending();
    auto& m = answer.message;
    m.version(r.version());
    m.keep_alive(goes_on);
    m.content_length(answer.body_file ? answer.body_file->size : m.body().size());
    entry_.work(site_.limits.response);
    error_code ec;
    const std::uint64_t sent = write(r.method() == http::verb::head, answer, ec);
    log(r, m.result_int(), sent);
    return !ec && goes_on;
  }

  /// Returns: the bytes of the body that were sent.
  std::uint64_t write(bool head_only, reply& answer, error_code& ec) {
    http::response_serializer<http::string_body> serializer(answer.message);
    if (!head_only && !answer.body_file) {
      http::write(stream_, serializer, ec);
      return ec ? 0 : answer.message.body().size();
    }
    serializer.split(true);
    http::write_header(stream_, serializer, ec);
    return ec || head_only ? 0 : write_file(*answer.body_file, ec);
  }

  /// In pieces: each has its time, so that a large file may take long, but not for ever.
  std::uint64_t write_file(opened_file& f, error_code& ec) {
    std::vector<char> room;
    std::uint64_t sent = 0;
    while (sent < f.size && !ec) {
      const std::size_t count = std::min<std::size_t>(f.size - sent, piece_size);
      entry_.work(site_.limits.response);
      sent += write_piece(f.content, sent, count, room, ec);
    }
    return sent;
  }

  /// A file that has become shorter is an error: only the end of the connection can say so.
  std::size_t write_piece(weft::io::file& f, std::uint64_t at, std::size_t count,
                          std::vector<char>& room, error_code& ec) {
    std::error_code why;
    if constexpr (plain) {
      const auto sent = weft::net::send_file(entry_.stream(), f, at, count, why);
      ec = weft::net::to_boost(why);
      return static_cast<std::size_t>(sent);
    } else {
      room.resize(count);
      f.read_at(at, std::span<char>(room), why);
      ec = weft::net::to_boost(why);
      return ec ? 0 : asio::write(stream_, asio::buffer(room), ec);
    }
  }

  void log(const request& r, unsigned status, std::uint64_t bytes) {
    if (!site_.log.on()) return;
    std::string line = "-";
    if (!r.target().empty()) {
      line = std::string(r.method_string()) + ' ' + std::string(r.target());
      line += r.version() == 10 ? " HTTP/1.0" : " HTTP/1.1";
    }
    site_.log.line(client_, line, status, bytes);
  }

  Stream& stream_;
  connections::entry& entry_;
  const site& site_;
  std::string client_;
  beast::flat_buffer buffer_;
  std::optional<request> taken_;
};

/// The end of a connection after the last response. Closing at once would reset it where the client
/// has sent more than was read, and the client might never see the response: so first say that
/// nothing follows, then read on for a while.
void linger(connections::entry& entry);

}  // namespace web
