// A goroutine for each connection sends back what it reads.
//
//   echo [PORT]
#include <array>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include <weft/net/tcp.hpp>
#include <weft/weft.hpp>

void serve(weft::net::tcp_stream& stream) {
  std::array<char, 4096> room;
  std::error_code ec;
  for (;;) {
    const std::size_t n = stream.read_some(std::span(room), ec);
    if (ec) return;  // the end of the stream, as a rule
    stream.write(std::span(room.data(), n), ec);
    if (ec) return;
  }
}

int main(int argc, char** argv) {
  const auto port = static_cast<std::uint16_t>(argc > 1 ? std::stoi(argv[1]) : 0);
  weft::net::tcp_listener listener(weft::net::address::loopback(port));
  std::cout << "listening on " << listener.local_address().to_string() << std::endl;
  const auto [signalled, give_back] = weft::notify_context(weft::background(), {SIGINT, SIGTERM});
  const auto close = weft::after_func(signalled, [&] { listener.close(); });
  for (;;) {
    std::error_code ec;
    weft::net::tcp_stream stream = listener.accept(ec);
    if (ec == weft::io_errc::closed) return 0;
    if (ec) throw std::system_error(ec, "accept");
    weft::go([stream = std::move(stream)]() mutable { serve(stream); });
  }
}
