// HTTP/1.1 on one connection, the client's side: one request, its answer, the next request.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <boost/beast/core/flat_buffer.hpp>

#include "client.hpp"
#include "wire.hpp"

namespace web {

/// The connection ended before anything of the answer came.
class connection_lost : public fetch_error {
 public:
  using fetch_error::fetch_error;
};

/// A request as this client sends it: without a body.
struct message_request {
  bool head;  // else it is a GET
  const std::string& authority;
  const std::string& target;
  const std::string& agent;
};

/// Threads: one at a time; `close` any.
class connection {
 public:
  connection(std::shared_ptr<wire> w, bool greeted) : wire_(std::move(w)), greeted_(greeted) {}

  bool is_greeted() const { return greeted_; }
  /// The TLS handshake. Throws: fetch_error.
  void greet();
  /// Throws: fetch_error; connection_lost: it may be sent again.
  response exchange(const message_request& request, const body_taker& take);
  /// Whether another request may follow.
  bool is_reusable() const { return reusable_; }
  void close() { wire_->close(); }

 private:
  std::shared_ptr<wire> wire_;
  bool greeted_;
  bool reusable_ = false;
  boost::beast::flat_buffer buffer_{size_max};  // what has been read ahead

  static constexpr std::size_t size_max = 128 * 1024;  // a header must fit
};

}  // namespace web
