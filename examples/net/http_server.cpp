// A web server: routes, keep-alive, pipelining, files, limits, an access log; SIGTERM ends it
// gracefully. One goroutine per connection, plain sequential code (http/session.hpp).
//
//   http_server --port 8080 --root ./public
#include <exception>
#include <iostream>
#include <optional>
#include <string>

#include <weft/net/asio.hpp>
#include <weft/weft.hpp>

#include "http/listen.hpp"
#include "http/options.hpp"
#include "http/session.hpp"
#include "http/site.hpp"

int serve(const web::options& options) {
  const web::example_site site(options);
  weft::net::tcp_listener listener(weft::net::address::loopback(options.port));
  std::cout << "listening on http://" << listener.local_address().to_string() << std::endl;
  const bool in_time =
      web::listen_and_serve(listener, options.limits, [&](web::connections::entry& connection) {
        weft::net::asio_stream stream(connection.stream());
        web::session(stream, connection, site.get()).run();
        web::linger(connection);
      });
  std::cout << (in_time ? "ended" : "ended; some connections were cut off") << std::endl;
  return 0;
}

int main(int argc, char** argv) {
  const auto options = web::parse_options("A web server for this machine.", argc, argv);
  if (!options) return 2;
  try {
    return weft::run([&] { return serve(*options); });
  } catch (const std::exception& e) {
    std::cerr << "http_server: " << e.what() << '\n';
    return 1;
  }
}
