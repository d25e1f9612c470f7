// TLS as a server offers it: with a certificate from files, or with one made on the fly.
#pragma once

#include <string>

#include <boost/asio/ssl/context.hpp>

namespace tls {

/// A certificate that nobody has signed but itself, and its key; both as PEM text. For "localhost",
/// 127.0.0.1 and ::1, for a day: for trying things out.
struct self_signed {
  std::string certificate, key;
};
/// Throws: std::runtime_error.
self_signed make_self_signed();

/// TLS 1.2 and newer. Throws: boost::system::system_error.
boost::asio::ssl::context server_context(const self_signed& identity);
boost::asio::ssl::context server_context(const std::string& certificate_file,
                                         const std::string& key_file);

}  // namespace tls
