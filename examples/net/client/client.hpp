// An HTTP client for many requests at once: blocking calls, each in a goroutine of its own.
//
// How many requests there are at once, in all and to one host, are two semaphores; how long one may
// take is a context; connections are kept and used again. HTTP is Boost.Beast's, TLS Asio's.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weft/weft.hpp>

#include "url.hpp"

namespace web {

class connection;
class trust;

/// Why there is no answer: "Connection refused", "timed out", "no such host" ...
class fetch_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// An answer without its body.
struct response {
  unsigned status = 0;
  std::string reason;
  std::vector<std::pair<std::string, std::string>> fields;

  /// The first field of that name, in any case; "": none.
  std::string_view field(std::string_view name) const;
  /// Where it sends us. None: it is no redirection.
  std::optional<std::string_view> redirection() const;
};

/// Takes the body piece by piece. False: no more of it is wanted. Pieces may be empty; there is at
/// least one.
using body_taker = std::function<bool(const response&, std::string_view piece)>;

struct client_options {
  int in_all = 32;
  int per_host = 4;
  std::chrono::milliseconds timeout = std::chrono::seconds(10);  // for one request
  std::string agent = "weft-example";
  std::string ca_file{};  // whom to trust besides those whom the system trusts
};

/// Threads: any, together.
class client {
 public:
  enum class method { get, head };

  /// Throws: std::exception: `ca_file` cannot be used.
  explicit client(client_options options);
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  ~client();

  /// Sends one request and reads its answer. Redirections are not followed.
  /// Blocks:  until it is there, it takes too long, or `ctx` is cancelled.
  /// Throws:  fetch_error; and what `take` throws.
  response fetch(const weft::context& ctx, method how, const url& u, const body_taker& take);

 private:
  using connection_ptr = std::shared_ptr<connection>;

  weft::semaphore& host_permits(const url& u);
  response exchange(const weft::context& ctx, method how, const url& u, const body_taker& take);
  connection_ptr connect(const weft::context& ctx, const url& u) const;
  connection_ptr take_idle(const std::string& origin);
  void keep(const std::string& origin, connection_ptr c);

  const client_options options_;
  const std::unique_ptr<trust> trust_;
  weft::semaphore permits_;
  weft::mutex mutex_;  // for what follows
  std::map<std::string, weft::semaphore> hosts_;
  std::list<std::pair<std::string, connection_ptr>> idle_;  // the one used last is the last
};

}  // namespace web
