// Passes connections on. Either side may stop sending while the other goes on: half close both
// ways.
//
//   tcp_proxy TARGET [PORT]     tcp_proxy localhost:5432 15432
#include <chrono>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <string>
#include <system_error>
#include <utility>

#include <weft/io/copy.hpp>
#include <weft/net/dial.hpp>
#include <weft/net/tcp.hpp>
#include <weft/weft.hpp>

using weft::net::tcp_stream;

/// Until `from` ends, which `to` is told; or until one of them fails, which ends both.
void pass_on(tcp_stream& from, tcp_stream& to) {
  std::error_code ec, ignored;
  weft::io::copy(from, to, ec);
  if (!ec) to.close_write(ec);
  if (!ec) return;
  from.close(ignored);
  to.close(ignored);
}

void serve(tcp_stream& client, const std::string& target) {
  std::error_code ec;
  tcp_stream server = weft::net::dial_tcp(target, {.timeout = std::chrono::seconds(10)}, ec);
  if (ec) {
    std::cerr << target << ": " << ec.message() << '\n';
    client.set_linger(std::chrono::seconds(0), ec);  // the client sees a reset, not an end
    return;
  }
  const weft::wait_group back;
  back.go([&] { pass_on(server, client); });
  pass_on(client, server);
  back.wait();
}

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "tcp_proxy TARGET [PORT]\n";
    return 2;
  }
  const std::string target = argv[1];
  const auto port = static_cast<std::uint16_t>(argc > 2 ? std::stoi(argv[2]) : 0);
  weft::net::tcp_listener listener(weft::net::address::loopback(port));
  std::cout << "listening on " << listener.local_address().to_string() << std::endl;
  const auto [signalled, give_back] = weft::notify_context(weft::background(), {SIGINT, SIGTERM});
  const auto close = weft::after_func(signalled, [&] { listener.close(); });
  for (;;) {
    std::error_code ec;
    tcp_stream client = listener.accept(ec);
    if (ec == weft::io_errc::closed) return 0;
    if (ec) throw std::system_error(ec, "accept");
    weft::go([&target, client = std::move(client)]() mutable { serve(client, target); });
  }
}
