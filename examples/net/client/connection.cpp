// The only file that Beast's parser is compiled in: that takes longest.
#include "connection.hpp"

#include <array>
#include <span>
#include <string_view>

#include <boost/asio/error.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

namespace web {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

using parser = http::response_parser<http::buffer_body>;

constexpr std::size_t header_max = 64 * 1024;
constexpr std::size_t piece_size = 16 * 1024;
constexpr std::size_t drop_max = 64 * 1024;  // less costs no more than a new connection
constexpr int informational_max = 10;

/// A wire as what Asio calls SyncReadStream and SyncWriteStream.
class stream {
 public:
  explicit stream(wire& w) : wire_(w) {}

  template <class MutableBuffers>
  std::size_t read_some(const MutableBuffers& into, error_code& ec) {
    const std::size_t n = wire_.read_some(*asio::buffer_sequence_begin(into), ec);
    received_ = received_ || n > 0;
    return n;
  }
  template <class ConstBuffers>
  std::size_t write_some(const ConstBuffers& from, error_code& ec) {
    const std::string all = beast::buffers_to_string(from);  // in one packet, as a rule
    return wire_.write_some(asio::buffer(all), ec);
  }
  // Beast wants these to be there, but calls the ones above.
  template <class MutableBuffers>
  std::size_t read_some(const MutableBuffers& into) {
    return checked([&](error_code& ec) { return read_some(into, ec); });
  }
  template <class ConstBuffers>
  std::size_t write_some(const ConstBuffers& from) {
    return checked([&](error_code& ec) { return write_some(from, ec); });
  }

  bool has_received() const { return received_; }

 private:
  template <class F>
  static std::size_t checked(F f) {
    error_code ec;
    const std::size_t n = f(ec);
    if (ec) throw boost::system::system_error(ec);
    return n;
  }

  wire& wire_;
  bool received_ = false;
};

std::string words_of(const error_code& ec) {
  if (ec == http::error::end_of_stream || ec == asio::error::eof)
    return "the connection was closed without an answer";
  if (ec == http::error::partial_message) return "the answer was cut off";
  static const error_code any = http::error::bad_version;
  if (ec.category() == any.category()) return "the answer is not HTTP: " + ec.message();
  return ec.message();
}

void send(stream& to, const message_request& m) {
  http::request<http::empty_body> request(m.head ? http::verb::head : http::verb::get, m.target,
                                          11);
  request.set(http::field::host, m.authority);
  request.set(http::field::user_agent, m.agent);
  request.set(http::field::accept, "*/*");
  error_code ec;
  http::write(to, request, ec);
  // A server may answer before it has read all; so what counts is what is read.
}

response without_body(const parser& p) {
  response r;
  r.status = p.get().result_int();
  r.reason = std::string(p.get().reason());
  for (const auto& field : p.get())
    r.fields.emplace_back(std::string(field.name_string()), std::string(field.value()));
  return r;
}

/// Reads the body. Returns: whether all of it was read, so that another answer may follow.
bool take_body(stream& from, beast::flat_buffer& buffer, parser& p, const response& r,
               const body_taker& take) {
  std::vector<char> room(piece_size);
  bool wanted = take(r, {});
  for (std::size_t dropped = 0; !p.is_done();) {
    if (!wanted && dropped + p.content_length_remaining().value_or(0) > drop_max) return false;
    p.get().body().data = room.data();
    p.get().body().size = room.size();
    error_code ec;
    http::read(from, buffer, p, ec);
    if (ec && ec != http::error::need_buffer) throw fetch_error(words_of(ec));
    const std::size_t size = room.size() - p.get().body().size;
    if (wanted)
      wanted = take(r, {room.data(), size});
    else
      dropped += size;
  }
  return true;
}

}  // namespace

std::string_view response::field(std::string_view name) const {
  for (const auto& [each, value] : fields)
    if (beast::iequals(each, name)) return value;
  return {};
}

std::optional<std::string_view> response::redirection() const {
  const bool is = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  const std::string_view to = field("location");
  return is && !to.empty() ? std::optional(to) : std::nullopt;
}

void connection::greet() {
  trust::greet(*wire_);
  greeted_ = true;
}

response connection::exchange(const message_request& request, const body_taker& take) {
  reusable_ = false;
  stream bytes(*wire_);
  send(bytes, request);
  for (int i = 0; i < informational_max; ++i) {
    parser p;
    p.header_limit(header_max);
    p.body_limit(boost::none);
    p.skip(request.head);
    error_code ec;
    http::read_header(bytes, buffer_, p, ec);
    if (ec && !bytes.has_received()) throw connection_lost(words_of(ec));
    if (ec) throw fetch_error(words_of(ec));
    if (p.get().result_int() < 200) continue;  // 100 Continue, 103 Early Hints
    const response r = without_body(p);
    reusable_ = take_body(bytes, buffer_, p, r, take) && p.keep_alive() && buffer_.size() == 0;
    return r;
  }
  throw fetch_error("too many informational answers");
}

}  // namespace web
