// Resolvers: what they are asked, and how they say no.
#include <weft/net/resolve.hpp>

#include <charconv>
#include <utility>

#include "api/net/names/look_up.hpp"

namespace weft::net {

void service::parse(std::string_view text) {
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port_);
  if (text.empty() || (error == std::errc() && rest == end)) return;
  port_ = 0;
  name_ = text;
}

resolver::resolver(resolver_options options) : options_(std::move(options)) {
  for (const address& each : options_.servers)
    if (!each.is_ip()) throw std::invalid_argument("resolver: a server is not an IP address");
  if (options_.timeout.count() <= 0 || options_.attempts <= 0)
    throw std::invalid_argument("resolver: non-positive timeout or attempts");
}

namespace {

std::vector<address> found_or_thrown(std::vector<address> found, const std::error_code& ec,
                                     std::string_view host) {
  if (ec) throw std::system_error(ec, "lookup " + std::string(host));
  return found;
}

}  // namespace

std::vector<address> resolver::resolve(std::string_view host, const service& port,
                                       const resolve_options& options, std::error_code& ec) const {
  return detail::look_up(options_, host, port, options.only,
                         detail::bound_by(nullptr, options.timeout), ec);
}
std::vector<address> resolver::resolve(std::string_view host, const service& port,
                                       const resolve_options& options) const {
  std::error_code ec;
  std::vector<address> found = resolve(host, port, options, ec);
  return found_or_thrown(std::move(found), ec, host);
}
std::vector<address> resolver::resolve(const cancellation& cancel, std::string_view host,
                                       const service& port, const resolve_options& options,
                                       std::error_code& ec) const {
  return detail::look_up(options_, host, port, options.only,
                         detail::bound_by(&cancel, options.timeout), ec);
}
std::vector<address> resolver::resolve(const cancellation& cancel, std::string_view host,
                                       const service& port, const resolve_options& options) const {
  std::error_code ec;
  std::vector<address> found = resolve(cancel, host, port, options, ec);
  return found_or_thrown(std::move(found), ec, host);
}

}  // namespace weft::net
