// In place of tls.cpp where there is no OpenSSL.
#include <stdexcept>

#include "client.hpp"
#include "wire.hpp"

namespace web {

struct trust::state {};

trust::trust(const std::string& ca_file) {
  if (!ca_file.empty()) throw std::invalid_argument("built without TLS: no certificate is used");
}

trust::~trust() = default;

std::shared_ptr<wire> trust::wrap(weft::net::tcp_stream, const std::string&) const {
  throw fetch_error("built without TLS");
}

void trust::greet(wire&) {}

}  // namespace web
