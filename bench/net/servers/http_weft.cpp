// A hello server with Boost.Beast on weft: what examples/net/http_server does without its limits,
// deadlines and routes, as http_go.go does without them.
//
//   http_weft [--procs N]     prints its port, serves until it is killed
#include <weft/net/asio.hpp>
#include <weft/net/tcp.hpp>

#include <cstdio>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <weft/weft.hpp>

#include "server_options.hpp"

namespace {

namespace http = boost::beast::http;

using response = http::response<http::string_body>;

response answer(const http::request<http::string_body>& r) {
  const bool found = r.target() == "/hello";
  response hello(found ? http::status::ok : http::status::not_found, r.version());
  hello.set(http::field::content_type, "text/plain");
  hello.keep_alive(r.keep_alive());
  hello.body() = found ? "Hello, world!\n" : "not found\n";
  hello.prepare_payload();
  return hello;
}

void serve(weft::net::tcp_stream& connection) {
  weft::net::asio_stream stream(connection);
  boost::beast::flat_buffer buffer;
  boost::system::error_code ec;
  for (bool goes_on = true; goes_on;) {
    http::request<http::string_body> request;
    http::read(stream, buffer, request, ec);
    if (ec) return;
    response hello = answer(request);
    http::write(stream, hello, ec);
    goes_on = !ec && request.keep_alive();
  }
}

void serve_all() {
  weft::net::tcp_listener listener(weft::net::address::loopback());
  std::printf("%u\n", static_cast<unsigned>(listener.local_address().port()));
  std::fflush(stdout);
  for (;;) weft::go([c = listener.accept()]() mutable { serve(c); });
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = net_bench::parse_server_options(argc, argv);
  net_bench::allow_many_descriptors();
  weft::set_max_procs(options.procs);
  weft::run(serve_all);
}
