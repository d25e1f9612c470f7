// Connecting by name: which attempts begin, which one wins, what is left of the others.
#include <weft/net/dial.hpp>

#include <array>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <weft/io/error.hpp>

#include "dns_server.hpp"
#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft::net::address;
using weft::net::dial_options;
using weft::net::dial_tcp;
using weft::net::resolve_errc;
using weft::net::tcp_listener;
using weft::net::tcp_stream;
using weft_test::dns_server;
using weft_test::everywhere;
using weft_test::on_goroutine;

using dial = weft_test::fixture;

constexpr std::chrono::nanoseconds one_after_another = std::chrono::nanoseconds::max();

std::string port_text(const tcp_listener& listener) {
  return std::to_string(listener.local_address().port());
}

tcp_listener listen_on(const std::string& host, std::uint16_t port = 0, int backlog = 0) {
  return tcp_listener(address::parse(host + ":0").with_port(port), {.backlog = backlog});
}

/// A port of 127.0.0.1 that nobody listens at, nor on 127.0.0.2 and so on.
std::uint16_t refused_port() { return listen_on("127.0.0.1").local_address().port(); }

std::error_code error_of(const std::string& to, const dial_options& options = {}) {
  std::error_code ec;
  EXPECT_FALSE(dial_tcp(to, options, ec).is_open());
  return ec;
}

/// Both are ends of the same connection.
void expect_connected(tcp_stream& one, tcp_stream& other) {
  std::array<char, 1> byte{'x'};
  one.write(byte);
  byte[0] = '\0';
  EXPECT_EQ(other.read_some(std::span(byte)), 1U);
  EXPECT_EQ(byte[0], 'x');
}

/// A listener that answers nobody: its backlog is full, so the system drops what else comes.
class black_hole {
 public:
  explicit black_hole(const std::string& host, std::uint16_t port = 0)
      : listener_(listen_on(host, port, 1)) {
    for (int i = 0; i < 64 && !is_full_; ++i) {
      std::error_code ec;
      tcp_stream filler = weft::net::connect_tcp(at(), {.timeout = 100ms, .from = {}}, ec);
      is_full_ = ec == weft::io_errc::timeout;
      if (!ec) fillers_.push_back(std::move(filler));
    }
  }
  bool is_full() const { return is_full_; }
  address at() const { return listener_.local_address(); }

 private:
  tcp_listener listener_;
  std::vector<tcp_stream> fillers_;
  bool is_full_ = false;
};

TEST_F(dial, connects_to_an_address_and_to_a_name) {
  everywhere([] {
    tcp_listener listener = listen_on("127.0.0.1");
    const std::uint16_t port = listener.local_address().port();
    dns_server server;
    server.add("a.test", {"127.0.0.1"});
    const dial_options by_server{.names = server.resolver()};
    const auto expect_reaches = [&](tcp_stream client) {
      tcp_stream accepted = listener.accept();
      EXPECT_EQ(client.remote_address(), listener.local_address());
      expect_connected(client, accepted);
    };
    expect_reaches(dial_tcp("127.0.0.1:" + std::to_string(port)));
    expect_reaches(dial_tcp("localhost:" + std::to_string(port)));
    expect_reaches(dial_tcp(":" + std::to_string(port)));
    expect_reaches(dial_tcp("127.0.0.1", port));
    expect_reaches(dial_tcp("localhost", std::to_string(port)));
    expect_reaches(dial_tcp("a.test", port, by_server));
    expect_reaches(dial_tcp("a.test:" + std::to_string(port), by_server));
    expect_reaches(dial_tcp(weft::background(), "a.test", port, by_server));
    expect_reaches(dial_tcp(std::stop_source().get_token(), "127.0.0.1", port));
  });
}

TEST_F(dial, refuses_a_text_without_host_and_port) {
  everywhere([] {
    for (const char* to : {"", "localhost", "127.0.0.1", "::1", "::1:80", "[::1]", "[::1:80",
                           "::1]:80", "[[::1]]:80", "a:b:80", "[::1]x:80"})
      EXPECT_EQ(error_of(to), std::errc::invalid_argument) << to;
    EXPECT_EQ(error_of("127.0.0.1:no-such-service"), resolve_errc::service_not_found);
    EXPECT_EQ(error_of("127.0.0.1:65536"), resolve_errc::service_not_found);
  });
}

