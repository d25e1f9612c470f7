// UDP: messages keep their bounds, and everything that waits can be ended.
#include <sys/socket.h>
#include <weft/net/udp.hpp>

#include <array>
#include <atomic>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using weft::io_errc;
using weft::net::address;
using weft::net::datagram;
using weft::net::udp_socket;
using weft_test::everywhere;

using net_udp = weft_test::fixture;

udp_socket on_loopback() { return udp_socket(address::loopback()); }

std::string_view text_of(const std::array<char, 64>& room, const datagram& got) {
  return {room.data(), got.size};
}

TEST_F(net_udp, a_message_keeps_its_bounds_and_tells_its_sender) {
  everywhere([] {
    udp_socket a = on_loopback();
    udp_socket b = on_loopback();
    EXPECT_NE(a.local_address().port(), 0);
    EXPECT_EQ(a.send_to("one"sv, b.local_address()), 3U);
    EXPECT_EQ(a.send_to("three"sv, b.local_address()), 5U);
    std::array<char, 64> room;
    datagram got = b.receive_from(std::span(room));
    EXPECT_EQ(text_of(room, got), "one");
    EXPECT_EQ(got.from, a.local_address());
    got = b.receive_from(std::span(room));
    EXPECT_EQ(text_of(room, got), "three");
    EXPECT_FALSE(got.truncated());
  });
}

TEST_F(net_udp, a_receiver_waits_for_a_message) {
  everywhere([] {
    udp_socket a = on_loopback();
    udp_socket b = on_loopback();
    const weft::wait_group wg;
    wg.go([&] {
      std::array<char, 64> room;
      for (int i = 0; i < 20; ++i) {
        const datagram got = b.receive_from(std::span(room));
        b.send_to(text_of(room, got), got.from);
      }
    });
    std::array<char, 64> room;
    for (int i = 0; i < 20; ++i) {
      a.send_to(std::to_string(i), b.local_address());
      const datagram got = a.receive(std::span(room));
      EXPECT_EQ(text_of(room, got), std::to_string(i));
      EXPECT_EQ(got.from, address()) << "receive() does not ask for it";
    }
    wg.wait();
  });
}

TEST_F(net_udp, an_empty_message_is_no_end_of_file) {
  everywhere([] {
    udp_socket a = on_loopback();
    udp_socket b = on_loopback();
    std::error_code ec;
    EXPECT_EQ(a.send_to(""sv, b.local_address(), ec), 0U);
    EXPECT_FALSE(ec);
    std::array<char, 64> room;
    const datagram got = b.receive_from(std::span(room), ec);
    EXPECT_FALSE(ec) << ec.message();
    EXPECT_EQ(got.size, 0U);
    EXPECT_EQ(got.full_size, 0U);
    EXPECT_EQ(got.from, a.local_address());
  });
}

TEST_F(net_udp, a_message_that_does_not_fit_is_cut_and_says_so) {
  everywhere([] {
    udp_socket a = on_loopback();
    udp_socket b = on_loopback();
    a.send_to("0123456789"sv, b.local_address());
    a.send_to("gone"sv, b.local_address());
    a.send_to("next"sv, b.local_address());
    std::array<char, 64> room;
    datagram got = b.receive_from(std::span(room).first(4));
    EXPECT_EQ(text_of(room, got), "0123");
    EXPECT_EQ(got.full_size, 10U);
    EXPECT_TRUE(got.truncated());
    got = b.receive(std::span(room).first(0));
    EXPECT_EQ(got.size, 0U);
    EXPECT_EQ(got.full_size, 4U);
    EXPECT_TRUE(got.truncated());
    got = b.receive(std::span(room));
    EXPECT_EQ(text_of(room, got), "next");
    EXPECT_FALSE(got.truncated());
  });
}

TEST_F(net_udp, a_message_is_gathered_and_scattered) {
  everywhere([] {
    udp_socket a = on_loopback();
    udp_socket b = on_loopback();
    const std::vector<std::string_view> parts{"he", "", "llo ", "there"};
    EXPECT_EQ(a.send_to(parts, b.local_address()), 11U);
    std::array<char, 3> first;
    std::array<char, 64> rest;
    const std::array<std::span<char>, 2> into{first, rest};
    const datagram got = b.receive_from(into);
    EXPECT_EQ(got.size, 11U);
    EXPECT_EQ(std::string_view(first.data(), 3), "hel");
    EXPECT_EQ(std::string_view(rest.data(), 8), "lo there");
  });
}

