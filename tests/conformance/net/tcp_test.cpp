// TCP connections: made and refused, their bytes, their ends, their options.
#include <weft/net/tcp.hpp>

#include <weft/io/wait.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string_view>
#include <thread>

#include "connected.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft_test;
using weft::io_errc;
using weft::net::address;
using weft::net::connect_tcp;
using weft::net::tcp_listener;
using weft::net::tcp_stream;

using tcp = weft_test::fixture;

template <class F>
std::error_code error_thrown(F f) {
  try {
    f();
  } catch (const std::system_error& e) {
    return e.code();
  }
  return {};
}

int option_of(const weft::net::socket& s, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(::getsockopt(s.native_handle(), level, name, &value, &size), 0);
  return value;
}

TEST_F(tcp, carries_bytes_both_ways_and_ends) {
  everywhere([] {
    connected c = connect_pair();
    const weft::wait_group wg;
    wg.go([&] {
      std::error_code ec;
      EXPECT_EQ(read_to_end(c.server, ec), "ping");
      EXPECT_FALSE(ec);
      c.server.write(std::string_view("pong"));
      c.server.close();
    });
    c.client.write(std::string_view("ping"));
    c.client.close_write();
    std::error_code ec;
    EXPECT_EQ(read_to_end(c.client, ec), "pong");
    EXPECT_FALSE(ec);
    wg.wait();
  });
}

TEST_F(tcp, accepts_whoever_connects_while_it_waits) {
  everywhere([] {
    tcp_listener listener(address::loopback());
    const weft::wait_group wg;
    constexpr int count = 20;
    wg.go([&] {
      for (int i = 0; i < count; ++i) {
        tcp_stream s = listener.accept();
        s.write(s.remote_address().to_string());
      }
    });
    for (int i = 0; i < count; ++i)
      wg.go([&] {
        tcp_stream s = connect_tcp(listener.local_address());
        std::error_code ec;
        EXPECT_EQ(read_to_end(s, ec), s.local_address().to_string());
      });
    wg.wait();
  });
}

TEST_F(tcp, knows_both_of_its_addresses) {
  everywhere([] {
    tcp_listener listener(address::loopback());
    EXPECT_NE(listener.local_address().port(), 0);
    EXPECT_EQ(listener.local_address().host(), "127.0.0.1");
    connected c = connect_to(listener);
    EXPECT_EQ(c.client.remote_address(), listener.local_address());
    EXPECT_EQ(c.server.local_address(), listener.local_address());
    EXPECT_EQ(c.client.local_address(), c.server.remote_address());
    EXPECT_TRUE(c.client.local_address().is_loopback());
    c.client.close();
    EXPECT_EQ(error_thrown([&] { c.client.remote_address(); }), io_errc::closed);
    EXPECT_EQ(error_thrown([&] { c.client.local_address(); }), io_errc::closed);
  });
}

TEST_F(tcp, connects_from_the_address_that_it_is_told) {
  everywhere([] {
    tcp_listener listener(address::loopback());
    const tcp_stream s =
        connect_tcp(listener.local_address(), {.from = address::parse("127.0.0.2:0")});
    EXPECT_EQ(s.local_address().host(), "127.0.0.2");
    EXPECT_EQ(listener.accept().remote_address(), s.local_address());
  });
}