TEST_F(dial, reports_a_refused_port) {
  everywhere([] {
    const std::string to = "127.0.0.1:" + std::to_string(refused_port());
    EXPECT_EQ(error_of(to), std::errc::connection_refused);
    const auto what = [](auto f) { return weft_test::what_thrown<std::system_error>(f); };
    EXPECT_EQ(what([&] { dial_tcp(to); }).substr(0, to.size() + 7), "dial " + to + ": ");
    EXPECT_EQ(what([&] { dial_tcp("::1", 1, {.only = address::family::ipv4}); }),
              "dial [::1]:1: host has no address of that kind");
  });
}

TEST_F(dial, reports_a_name_that_is_not) {
  everywhere([] {
    const dns_server server;
    EXPECT_EQ(error_of("no.test:80", {.names = server.resolver()}), resolve_errc::host_not_found);
  });
}

TEST_F(dial, goes_on_to_the_next_address_at_once_when_one_fails) {
  everywhere([] {
    tcp_listener listener = listen_on("127.0.0.4");
    dns_server server;
    server.add("a.test", {"127.0.0.2", "127.0.0.3", "127.0.0.4"});
    tcp_stream client = dial_tcp("a.test:" + port_text(listener),
                                 {.attempt_delay = one_after_another, .names = server.resolver()});
    tcp_stream accepted = listener.accept();
    expect_connected(client, accepted);
  });
}

TEST_F(dial, alternates_between_the_families) {
  on_goroutine([] {
    // IPv4 addresses in IPv6's clothes: the second of them would hold up whoever tries it first.
    const black_hole hole("127.0.0.3");
    ASSERT_TRUE(hole.is_full());
    tcp_listener listener = listen_on("127.0.0.2", hole.at().port());
    dns_server server;
    server.add("a.test", {"[::ffff:127.0.0.4]", "[::ffff:127.0.0.3]", "127.0.0.2"});
    tcp_stream client =
        dial_tcp("a.test:" + port_text(listener),
                 {.timeout = 30s, .attempt_delay = one_after_another, .names = server.resolver()});
    EXPECT_EQ(client.remote_address(), listener.local_address());
  });
}

TEST_F(dial, reports_what_the_first_address_has_failed_with) {
  everywhere([] {
    dns_server server;
    // TCP goes to no broadcast address.
    server.add("first.test", {"127.0.0.2", "255.255.255.255"});
    server.add("second.test", {"255.255.255.255", "127.0.0.2"});
    const std::string port = ":" + std::to_string(refused_port());
    for (const std::chrono::nanoseconds delay : {one_after_another, 0ns}) {
      const dial_options options{.attempt_delay = delay, .names = server.resolver()};
      EXPECT_EQ(error_of("first.test" + port, options), std::errc::connection_refused);
      const std::error_code other = error_of("second.test" + port, options);
      EXPECT_TRUE(other);
      EXPECT_NE(other, std::errc::connection_refused);
    }
  });
}

TEST_F(dial, does_not_wait_for_an_attempt_that_leads_nowhere) {
  on_goroutine([] {
    const black_hole hole("127.0.0.2");
    ASSERT_TRUE(hole.is_full());
    tcp_listener listener = listen_on("127.0.0.3", hole.at().port());
    dns_server server;
    server.add("a.test", {"127.0.0.2", "127.0.0.3"});
    tcp_stream client = dial_tcp("a.test:" + port_text(listener),
                                 {.attempt_delay = 1ms, .names = server.resolver()});
    EXPECT_EQ(client.remote_address(), listener.local_address());
    tcp_stream accepted = listener.accept();
    expect_connected(client, accepted);
  });
}

