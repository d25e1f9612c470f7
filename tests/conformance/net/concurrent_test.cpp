// Several goroutines on one connection: reads take turns, and so do writes; the
// two do not wait for each other.
#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <string_view>

#include "connected.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft_test;
using weft::io_errc;
using weft::net::address;
using weft::net::connect_tcp;
using weft::net::tcp_listener;
using weft::net::tcp_stream;

using sharing = weft_test::fixture;

/// Go: "a Write is atomic with respect to others": however large.
TEST_F(sharing, writes_are_never_mixed) {
  everywhere([] {
    connected c = connect_pair();
    constexpr int writers = 4;
    const int rounds = scaled(10);
    constexpr std::size_t size = 700'000;  // more than the system takes at once
    const weft::wait_group wg;
    for (int who = 0; who < writers; ++who)
      wg.go([&c, who, rounds, size] {
        for (int i = 0; i < rounds; ++i) {
          const std::string bytes(size, static_cast<char>('a' + who));
          EXPECT_EQ(c.client.write(bytes), size);
        }
      });
    std::map<char, int> seen;
    for (int i = 0; i < writers * rounds; ++i) {
      const std::string got = read_exactly(c.server, size);
      ++seen[got[0]];
      EXPECT_TRUE(std::all_of(got.begin(), got.end(), [&](char b) { return b == got[0]; }))
          << "block " << i << " is mixed";
    }
    wg.wait();
    for (int who = 0; who < writers; ++who) EXPECT_EQ(seen[static_cast<char>('a' + who)], rounds);
  });
}

/// Every byte goes to exactly one reader, and each reader sees its own in
/// order.
TEST_F(sharing, reads_take_turns) {
  everywhere([] {
    connected c = connect_pair();
    constexpr std::uint32_t count = 4000;
    const weft::wait_group wg;
    std::array<std::vector<std::uint32_t>, 4> got;
    for (auto& mine : got)
      wg.go([&] {
        std::error_code ec;
        // One call takes a whole number, since that is how they are sent and
        // all that there is.
        for (;;) {
          std::uint32_t number = 0;
          const auto raw = std::as_writable_bytes(std::span(&number, 1));
          const std::size_t n = c.server.read_some(raw, ec);
          if (ec) break;
          ASSERT_EQ(n, sizeof number);
          mine.push_back(number);
        }
        EXPECT_EQ(ec, io_errc::end_of_file);
      });
    for (std::uint32_t i = 0; i < count; ++i) {
      c.client.write(std::as_bytes(std::span(&i, 1)));
      if (i % 64 == 0) weft::yield();
    }
    c.client.close();
    wg.wait();
    std::vector<std::uint32_t> all;
    for (const auto& mine : got) {
      EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
      all.insert(all.end(), mine.begin(), mine.end());
    }
    std::sort(all.begin(), all.end());
    ASSERT_EQ(all.size(), count);
    for (std::uint32_t i = 0; i < count; ++i) EXPECT_EQ(all[i], i);
  });
}

TEST_F(sharing, one_reads_while_another_writes) {
  everywhere([] {
    connected c = connect_pair();
    const auto size = static_cast<std::size_t>(scaled(2'000'000));
    const weft::wait_group wg;
    for (unsigned side = 0; side < 2; ++side) {
      tcp_stream& s = side == 0 ? c.client : c.server;
      wg.go([&s, side, size] {
        EXPECT_EQ(s.write(block(size, side)), size);
        s.close_write();
      });
      wg.go([&s, side, size] {
        std::error_code ec;
        EXPECT_TRUE(read_to_end(s, ec) == block(size, 1 - side));
        EXPECT_FALSE(ec) << ec.message();
      });
    }
    wg.wait();
  });
}

TEST_F(sharing, a_read_that_waits_holds_up_no_write) {
  everywhere([] {
    connected c = connect_pair();
    const weft::wait_group wg;
    wg.go([&] { EXPECT_EQ(read_exactly(c.client, 2), "no"); });
    let_others_run();
    c.client.write(std::string_view("yes"));
    EXPECT_EQ(read_exactly(c.server, 3), "yes");
    c.server.write(std::string_view("no"));
    wg.wait();
  });
}

TEST_F(sharing, accepts_take_turns_and_lose_nobody) {
  everywhere([] {
    tcp_listener listener(address::loopback());
    const int count = scaled(60);
    weft::detail::atomic<int> served{0};
    const weft::wait_group acceptors;
    for (int i = 0; i < 4; ++i)
      acceptors.go([&] {
        std::error_code ec;
        for (;;) {
          tcp_stream s = listener.accept(ec);
          if (ec) break;
          s.write(std::string_view("!"));
          ++served;
        }
        EXPECT_EQ(ec, io_errc::closed);
      });
    const weft::wait_group clients;
    for (int i = 0; i < count; ++i)
      clients.go([&] {
        tcp_stream s = connect_tcp(listener.local_address());
        EXPECT_EQ(read_exactly(s, 1), "!");
      });
    clients.wait();
    listener.close();
    acceptors.wait();
    EXPECT_EQ(served.load(), count);
  });
}

TEST_F(sharing, traffic_gets_its_turn_beside_goroutines_that_never_wait) {
  for (const int procs : {1, 2}) {
    const procs_scope scope(procs);
    connected c = connect_pair();
    weft::detail::atomic<bool> stop{false};
    const weft::wait_group wg;
    for (int i = 0; i < 3; ++i)
      wg.go([&] {
        while (!stop.load()) weft::yield();
      });
    wg.go([&] {
      for (int i = 0; i < 20; ++i) c.server.write(read_exactly(c.server, 1));
    });
    wg.go([&] {
      for (int i = 0; i < 20; ++i) {
        c.client.write(std::string_view("t"));
        EXPECT_EQ(read_exactly(c.client, 1), "t");
      }
      stop.store(true);
    });
    wg.wait();
  }
}

/// Rings of goroutines, so that every worker goes to sleep and is woken many
/// times.
TEST_F(sharing, a_byte_that_goes_around_is_never_forgotten) {
  everywhere([] {
    constexpr std::size_t size = 8;
    const int laps = scaled(100);
    tcp_listener listener(address::loopback());
    std::vector<connected> links(size);
    for (connected& each : links) each = connect_to(listener);
    const weft::wait_group wg;
    for (std::size_t i = 0; i < size; ++i)
      wg.go([&, i] {
        for (int lap = 0; lap < laps; ++lap)
          links[(i + 1) % size].client.write(read_exactly(links[i].server, 1));
      });
    links[0].client.write(std::string_view("o"));
    wg.wait();
    EXPECT_EQ(read_exactly(links[0].server, 1), "o");
  });
}

}  // namespace
