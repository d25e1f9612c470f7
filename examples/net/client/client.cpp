#include "client.hpp"

#include <algorithm>
#include <mutex>

#include <weft/net/dial.hpp>

#include "connection.hpp"
#include "wire.hpp"

namespace web {

namespace {

constexpr std::size_t idle_max = 64;

/// A permit for the length of a scope.
class permit {
 public:
  permit(const weft::context& ctx, weft::semaphore& from) : from_(from) {
    if (!from.acquire(ctx)) throw fetch_error("cancelled");
  }
  permit(const permit&) = delete;
  permit& operator=(const permit&) = delete;
  ~permit() { from_.release(); }

 private:
  weft::semaphore& from_;
};

}  // namespace

client::client(client_options options)
    : options_(std::move(options)),
      trust_(std::make_unique<trust>(options_.ca_file)),
      permits_(options_.in_all) {}

client::~client() = default;

weft::semaphore& client::host_permits(const url& u) {
  const std::lock_guard lock(mutex_);
  return hosts_.try_emplace(u.origin(), options_.per_host).first->second;
}

response client::fetch(const weft::context& ctx, method how, const url& u, const body_taker& take) {
  // In this order: who waits for a busy host keeps nobody from the others.
  const permit of_host(ctx, host_permits(u));
  const permit of_all(ctx, permits_);
  const auto [limited, cancel] = weft::with_timeout(ctx, options_.timeout);
  const weft::defer done([&] { cancel(); });
  try {
    return exchange(limited, how, u, take);
  } catch (const std::exception&) {
    if (ctx.cancelled()) throw fetch_error("cancelled");
    if (limited.cancelled()) throw fetch_error("timed out");
    throw;
  }
}

response client::exchange(const weft::context& ctx, method how, const url& u,
                          const body_taker& take) {
  const message_request m{how == method::head, u.authority, u.target, options_.agent};
  connection_ptr c = take_idle(u.origin());
  for (bool reused = c != nullptr;; reused = false) {
    if (!c) c = connect(ctx, u);
    // Closing ends whatever waits for the connection; the last owner destroys it.
    const auto unwatch = weft::after_func(ctx, [c] { c->close(); });
    const weft::defer done([&] { unwatch(); });
    try {
      if (!c->is_greeted()) c->greet();
      response r = c->exchange(m, take);
      if (c->is_reusable() && unwatch()) keep(u.origin(), std::move(c));
      return r;
    } catch (const connection_lost&) {
      // The server may have closed it while nobody used it: that says nothing about the page.
      if (!reused) throw;
      c = nullptr;
    }
  }
}

client::connection_ptr client::connect(const weft::context& ctx, const url& u) const {
  std::error_code ec;
  weft::net::tcp_stream stream = weft::net::dial_tcp(ctx, u.host, u.port, {}, ec);
  if (ec) throw fetch_error(ec.message());
  if (u.secure())
    return std::make_shared<connection>(trust_->wrap(std::move(stream), u.host), false);
  return std::make_shared<connection>(std::make_shared<plain_wire>(std::move(stream)), true);
}

client::connection_ptr client::take_idle(const std::string& origin) {
  const std::lock_guard lock(mutex_);
  const auto i = std::find_if(idle_.rbegin(), idle_.rend(),
                              [&](const auto& each) { return each.first == origin; });
  if (i == idle_.rend()) return nullptr;
  connection_ptr c = std::move(i->second);
  idle_.erase(std::next(i).base());
  return c;
}

void client::keep(const std::string& origin, connection_ptr c) {
  const std::lock_guard lock(mutex_);
  idle_.emplace_back(origin, std::move(c));
  if (idle_.size() > idle_max) idle_.pop_front();
}

}  // namespace web