TEST_F(dial, without_a_delay_tries_all_and_keeps_one) {
  everywhere([] {
    tcp_listener first = listen_on("127.0.0.2");
    tcp_listener second = listen_on("127.0.0.3", first.local_address().port());
    dns_server server;
    server.add("a.test", {"127.0.0.2", "127.0.0.3"});
    for (int round = 0; round < 20; ++round) {
      tcp_stream client = dial_tcp("a.test:" + port_text(first),
                                   {.attempt_delay = 0ns, .names = server.resolver()});
      const bool is_first = client.remote_address() == first.local_address();
      tcp_listener& winner = is_first ? first : second;
      tcp_listener& loser = is_first ? second : first;
      tcp_stream accepted = winner.accept();
      expect_connected(client, accepted);
      // The other one may have come so far that it is accepted; then it was closed at once.
      std::error_code ec;
      tcp_stream prober = weft::net::connect_tcp(loser.local_address());
      const address mine = prober.local_address();
      for (;;) {
        tcp_stream other = loser.accept();
        if (other.remote_address(ec) == mine && !ec) break;
        std::array<char, 1> byte{};
        EXPECT_EQ(other.read_some(std::span(byte), ec), 0U);
        EXPECT_TRUE(ec);
      }
    }
  });
}

TEST_F(dial, ends_in_time) {
  on_goroutine([] {
    const black_hole hole("127.0.0.2");
    ASSERT_TRUE(hole.is_full());
    dns_server server;
    const std::string port = std::to_string(hole.at().port());
    server.add("a.test", {"127.0.0.2", "127.0.0.2"});
    EXPECT_EQ(error_of("127.0.0.2:" + port, {.timeout = 2ms}), weft::io_errc::timeout);
    EXPECT_EQ(error_of("a.test:" + port,
                       {.timeout = 20ms, .attempt_delay = 1ms, .names = server.resolver()}),
              weft::io_errc::timeout);
    server.hold();
    EXPECT_EQ(error_of("a.test:" + port, {.timeout = 2ms, .names = server.resolver()}),
              weft::io_errc::timeout);
    EXPECT_TRUE(server.settle());
  });
}

TEST_F(dial, ends_when_it_is_cancelled) {
  on_goroutine([] {
    const black_hole hole("127.0.0.2");
    ASSERT_TRUE(hole.is_full());
    dns_server server;
    server.add("a.test", {"127.0.0.2", "127.0.0.2"});
    const auto [ctx, cancel] = weft::with_cancel(weft::background());
    std::stop_source stop;
    const dial_options options{.attempt_delay = 0ns, .names = server.resolver()};
    const auto expect_canceled = [&](const auto& by) {
      std::error_code ec;
      EXPECT_FALSE(dial_tcp(by, "a.test", hole.at().port(), options, ec).is_open());
      EXPECT_EQ(ec, std::errc::operation_canceled);
    };
    const weft::wait_group wg;
    wg.go([&, ctx = ctx] { expect_canceled(ctx); });
    wg.go([&, token = stop.get_token()] { expect_canceled(token); });
    ASSERT_TRUE(weft_test::eventually([&] { return server.questions() == 4; }));
    weft_test::let_others_run();
    cancel();
    stop.request_stop();
    wg.wait();
    expect_canceled(ctx);
    EXPECT_EQ(server.questions(), 4);
  });
}

TEST_F(dial, comes_from_the_address_that_was_asked_for) {
  everywhere([] {
    tcp_listener listener = listen_on("127.0.0.1");
    dns_server server;
    server.add("a.test", {"[::1]", "127.0.0.1"});
    const tcp_stream client =
        dial_tcp("a.test:" + port_text(listener),
                 {.from = address::parse("127.0.0.9:0"), .names = server.resolver()});
    EXPECT_EQ(client.local_address().host(), "127.0.0.9");
    EXPECT_EQ(listener.accept().remote_address(), client.local_address());
  });
}

TEST_F(dial, many_at_once) {
  everywhere([] {
    constexpr int count = 100;
    tcp_listener listener = listen_on("127.0.0.3");
    dns_server server;
    server.add("a.test", {"127.0.0.2", "127.0.0.3"});
    const weft::wait_group wg;
    wg.go([&] {
      for (int i = 0; i < count; ++i) {
        tcp_stream accepted = listener.accept();
        accepted.write(std::string("x"));
      }
    });
    for (int i = 0; i < count; ++i)
      wg.go([&] {
        tcp_stream client = dial_tcp("a.test:" + port_text(listener), {.names = server.resolver()});
        std::array<char, 1> byte{};
        EXPECT_EQ(client.read_some(std::span(byte)), 1U);
      });
    wg.wait();
  });
}

}  // namespace
