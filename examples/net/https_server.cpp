// The web server of http_server.cpp behind TLS: Asio's, on OpenSSL. The same code serves requests;
// only the stream is another one.
//
//   https_server --port 8443 --root ./public --certificate chain.pem --key key.pem
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include <boost/asio/ssl/stream.hpp>

#include <weft/net/asio.hpp>
#include <weft/weft.hpp>

#include "http/listen.hpp"
#include "http/options.hpp"
#include "http/session.hpp"
#include "http/site.hpp"
#include "tls/certificate.hpp"

namespace ssl = boost::asio::ssl;

ssl::context context_for(const web::options& options) {
  if (!options.certificate.empty()) return tls::server_context(options.certificate, options.key);
  const tls::self_signed identity = tls::make_self_signed();
  if (!options.write_certificate.empty()) {
    std::ofstream file(options.write_certificate);
    if (!(file << identity.certificate << std::flush))
      throw std::runtime_error("cannot write " + options.write_certificate);
  }
  return tls::server_context(identity);
}

void serve_one(web::connections::entry& connection, ssl::context& context, const web::site& site) {
  ssl::stream<weft::net::asio_stream<weft::net::tcp_stream&>> stream(connection.stream(), context);
  web::error_code ec;
  connection.work(site.limits.request);
  stream.handshake(ssl::stream_base::server, ec);
  if (!ec) {
    web::session(stream, connection, site).run();
    connection.work(std::chrono::seconds(1));
    stream.shutdown(ec);  // says that nothing was cut off, and waits for the client to say so, too
  }
  web::linger(connection);
}

int serve(const web::options& options) {
  const web::example_site site(options);
  ssl::context context = context_for(options);
  weft::net::tcp_listener listener(weft::net::address::loopback(options.port));
  std::cout << "listening on https://" << listener.local_address().to_string() << std::endl;
  const bool in_time = web::listen_and_serve(
      listener, options.limits,
      [&](web::connections::entry& connection) { serve_one(connection, context, site.get()); });
  std::cout << (in_time ? "ended" : "ended; some connections were cut off") << std::endl;
  return 0;
}

int main(int argc, char** argv) {
  const auto options =
      web::parse_options("A web server for this machine, with TLS.", argc, argv, true);
  if (!options) return 2;
  try {
    return weft::run([&] { return serve(*options); });
  } catch (const std::exception& e) {
    std::cerr << "https_server: " << e.what() << '\n';
    return 1;
  }
}