TEST_F(tcp, of_ipv6_takes_ipv4_too_unless_it_is_told_not_to) {
  on_goroutine([] {
    std::error_code ec;
    tcp_listener both(address::any());
    const auto port = both.local_address().port();
    tcp_stream four = connect_tcp(address::loopback(port), {}, ec);
    EXPECT_FALSE(ec) << ec.message();
    EXPECT_TRUE(both.accept().is_open());
    const address six = address::parse("[::1]:0");
    if (error_thrown([&] { tcp_listener probe(six); })) return;  // a machine without IPv6
    tcp_listener only(six, {.ipv6_only = true});
    EXPECT_EQ(option_of(only, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    tcp_stream s = connect_tcp(only.local_address());
    EXPECT_EQ(only.accept().remote_address(), s.local_address());
  });
}

TEST_F(tcp, is_refused_where_nobody_listens) {
  everywhere([] {
    tcp_listener* const listener = new tcp_listener(address::loopback());
    const address at = listener->local_address();
    delete listener;
    std::error_code ec;
    tcp_stream s = connect_tcp(at, {}, ec);
    EXPECT_EQ(ec, std::errc::connection_refused) << ec.message();
    EXPECT_FALSE(s.is_open());
    EXPECT_EQ(error_thrown([&] { connect_tcp(at); }), std::errc::connection_refused);
    EXPECT_NE(what_thrown<std::system_error>([&] { connect_tcp(at); }).find(at.to_string()),
              std::string::npos);
  });
}

TEST_F(tcp, cannot_listen_where_somebody_listens_or_at_what_is_not_here) {
  everywhere([] {
    tcp_listener listener(address::loopback());
    EXPECT_EQ(error_thrown([&] { tcp_listener again(listener.local_address()); }),
              std::errc::address_in_use);
    // 192.0.2.0/24 is for documentation: no machine has such an address.
    EXPECT_EQ(error_thrown([] { tcp_listener far(address::parse("192.0.2.1:0")); }),
              std::errc::address_not_available);
    EXPECT_EQ(error_thrown([] { tcp_listener nowhere{address()}; }),
              std::errc::address_family_not_supported);
    std::error_code ec;
    connect_tcp(listener.local_address(), {.from = address::parse("192.0.2.1:0")}, ec);
    EXPECT_EQ(ec, std::errc::address_not_available);
    connect_tcp(address(), {}, ec);
    EXPECT_EQ(ec, std::errc::address_family_not_supported);
    connect_tcp(listener.local_address(), {.from = listener.local_address()}, ec);
    EXPECT_EQ(ec, std::errc::address_in_use);
  });
}

TEST_F(tcp, listens_again_at_once_where_connections_were) {
  everywhere([] {
    address at;
    {
      tcp_listener first(address::loopback());
      at = first.local_address();
      connected c = connect_to(first);
      c.server.close();  // it is the one that the system remembers for a while
      EXPECT_EQ(error_of_read(c.client), io_errc::end_of_file);
    }
    tcp_listener second(at);
    EXPECT_EQ(second.local_address(), at);
  });
}

TEST_F(tcp, listeners_share_a_port_if_all_of_them_say_so) {
  everywhere([] {
    tcp_listener first(address::loopback(), {.reuse_port = true});
    const address at = first.local_address();
    tcp_listener second(at, {.reuse_port = true});
    EXPECT_EQ(error_thrown([&] { tcp_listener third(at); }), std::errc::address_in_use);
    const weft::wait_group wg;
    weft::detail::atomic<int> taken{0};
    for (tcp_listener* each : {&first, &second})
      wg.go([&taken, each] {
        std::error_code ec;
        while (each->accept(ec).is_open()) ++taken;
        EXPECT_EQ(ec, io_errc::closed);
      });
    constexpr int count = 16;
    std::vector<tcp_stream> all;
    for (int i = 0; i < count; ++i) all.push_back(connect_tcp(at));
    EXPECT_TRUE(eventually([&] { return taken.load() == count; }));
    first.close();
    second.close();
    wg.wait();
  });
}

TEST_F(tcp, reads_what_there_is_and_not_more) {
  everywhere([] {
    connected c = connect_pair();
    std::string room(100, '\0');
    c.client.write(std::string_view("abcdef"));
    EXPECT_EQ(read_exactly(c.server, 2), "ab");
    const std::size_t n = c.server.read_some(into(room));
    EXPECT_EQ(room.substr(0, n), std::string("cdef").substr(0, n));
    EXPECT_LE(n, 4U);
  });
}

TEST_F(tcp, large_writes_wait_for_a_slow_reader) {
  everywhere([] {
    connected c = connect_pair();
    const std::string sent = block(static_cast<std::size_t>(scaled(20)) << 20U);
    const weft::wait_group wg;
    wg.go([&] {
      EXPECT_EQ(c.client.write(sent), sent.size());
      c.client.close_write();
    });
    std::string got;
    std::error_code ec;
    std::string room(50'000, '\0');
    for (std::size_t rest = 1; !ec; rest = rest * 7 % 50'000 + 1) {
      const std::size_t n = c.server.read_some(std::span<char>(room.data(), rest), ec);
      got.append(room, 0, n);
      weft::yield();
    }
    EXPECT_EQ(ec, io_errc::end_of_file);
    EXPECT_TRUE(got == sent) << got.size() << " of " << sent.size() << " bytes";
    wg.wait();
  });
}

TEST_F(tcp, write_some_moves_a_part_when_there_is_room_for_a_part) {
  everywhere([] {
    connected c = connect_pair();
    const std::string large(std::size_t{32} << 20U, 'x');
    const std::size_t n = c.client.write_some(large);
    EXPECT_GT(n, 0U);
    EXPECT_LT(n, large.size());
    c.client.close();
    std::error_code ec;
    EXPECT_EQ(read_to_end(c.server, ec).size(), n);
    EXPECT_FALSE(ec) << ec.message();
  });
}

TEST_F(tcp, scatters_and_gathers_no_one_or_many_buffers) {
  everywhere([] {
    connected c = connect_pair();
    for (const std::size_t count : {0U, 1U, 2U, 15U, 16U, 17U, 40U}) {
      const std::size_t used = std::min<std::size_t>(count, 16);
      const std::string text = block(count * 3, static_cast<unsigned>(count));
      std::vector<std::string_view> from;
      for (std::size_t i = 0; i < count; ++i)
        from.push_back(std::string_view(text).substr(3 * i, 3));
      EXPECT_EQ(c.client.write_some(from), 3 * used);
      std::string room(count * 3, '\0');
      std::vector<std::span<char>> to;
      for (std::size_t i = 0; i < count; ++i) to.emplace_back(room.data() + 3 * i, 3);
      std::size_t n = 0;
      if (used > 0) n = c.server.read_some(to);
      EXPECT_EQ(room.substr(0, n), text.substr(0, n));
      EXPECT_EQ(n, 3 * used) << count << " buffers";
    }
  });
}

TEST_F(tcp, empty_buffers_move_nothing_and_wait_for_nothing) {
  everywhere([] {
    connected c = connect_pair();
    const std::vector<std::span<char>> none;
    const std::array<std::string_view, 3> empty{};
    EXPECT_EQ(c.client.read_some(none), 0U);
    EXPECT_EQ(c.client.read_some(std::span<char>()), 0U);
    EXPECT_EQ(c.client.write_some(empty), 0U);
    EXPECT_EQ(c.client.write(std::string_view()), 0U);
    // Empty ones between others do not count among the sixteen.
    std::vector<std::string_view> sparse(40);
    sparse[20] = "a";
    sparse[39] = "b";
    EXPECT_EQ(c.client.write_some(sparse), 2U);
    EXPECT_EQ(read_exactly(c.server, 2), "ab");
  });
}

TEST_F(tcp, half_closed_by_the_client_still_reads) {
  everywhere([] {
    connected c = connect_pair();
    c.client.close_write();
    EXPECT_EQ(error_of_read(c.server), io_errc::end_of_file);
    EXPECT_EQ(error_of_read(c.server), io_errc::end_of_file);
    c.server.write(std::string_view("late"));
    EXPECT_EQ(read_exactly(c.client, 4), "late");
    std::error_code ec;
    EXPECT_EQ(c.client.write(std::string_view("x"), ec), 0U);
    EXPECT_EQ(ec, std::errc::broken_pipe) << ec.message();
    EXPECT_TRUE(c.client.is_open());
  });
}

TEST_F(tcp, close_read_ends_a_read_that_waits) {
  everywhere([] {
    connected c = connect_pair();
    const weft::wait_group wg;
    wg.go([&] { EXPECT_EQ(error_of_read(c.client), io_errc::end_of_file); });
    let_others_run();
    c.client.close_read();
    wg.wait();
    c.client.write(std::string_view("still"));
    EXPECT_EQ(read_exactly(c.server, 5), "still");
  });
}

TEST_F(tcp, close_write_ends_a_write_that_waits) {
  everywhere([] {
    connected c = connect_pair();
    fill(c.client);
    const weft::wait_group wg;
    wg.go([&] {
      std::error_code ec;
      c.client.write(std::string(1 << 20, 'y'), ec);
      EXPECT_EQ(ec, std::errc::broken_pipe) << ec.message();
    });
    let_others_run();
    c.client.close_write();
    wg.wait();
  });
}

TEST_F(tcp, that_lingers_for_no_time_resets_its_peer) {
  everywhere([] {
    connected c = connect_pair();
    const weft::wait_group wg;
    wg.go([&] { EXPECT_EQ(error_of_read(c.server), std::errc::connection_reset); });
    c.client.set_linger(0s);
    c.client.close();
    wg.wait();
    std::error_code ec;
    c.server.write(std::string_view("x"), ec);
    EXPECT_EQ(ec, std::errc::broken_pipe) << ec.message();
  });
}

TEST_F(tcp, a_write_that_waits_is_ended_by_a_reset) {
  everywhere([] {
    connected c = connect_pair();
    fill(c.client);
    const weft::wait_group wg;
    wg.go([&] {
      std::error_code ec;
      c.client.write(std::string(1 << 20, 'y'), ec);
      EXPECT_TRUE(ec == std::errc::connection_reset || ec == std::errc::broken_pipe)
          << ec.message();
    });
    let_others_run();
    c.server.set_linger(0s);
    c.server.close();
    wg.wait();
  });
}

TEST_F(tcp, never_opened_or_moved_from_reports_closed_everywhere) {
  everywhere([] {
    connected c = connect_pair();
    tcp_stream moved_to = std::move(c.client);
    EXPECT_TRUE(moved_to.is_open());
    tcp_stream never;
    for (tcp_stream* s : {&never, &c.client}) {
      std::error_code ec;
      EXPECT_FALSE(s->is_open());
      EXPECT_EQ(s->native_handle(), -1);
      EXPECT_EQ(error_of_read(*s), io_errc::closed);
      EXPECT_EQ(s->write(std::string_view("x"), ec), 0U);
      EXPECT_EQ(ec, io_errc::closed);
      EXPECT_EQ(s->write_some(std::string_view("x"), ec), 0U);
      EXPECT_EQ(ec, io_errc::closed);
      EXPECT_EQ(error_thrown([&] { s->close(); }), io_errc::closed);
      EXPECT_EQ(error_thrown([&] { s->close_read(); }), io_errc::closed);
      EXPECT_EQ(error_thrown([&] { s->close_write(); }), io_errc::closed);
      EXPECT_EQ(error_thrown([&] { s->set_no_delay(true); }), io_errc::closed);
      EXPECT_EQ(error_thrown([&] { s->set_linger(0s); }), io_errc::closed);
      EXPECT_EQ(error_thrown([&] { s->remote_address(); }), io_errc::closed);
      s->set_deadline(weft::clock::now());
      s->clear_deadline();
    }
    tcp_listener no_listener;
    EXPECT_EQ(error_thrown([&] { no_listener.accept(); }), io_errc::closed);
  });
}

TEST_F(tcp, a_stream_that_is_moved_to_closes_what_it_had) {
  everywhere([] {
    connected c = connect_pair();
    connected d = connect_pair();
    c.client = std::move(d.client);
    EXPECT_EQ(error_of_read(c.server), io_errc::end_of_file);
    c.client.write(std::string_view("d"));
    EXPECT_EQ(read_exactly(d.server, 1), "d");
  });
}

TEST_F(tcp, takes_over_a_descriptor_and_makes_it_non_blocking) {
  everywhere([] {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    weft::net::stream a(ends[0]);
    weft::net::stream b(ends[1]);
    const weft::wait_group wg;
    wg.go([&] { EXPECT_EQ(read_exactly(a, 2), "hi"); });
    let_others_run();
    b.write(std::string_view("hi"));
    wg.wait();
    EXPECT_EQ(error_thrown([] { tcp_stream nothing(-1); }), std::errc::bad_file_descriptor);
  });
}

TEST_F(tcp, takes_over_a_descriptor_that_was_waited_for) {
  everywhere([] {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    weft::wait_writable(ends[0]);
    EXPECT_FALSE(weft::wait_readable_for(ends[1], 1ms));
    weft::net::stream a(ends[0]);
    weft::net::stream b(ends[1]);
    const weft::wait_group wg;
    wg.go([&] { EXPECT_EQ(read_exactly(b, 2), "hi"); });
    let_others_run();
    a.write(std::string_view("hi"));
    wg.wait();
  });
}

TEST_F(tcp, options_reach_the_system) {
  on_goroutine([] {
    connected c = connect_pair();
    for (tcp_stream* s : {&c.client, &c.server}) {
      EXPECT_EQ(option_of(*s, IPPROTO_TCP, TCP_NODELAY), 1);
      EXPECT_EQ(option_of(*s, SOL_SOCKET, SO_KEEPALIVE), 1);
      EXPECT_EQ(option_of(*s, IPPROTO_TCP, TCP_KEEPIDLE), 15);
      s->set_no_delay(false);
      EXPECT_EQ(option_of(*s, IPPROTO_TCP, TCP_NODELAY), 0);
      s->set_keep_alive(30s);
      EXPECT_EQ(option_of(*s, IPPROTO_TCP, TCP_KEEPIDLE), 30);
      EXPECT_EQ(option_of(*s, IPPROTO_TCP, TCP_KEEPINTVL), 30);
      s->set_keep_alive(0s);
      EXPECT_EQ(option_of(*s, SOL_SOCKET, SO_KEEPALIVE), 0);
    }
  });
}

TEST_F(tcp, an_error_code_of_before_is_not_left_behind) {
  everywhere([] {
    connected c = connect_pair();
    std::error_code ec = io_errc::closed;
    c.client.write(std::string_view("x"), ec);
    EXPECT_FALSE(ec);
    ec = io_errc::closed;
    std::string room(1, '\0');
    EXPECT_EQ(c.server.read_some(into(room), ec), 1U);
    EXPECT_FALSE(ec);
    ec = io_errc::closed;
    c.client.close(ec);
    EXPECT_FALSE(ec);
  });
}

TEST_F(tcp, broken_pipes_send_no_signal) {
  static int signals = 0;
  struct sigaction counts {};
  struct sigaction before {};
  counts.sa_handler = [](int) { ++signals; };
  ASSERT_EQ(::sigaction(SIGPIPE, &counts, &before), 0);
  everywhere([] {
    connected c = connect_pair();
    c.server.set_linger(0s);
    c.server.close();
    std::error_code ec;
    while (!ec) c.client.write(std::string(4096, 'x'), ec);
    while (ec != std::errc::broken_pipe) c.client.write_some(std::string_view("x"), ec);
    const std::array<std::string_view, 2> two{"x", "y"};
    EXPECT_EQ(c.client.write_some(two, ec), 0U);
    EXPECT_EQ(ec, std::errc::broken_pipe);
  });
  ::sigaction(SIGPIPE, &before, nullptr);
  EXPECT_EQ(signals, 0);
}

TEST_F(tcp, plain_threads_and_goroutines_talk_to_each_other) {
  on_goroutine([] {
    connected c = connect_pair();
    std::thread other([&] {
      for (int i = 0; i < 50; ++i) c.server.write(read_exactly(c.server, 3));
    });
    for (int i = 0; i < 50; ++i) {
      const std::string sent = block(3, static_cast<unsigned>(i));
      c.client.write(sent);
      EXPECT_EQ(read_exactly(c.client, 3), sent);
    }
    weft::blocking([&] { other.join(); });
  });
}

TEST_F(tcp, opens_fast_where_both_ask_for_it) {
  everywhere([] {
    tcp_listener listener(address::loopback(), {.fast_open = 16});
    EXPECT_EQ(option_of(listener, IPPROTO_TCP, TCP_FASTOPEN), 16);
    for (int i = 0; i < 3; ++i) {  // the first connection brings the cookie for the others
      tcp_stream client = connect_tcp(listener.local_address(), {.fast_open = true});
      EXPECT_EQ(option_of(client, IPPROTO_TCP, TCP_FASTOPEN_CONNECT), 1);
      client.write(std::string_view("at once"));
      tcp_stream server = listener.accept();
      EXPECT_EQ(read_exactly(server, 7), "at once");
      server.write(std::string_view("answer"));
      EXPECT_EQ(read_exactly(client, 6), "answer");
      EXPECT_EQ(client.remote_address(), listener.local_address());
    }
  });
}

}  // namespace
