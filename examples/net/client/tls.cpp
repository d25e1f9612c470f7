// https: Asio's TLS on weft's streams, with OpenSSL.
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "client.hpp"
#include "wire.hpp"

namespace web {

namespace ssl = boost::asio::ssl;

using tls_wire = wire_on<ssl::stream<weft::net::asio_stream<weft::net::tcp_stream>>>;

struct trust::state {
  mutable ssl::context context{ssl::context::tls_client};
};

trust::trust(const std::string& ca_file) : state_(std::make_unique<state>()) {
  ssl::context& context = state_->context;
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  context.set_default_verify_paths();
  context.set_verify_mode(ssl::verify_peer);
  if (!ca_file.empty()) context.load_verify_file(ca_file);
}

trust::~trust() = default;

std::shared_ptr<wire> trust::wrap(weft::net::tcp_stream stream, const std::string& host) const {
  auto made = std::make_shared<tls_wire>(std::move(stream), state_->context);
  SSL* const tls = made->stream().native_handle();
  // The certificate must be for this address or this name; and where a server has several, it
  // chooses by the name (an address is none, RFC 6066).
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host.c_str()) == 1) return made;
  if (SSL_set1_host(tls, host.c_str()) != 1 || SSL_set_tlsext_host_name(tls, host.c_str()) != 1)
    throw fetch_error("TLS: the name of the host cannot be used");
  return made;
}

void trust::greet(wire& w) {
  auto& stream = dynamic_cast<tls_wire&>(w).stream();
  error_code ec;
  stream.handshake(ssl::stream_base::client, ec);
  const long verdict = SSL_get_verify_result(stream.native_handle());
  if (ec && verdict != X509_V_OK)
    throw fetch_error(std::string("certificate: ") + X509_verify_cert_error_string(verdict));
  if (ec) throw fetch_error("TLS: " + ec.message());
}

}  // namespace web
