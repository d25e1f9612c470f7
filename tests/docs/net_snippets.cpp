// The snippets of docs/network.md that no other test has.
#include <string_view>

#include <weft/weft.hpp>

#include "weft_test.hpp"

namespace {

void serve(weft::net::tcp_stream& c) {
  char room[64];
  std::error_code ec;
  while (const std::size_t n = c.read_some(std::span(room), ec)) c.write(std::string_view(room, n));
}

TEST(NetworkSnippets, AListenerAndItsConnections) {
  weft::net::tcp_listener listener(weft::net::address::loopback());
  weft::go([&] {
    std::error_code ec;
    for (;;) {
      weft::net::tcp_stream c = listener.accept(ec);
      if (ec) return;  // somebody has closed the listener
      weft::go([c = std::move(c)]() mutable { serve(c); });
    }
  });
  weft::net::tcp_stream s = weft::net::connect_tcp(listener.local_address());
  s.write(std::string_view("hello"));
  char room[8];
  EXPECT_EQ(std::string_view(room, s.read_some(std::span(room))), "hello");
  s.close();
  listener.close();
  EXPECT_TRUE(weft_test::eventually([] { return weft::num_goroutines() == 0; }));
}

}  // namespace