TEST_F(net_udp, more_buffers_than_one_call_takes_are_refused_and_not_cut) {
  everywhere([] {
    udp_socket a = on_loopback();
    udp_socket b = on_loopback();
    std::error_code ec;
    EXPECT_EQ(a.send_to(std::vector<std::string_view>(17, "x"), b.local_address(), ec), 0U);
    EXPECT_EQ(ec, std::errc::message_size);
    a.send_to(std::vector<std::string_view>(16, "y"), b.local_address());
    std::array<char, 64> room;
    std::vector<std::span<char>> into(17, std::span(room).first(1));
    b.receive(into, ec);
    EXPECT_EQ(ec, std::errc::message_size);
    const datagram got = b.receive(std::span(room));
    EXPECT_EQ(text_of(room, got), std::string(16, 'y'));
  });
}

TEST_F(net_udp, a_message_that_is_too_long_is_refused) {
  everywhere([] {
    udp_socket a = on_loopback();
    std::error_code ec;
    EXPECT_EQ(a.send_to(std::string(70'000, 'x'), a.local_address(), ec), 0U);
    EXPECT_EQ(ec, std::errc::message_size);
  });
}

TEST_F(net_udp, a_connected_socket_hears_its_peer_only) {
  everywhere([] {
    udp_socket peer = on_loopback();
    udp_socket stranger = on_loopback();
    udp_socket a = weft::net::connect_udp(peer.local_address());
    EXPECT_EQ(a.remote_address(), peer.local_address());
    stranger.send_to("stranger"sv, a.local_address());
    peer.send_to("peer"sv, a.local_address());
    std::array<char, 64> room;
    EXPECT_EQ(text_of(room, a.receive(std::span(room))), "peer");
    a.send("to peer"sv);
    EXPECT_EQ(text_of(room, peer.receive(std::span(room))), "to peer");
  });
}

TEST_F(net_udp, connect_may_be_called_again_and_undone) {
  everywhere([] {
    udp_socket first = on_loopback();
    udp_socket second = on_loopback();
    udp_socket a = on_loopback();
    std::error_code ec;
    a.send("nobody"sv, ec);
    EXPECT_EQ(ec, std::errc::destination_address_required);
    a.connect(first.local_address());
    a.send("first"sv);
    a.connect(second.local_address());
    a.send("second"sv);
    std::array<char, 64> room;
    EXPECT_EQ(text_of(room, first.receive(std::span(room))), "first");
    EXPECT_EQ(text_of(room, second.receive(std::span(room))), "second");
    a.disconnect();
    a.remote_address(ec);
    EXPECT_EQ(ec, std::errc::not_connected);
    a.send_to("again"sv, first.local_address());
    EXPECT_EQ(text_of(room, first.receive(std::span(room))), "again");
  });
}

TEST_F(net_udp, a_port_where_nobody_is_refuses) {
  everywhere([] {
    udp_socket gone = on_loopback();
    const address there = gone.local_address();
    gone.close();
    udp_socket a = weft::net::connect_udp(there);
    a.send("anybody?"sv);
    std::array<char, 64> room;
    std::error_code ec;
    a.receive(std::span(room), ec);
    EXPECT_EQ(ec, std::errc::connection_refused);
  });
}

TEST_F(net_udp, a_deadline_in_the_past_ends_a_call_though_there_is_a_message) {
  everywhere([] {
    udp_socket a = on_loopback();
    a.send_to("there"sv, a.local_address());
    a.set_deadline(weft::clock::now() - 1s);
    std::array<char, 64> room;
    std::error_code ec;
    a.receive(std::span(room), ec);
    EXPECT_EQ(ec, io_errc::timeout);
    EXPECT_EQ(a.send_to("x"sv, a.local_address(), ec), 0U);
    EXPECT_EQ(ec, io_errc::timeout);
    EXPECT_THROW(a.receive(std::span(room)), std::system_error);
    a.set_deadline({});
    EXPECT_EQ(text_of(room, a.receive(std::span(room))), "there");
  });
}

TEST_F(net_udp, a_deadline_ends_a_wait_and_reading_goes_on_after_it) {
  everywhere([] {
    udp_socket a = on_loopback();
    std::array<char, 64> room;
    std::error_code ec;
    for (int i = 0; i < 3; ++i) {
      a.set_deadline_after(2ms);
      a.receive(std::span(room), ec);
      EXPECT_EQ(ec, io_errc::timeout);
      EXPECT_EQ(ec, std::errc::timed_out);
    }
    a.clear_deadline();
    a.send_to("late"sv, a.local_address());
    EXPECT_EQ(text_of(room, a.receive(std::span(room))), "late");
  });
}

TEST_F(net_udp, a_deadline_that_another_sets_ends_a_wait) {
  everywhere([] {
    udp_socket a = on_loopback();
    const weft::wait_group wg;
    for (int i = 0; i < 3; ++i)
      wg.go([&] {
        std::array<char, 64> room;
        std::error_code ec;
        a.receive(std::span(room), ec);
        EXPECT_EQ(ec, io_errc::timeout);
      });
    weft_test::let_others_run();
    a.set_read_deadline(weft::clock::now());
    wg.wait();
  });
}

TEST_F(net_udp, close_ends_everybody_who_waits) {
  everywhere([] {
    udp_socket a = on_loopback();
    const weft::wait_group wg;
    for (int i = 0; i < 4; ++i)
      wg.go([&] {
        std::array<char, 64> room;
        std::error_code ec;
        a.receive_from(std::span(room), ec);
        EXPECT_EQ(ec, io_errc::closed);
      });
    weft_test::let_others_run();
    a.close();
    wg.wait();
    std::error_code ec;
    a.close(ec);
    EXPECT_EQ(ec, io_errc::closed);
    EXPECT_EQ(a.native_handle(), -1);
  });
}

TEST_F(net_udp, one_that_is_not_open_says_closed) {
  udp_socket none;
  std::array<char, 64> room;
  std::error_code ec;
  none.receive(std::span(room), ec);
  EXPECT_EQ(ec, io_errc::closed);
  none.send("x"sv, ec);
  EXPECT_EQ(ec, io_errc::closed);
  none.connect(address::loopback(1), ec);
  EXPECT_EQ(ec, io_errc::closed);
  none.set_broadcast(true, ec);
  EXPECT_EQ(ec, io_errc::closed);
  none.set_receive_buffer(4096, ec);
  EXPECT_EQ(ec, io_errc::closed);
}

TEST_F(net_udp, an_address_belongs_to_one_unless_it_is_shared) {
  udp_socket first(address::loopback(), {.reuse_port = true});
  const address there = first.local_address();
  std::error_code ec;
  const udp_socket refused(there, {}, ec);
  EXPECT_EQ(ec, std::errc::address_in_use);
  EXPECT_FALSE(refused.is_open());
  EXPECT_THROW(udp_socket{there}, std::system_error);
  const udp_socket shared(there, {.reuse_port = true});
  EXPECT_EQ(shared.local_address(), there);
}

TEST_F(net_udp, an_address_that_is_not_of_ip_is_refused) {
  std::error_code ec;
  const udp_socket path(address::unix_path("@weft-no-ip"), {}, ec);
  EXPECT_EQ(ec, std::errc::address_family_not_supported);
  EXPECT_FALSE(path.is_open());
  const udp_socket nothing(address(), {}, ec);
  EXPECT_EQ(ec, std::errc::address_family_not_supported);
  EXPECT_FALSE(weft::net::connect_udp(address::unix_path("@weft-no-ip"), ec).is_open());
  EXPECT_EQ(ec, std::errc::address_family_not_supported);
}

TEST_F(net_udp, a_broadcast_needs_its_option) {
  udp_socket receiver(address::parse("0.0.0.0:0"));
  receiver.set_read_deadline(weft::clock::now() + 60s);
  const address all =
      address::parse("127.255.255.255:1").with_port(receiver.local_address().port());
  udp_socket sender = on_loopback();
  std::error_code ec;
  sender.send_to("all"sv, all, ec);
  EXPECT_EQ(ec, std::errc::permission_denied);
  sender.set_broadcast(true);
  sender.send_to("all"sv, all);
  std::array<char, 64> room;
  EXPECT_EQ(text_of(room, receiver.receive(std::span(room))), "all");
  udp_socket other(address::loopback(), {.broadcast = true});
  other.send_to("again"sv, all);
  EXPECT_EQ(text_of(room, receiver.receive(std::span(room))), "again");
}

TEST_F(net_udp, every_address_is_of_both_families_unless_it_is_ipv6_only) {
  std::error_code ec;
  udp_socket both(address::any(), {}, ec);
  if (ec == std::errc::address_family_not_supported) GTEST_SKIP() << "no IPv6 here";
  ASSERT_FALSE(ec) << ec.message();
  udp_socket v4 = on_loopback();
  v4.send_to("hello"sv, address::loopback(both.local_address().port()));
  std::array<char, 64> room;
  const datagram got = both.receive_from(std::span(room));
  EXPECT_EQ(got.from, v4.local_address()) << got.from.to_string();
  both.send_to("back"sv, got.from);
  EXPECT_EQ(text_of(room, v4.receive(std::span(room))), "back");

  const udp_socket narrow(address::any(), {.ipv6_only = true});
  udp_socket refused = weft::net::connect_udp(address::loopback(narrow.local_address().port()));
  refused.send("hello"sv);
  refused.receive(std::span(room), ec);
  EXPECT_EQ(ec, std::errc::connection_refused);
}

TEST_F(net_udp, options_reach_the_kernel) {
  udp_socket a = on_loopback();
  const auto option = [&](int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(a.native_handle(), level, name, &value, &size), 0);
    return value;
  };
  a.set_receive_buffer(32'768);
  EXPECT_EQ(option(SOL_SOCKET, SO_RCVBUF), 2 * 32'768) << "Linux doubles it";
  a.set_send_buffer(16'384);
  EXPECT_EQ(option(SOL_SOCKET, SO_SNDBUF), 2 * 16'384);
  a.set_hop_limit(3);
  EXPECT_EQ(option(0 /* IPPROTO_IP */, 2 /* IP_TTL */), 3);
  EXPECT_THROW(a.set_hop_limit(1000), std::system_error);
}

TEST_F(net_udp, a_descriptor_made_elsewhere_is_taken_over) {
  everywhere([] {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ASSERT_GE(fd, 0);
    udp_socket taken(fd);
    EXPECT_EQ(taken.native_handle(), fd);
    udp_socket b = on_loopback();
    taken.send_to("mine"sv, b.local_address());
    std::array<char, 64> room;
    EXPECT_EQ(text_of(room, b.receive(std::span(room))), "mine");
    taken.set_deadline_after(1ms);
    std::error_code ec;
    taken.receive(std::span(room), ec);
    EXPECT_EQ(ec, io_errc::timeout) << "it does not block the thread";
  });
}

/// Who waits for the answer to each message loses none on loopback.
void ask_and_check(const address& server, int client, int count) {
  udp_socket a = weft::net::connect_udp(server);
  std::array<char, 64> room;
  for (int i = 0; i < count; ++i) {
    const std::string asked = std::to_string(client) + ":" + std::to_string(i);
    a.send(asked);
    EXPECT_EQ(text_of(room, a.receive(std::span(room))), asked);
  }
}

TEST_F(net_udp, many_receive_and_many_send_at_the_same_time) {
  everywhere([] {
    constexpr int clients = 8;
    const int each = weft_test::scaled(200);
    udp_socket server = on_loopback();
    std::atomic<int> answered{0};
    const weft::wait_group servers;
    for (int i = 0; i < 3; ++i)
      servers.go([&] {
        std::array<char, 64> room;
        std::error_code ec;
        for (;;) {
          const datagram got = server.receive_from(std::span(room), ec);
          if (ec) break;
          answered.fetch_add(1);
          server.send_to(text_of(room, got), got.from);
        }
        EXPECT_EQ(ec, io_errc::closed);
      });
    const weft::wait_group wg;
    for (int c = 0; c < clients; ++c)
      wg.go([&, c] { ask_and_check(server.local_address(), c, each); });
    wg.wait();
    server.close();
    servers.wait();
    EXPECT_EQ(answered.load(), clients * each);
  });
}

}  // namespace
