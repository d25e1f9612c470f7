// Names and addresses: what is an address is not looked up, and a look-up that takes too long is
// left behind.
#include <chrono>
#include <iostream>
#include <system_error>

#include <weft/net/resolve.hpp>
#include <weft/weft.hpp>

using namespace std::chrono_literals;
namespace net = weft::net;

int main() {
  const net::resolve_options ipv4{.timeout = 10s, .only = net::address::family::ipv4};
  for (const net::address& each : net::resolve("localhost", 8080, ipv4))
    std::cout << each.to_string() << '\n';
  for (const net::address& each : net::resolve("2001:db8::1", "443"))
    std::cout << each.to_string() << '\n';

  // A name server of our own choice; it never answers, for nobody is there. A whole name would be
  // "db.example.org"; names below "localhost" are this machine, and nobody is asked.
  const net::resolver names({.servers = {net::address::parse("127.0.0.1:53053")}, .attempts = 1});
  for (const net::address& each : names.resolve("db.localhost", 5432, ipv4))
    std::cout << each.to_string() << '\n';

  std::error_code ec;
  net::resolve("", 80, {}, ec);
  std::cout << ec.message() << '\n';
  if (ec == net::resolve_errc::host_not_found) std::cout << "it will not help to try again\n";
}

// Prints:
// 127.0.0.1:8080
// [2001:db8::1]:443
// 127.0.0.1:5432
// no such host
// it will not help to try again
