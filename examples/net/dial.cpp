// A server and a client by name: the client tries all addresses of "localhost", IPv6 and IPv4 in
// turn, and takes the first that answers.
#include <array>
#include <chrono>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <weft/net/dial.hpp>
#include <weft/net/tcp.hpp>
#include <weft/weft.hpp>

using namespace std::chrono_literals;
namespace net = weft::net;

std::string ask(std::string_view where, std::string_view question) {
  net::tcp_stream server = net::dial_tcp(where, {.timeout = 30s});
  server.write(question);
  server.close_write();
  std::string answer(100, '\0');
  answer.resize(server.read_some(std::span(answer)));
  return answer;
}

int main() {
  net::tcp_listener listener(net::address::loopback());
  const std::string port = std::to_string(listener.local_address().port());
  weft::wait_group serving;
  serving.go([&] {
    net::tcp_stream client = listener.accept();
    std::array<char, 100> question{};
    const std::size_t size = client.read_some(std::span(question));
    client.write("you said: " + std::string(question.data(), size));
  });
  std::cout << ask("localhost:" + port, "hello") << '\n';
  serving.wait();
  listener.close();

  std::error_code ec;
  net::dial_tcp("localhost:" + port, {}, ec);
  std::cout << (ec == std::errc::connection_refused ? "nobody is there any more\n" : "?\n");
}

// Prints:
// you said: hello
// nobody is there any more
