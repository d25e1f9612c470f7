#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

#include <weft/cancellation.hpp>
#include <weft/net/address.hpp>

namespace weft::net {

/// Why a name has no addresses. Time-outs are io_errc::timeout, cancellations
/// std::errc::operation_canceled, and what the system reports has its own number.
enum class resolve_errc {
  host_not_found = 1,  ///< "no such host": for certain
  no_address,          ///< "host has no address of that kind": the name itself exists
  service_not_found,   ///< "unknown service": not in the system's list (/etc/services)
  temporary_failure,   ///< "temporary failure in name resolution": no server has answered.
                       ///< Equal to std::errc::resource_unavailable_try_again, too
  permanent_failure,   ///< "name server failure": asking again does not help
};

/// The category of resolve_errc: "weft.resolve".
const std::error_category& resolve_category() noexcept;
inline std::error_code make_error_code(resolve_errc e) noexcept {
  return {static_cast<int>(e), resolve_category()};
}

/// A port, by number or by name: 80, "80", "http".
class service {
 public:
  /// Throws: std::out_of_range, if it is not in 0..65535.
  template <std::integral I>
    requires(!std::same_as<I, bool>)
  service(I port) : port_(static_cast<std::uint16_t>(port)) {
    if (port < 0 || static_cast<std::make_unsigned_t<I>>(port) > 65'535U)
      throw std::out_of_range("weft: not a port: " + std::to_string(port));
  }
  /// "" is port 0. A number that is no port is taken for a name, which nothing has.
  template <class Text>
    requires std::convertible_to<const Text&, std::string_view>
  service(const Text& text) {
    parse(text);
  }

  /// Empty: it is a number.
  const std::string& name() const noexcept { return name_; }
  std::uint16_t port() const noexcept { return port_; }

 private:
  void parse(std::string_view text);

  std::string name_;
  std::uint16_t port_ = 0;
};

struct resolve_options {
  /// For everything together.
  std::chrono::nanoseconds timeout = std::chrono::nanoseconds::max();
  /// address::family::none: both.
  address::family only = address::family::none;
};

/// How a resolver asks.
struct resolver_options {
  /// DNS servers, in the order in which they are asked, with their ports (53, usually).
  /// None: the system's way (getaddrinfo: its files, its servers, its search list).
  std::vector<address> servers = {};
  /// How long one server may take for one answer.
  std::chrono::seconds timeout{5};
  /// How often all servers are asked before it is a temporary failure.
  int attempts = 2;
};

/// Finds the addresses of names. `resolve()` uses the system's; this one may have servers of its
/// own.
///
/// With servers: only DNS is asked, for A and AAAA at the same time; the name is taken as complete,
/// no search list is added. UDP, and TCP for what does not fit. "localhost" and "*.localhost" are
/// this machine, without a question (RFC 6761).
///
/// Blocks:  the goroutine or the calling thread; nobody else. The look-up itself occupies a thread
///          of its own meanwhile: of at most 64 at once, further ones wait their turn. One that
///          nobody waits for any more, because of a time-out or a cancellation, goes on until the
///          system gives up, and has no effect.
/// Returns: every address once, with the port: in the order that the system recommends; with
///          servers IPv6 first, then IPv4, each as the server has sent them. Never empty
///          without an error. An address in text form is not looked up.
/// Throws:  std::system_error (resolve_errc, io_errc::timeout, ...); with `ec` std::bad_alloc only.
/// Misuse:  a resolver's servers must be IPv4 or IPv6 addresses, and timeout and attempts positive:
///          std::invalid_argument.
/// Threads: any, together.
/// Example: examples/net/resolve.cpp
/// ```
/// for (const auto& a : weft::net::resolve("localhost", 80)) std::cout << a.to_string() << '\n';
/// ```
class resolver {
 public:
  /// The system's.
  resolver() = default;
  explicit resolver(resolver_options options);

  const resolver_options& options() const noexcept { return options_; }

  std::vector<address> resolve(std::string_view host, const service& port,
                               const resolve_options& options = {}) const;
  std::vector<address> resolve(std::string_view host, const service& port,
                               const resolve_options& options, std::error_code& ec) const;
  std::vector<address> resolve(const cancellation& cancel, std::string_view host,
                               const service& port, const resolve_options& options = {}) const;
  std::vector<address> resolve(const cancellation& cancel, std::string_view host,
                               const service& port, const resolve_options& options,
                               std::error_code& ec) const;

 private:
  resolver_options options_;
};

/// The addresses of a host, in the system's way. See `resolver`.
inline std::vector<address> resolve(std::string_view host, const service& port,
                                    const resolve_options& options = {}) {
  return resolver().resolve(host, port, options);
}
inline std::vector<address> resolve(std::string_view host, const service& port,
                                    const resolve_options& options, std::error_code& ec) {
  return resolver().resolve(host, port, options, ec);
}
/// Ends when it is cancelled, with std::errc::operation_canceled.
inline std::vector<address> resolve(const cancellation& cancel, std::string_view host,
                                    const service& port, const resolve_options& options = {}) {
  return resolver().resolve(cancel, host, port, options);
}
inline std::vector<address> resolve(const cancellation& cancel, std::string_view host,
                                    const service& port, const resolve_options& options,
                                    std::error_code& ec) {
  return resolver().resolve(cancel, host, port, options, ec);
}

}  // namespace weft::net

template <>
struct std::is_error_code_enum<weft::net::resolve_errc> : std::true_type {};
