// Connections under random traffic, deadlines, half closes and closes: on every
// connection each byte arrives once and in order, up to where its sender was
// cut off; and nobody waits for ever.
#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <weft/net/tcp.hpp>

#include "../support.hpp"

namespace {

using weft::clock;
using weft::io_errc;
using weft::net::address;
using weft::net::tcp_listener;
using weft::net::tcp_stream;

class tcp : public stress::at_processors {};
WEFT_AT_PROCESSORS(tcp);

/// The byte at a place of the stream with this seed.
char byte_at(std::uint64_t seed, std::size_t place) {
  const std::uint64_t mixed = (seed + place / 8) * 0x9E3779B97F4A7C15U;
  return static_cast<char>(mixed >> (8U * (place % 8)));
}

/// One direction of a connection: what was written, and what has come.
struct direction {
  std::uint64_t seed = 0;
  std::size_t sent = 0;
  std::size_t received = 0;
  bool sender_was_cut_off = false;  // each written by its own side only
  bool receiver_was_cut_off = false;
};

struct link {
  std::array<tcp_stream, 2> ends;
  std::array<direction, 2> ways;  // from 0 to 1, from 1 to 0
};

bool is_end(const std::error_code& ec) {
  return ec == io_errc::closed || ec == io_errc::end_of_file || ec == std::errc::broken_pipe ||
         ec == std::errc::connection_reset;
}

void send(tcp_stream& to, direction& way, std::size_t total, stress::random_source random) {
  std::string part;
  while (way.sent < total) {
    const std::size_t size =
        std::min(total - way.sent, 1 + random.below(random.percent(10) ? 200'000 : 3'000));
    part.resize(size);
    for (std::size_t i = 0; i < size; ++i) part[i] = byte_at(way.seed, way.sent + i);
    std::error_code ec;
    way.sent += random.percent(50) ? to.write(part, ec) : to.write_some(part, ec);
    if (is_end(ec)) {
      way.sender_was_cut_off = true;
      return;
    }
    if (ec) {
      ASSERT_EQ(ec, io_errc::timeout) << ec.message();
      weft::yield();
    }
  }
  std::error_code ignored;
  to.close_write(ignored);
}

void receive(tcp_stream& from, direction& way, stress::random_source random) {
  std::string room(20'000, '\0');
  for (;;) {
    const std::size_t size = 1 + random.below(random.percent(30) ? room.size() : 100);
    std::error_code ec;
    const std::size_t n = from.read_some(std::span<char>(room.data(), size), ec);
    for (std::size_t i = 0; i < n; ++i)
      ASSERT_EQ(room[i], byte_at(way.seed, way.received + i)) << "byte " << way.received + i;
    way.received += n;
    if (is_end(ec)) {
      if (ec != io_errc::end_of_file) way.receiver_was_cut_off = true;
      return;
    }
    if (ec) {
      ASSERT_EQ(ec, io_errc::timeout) << ec.message();
      weft::yield();
    }
    if (random.percent(2)) weft::sleep_for(random.tiny_wait());
  }
}

/// Sets deadlines that pass and that do not, and at last one that is far away.
void disturb(tcp_stream& s, int rounds, stress::random_source random) {
  for (int i = 0; i < rounds; ++i) {
    const auto when = clock::now() + random.tiny_wait() - random.tiny_wait();
    switch (random.below(4)) {
      case 0:
        s.set_read_deadline(when);
        break;
      case 1:
        s.set_write_deadline(when);
        break;
      case 2:
        s.set_deadline(when);
        break;
      default:
        s.clear_deadline();
    }
    if (random.percent(50)) weft::sleep_for(random.tiny_wait());
  }
  s.set_deadline(clock::now() + std::chrono::hours(1));
}

void check(const link& l, bool closes) {
  for (const direction& way : l.ways) {
    EXPECT_LE(way.received, way.sent);
    if (!closes) {
      EXPECT_FALSE(way.sender_was_cut_off);
      EXPECT_FALSE(way.receiver_was_cut_off);
      EXPECT_EQ(way.received, way.sent);
    }
  }
}

void traffic(std::uint64_t seed, bool closes) {
  stress::random_source random(seed);
  tcp_listener listener(address::loopback());
  const std::size_t count = 1 + random.below(8);
  const std::size_t total = 1 + random.below(1'000'000) / stress::slowdown;
  std::vector<link> links(count);
  for (link& l : links) {
    l.ends[0] = weft::net::connect_tcp(listener.local_address());
    l.ends[1] = listener.accept();
    for (direction& way : l.ways) way.seed = random.next();
  }
  stress::crew crew;
  for (link& l : links)
    for (std::size_t side = 0; side < 2; ++side) {
      const auto own = [&random] { return stress::random_source(random.next()); };
      tcp_stream& s = l.ends[side];
      const auto start = [&](auto f) { crew.start(random.percent(10), std::move(f)); };
      start([&s, &way = l.ways[side], total, r = own()] { send(s, way, total, r); });
      start([&s, &way = l.ways[1 - side], r = own()] { receive(s, way, r); });
      start([&s, r = own()] { disturb(s, 30, r); });
      if (closes && random.percent(60))
        start([&s, r = own()]() mutable {
          for (std::size_t i = r.below(20); i > 0; --i) weft::sleep_for(r.tiny_wait());
          std::error_code ignored;
          if (r.percent(30)) s.set_linger(std::chrono::seconds(0), ignored);
          s.close(ignored);
        });
    }
  crew.join();
  for (const link& l : links) check(l, closes);
}

TEST_P(tcp, every_byte_arrives_once_and_in_order) {
  stress::repeat([](std::uint64_t seed) { traffic(seed, false); });
}

TEST_P(tcp, whatever_arrives_before_the_end_is_in_order) {
  stress::repeat([](std::uint64_t seed) { traffic(seed, true); });
}

/// Sockets come and go, so that each number is soon another's, while calls on
/// the former owner are still about to end.
TEST_P(tcp, connections_that_come_and_go_are_never_mixed_up) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    tcp_listener listener(address::loopback());
    stress::crew crew;
    crew.start(false, [&] {
      weft::wait_group served;
      for (;;) {
        std::error_code ec;
        auto s = std::make_shared<tcp_stream>(listener.accept(ec));
        if (ec) break;
        served.go([s] {  // echoes until it is told to stop, or cut off
          std::string room(64, '\0');
          std::error_code of_call;
          while (!of_call) {
            const std::size_t n = s->read_some(std::span<char>(room), of_call);
            if (n > 0) s->write(std::string_view(room).substr(0, n), of_call);
          }
          EXPECT_TRUE(is_end(of_call)) << of_call.message();
        });
      }
      served.wait();
    });
    const weft::wait_group clients;
    for (int who = 0; who < 8; ++who)
      clients.go([&listener, r = stress::random_source(random.next())]() mutable {
        for (int i = 0; i < 20; ++i) {
          std::error_code ec;
          tcp_stream s = weft::net::connect_tcp(listener.local_address(), {}, ec);
          ASSERT_FALSE(ec) << ec.message();
          direction way{.seed = r.next()};
          const weft::wait_group inside;
          inside.go([&, own = stress::random_source(r.next())] { receive(s, way, own); });
          std::string part(1 + r.below(200), '\0');
          for (std::size_t k = 0; k < part.size(); ++k) part[k] = byte_at(way.seed, k);
          s.write(part, ec);
          if (r.percent(50)) weft::sleep_for(r.tiny_wait());
          if (r.percent(50))
            s.close_write(ec);
          else
            s.close(ec);
          inside.wait();
        }
      });
    clients.wait();
    listener.close();
    crew.join();
  });
}

}  // namespace
