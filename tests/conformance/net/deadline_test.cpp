// Deadlines: Go's rules, as its own tests of time-outs describe them. A
// deadline is a point in time; it holds for the call that waits and for all
// later ones, until it is set again.
#include <array>
#include <string_view>

#include "connected.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft_test;
using weft::clock;
using weft::io_errc;
using weft::net::address;
using weft::net::connect_tcp;
using weft::net::tcp_listener;
using weft::net::tcp_stream;

using deadline = weft_test::fixture;

constexpr auto distant = 24h;

std::error_code error_of_accept(tcp_listener& listener) {
  std::error_code ec;
  EXPECT_FALSE(listener.accept(ec).is_open());
  return ec;
}

std::error_code error_of_write(tcp_stream& to, std::size_t size = std::size_t{64} << 20U) {
  static const std::string bytes(std::size_t{64} << 20U, 'w');
  std::error_code ec;
  EXPECT_LT(to.write(std::string_view(bytes).substr(0, size), ec), size);
  return ec;
}

TEST_F(deadline, has_the_words_and_the_condition_of_a_timeout) {
  const std::error_code ec = io_errc::timeout;
  EXPECT_EQ(ec.message(), "i/o timeout");
  EXPECT_EQ(ec, std::errc::timed_out);
  EXPECT_NE(ec, io_errc::closed);
  EXPECT_EQ(std::error_code(io_errc::closed).message(), "use of closed network connection");
}

TEST_F(deadline, in_the_past_fails_accept_at_once_even_with_a_connection_there) {
  everywhere([] {
    tcp_listener listener(address::loopback());
    const tcp_stream waiting = connect_tcp(listener.local_address());
    for (const auto past : {clock::now() - 1h, clock::now(), weft::time_point::min(),
                            weft::time_point(-1ns), weft::time_point(1ns)}) {
      listener.set_deadline(past);
      for (int i = 0; i < 3; ++i) EXPECT_EQ(error_of_accept(listener), io_errc::timeout);
    }
    listener.clear_deadline();
    EXPECT_TRUE(listener.accept().is_open());
  });
}

TEST_F(deadline, of_a_listener_ends_an_accept_that_waits) {
  everywhere([] {
    tcp_listener listener(address::loopback());
    for (const auto d : {1us, 100us, 5000us}) {
      listener.set_deadline_after(d);
      EXPECT_EQ(error_of_accept(listener), io_errc::timeout);
      EXPECT_EQ(error_of_accept(listener), io_errc::timeout);
    }
    listener.set_deadline({});
    const tcp_stream s = connect_tcp(listener.local_address());
    EXPECT_TRUE(listener.accept().is_open());
  });
}

TEST_F(deadline, of_a_listener_is_not_inherited_by_its_connections) {
  everywhere([] {
    tcp_listener listener(address::loopback());
    tcp_stream client = connect_tcp(listener.local_address());
    listener.set_deadline(clock::now() + distant);
    tcp_stream server = listener.accept();
    listener.set_deadline(clock::now() - 1s);
    client.write(std::string_view("x"));
    EXPECT_EQ(read_exactly(server, 1), "x");
  });
}

TEST_F(deadline, ends_every_accept_that_waits_for_the_same_listener) {
  everywhere([] {
    tcp_listener listener(address::loopback());
    const weft::wait_group wg;
    for (int i = 0; i < 8; ++i)
      wg.go([&] { EXPECT_EQ(error_of_accept(listener), io_errc::timeout); });
    let_others_run();
    listener.set_deadline(clock::now());
    wg.wait();
  });
}

TEST_F(deadline, in_the_past_fails_a_read_at_once_even_with_bytes_there) {
  everywhere([] {
    connected c = connect_pair();
    c.client.write(std::string_view("here"));
    EXPECT_EQ(read_exactly(c.server, 1), "h");  // the rest has come, too
    for (const auto past : {clock::now() - 1h, clock::now(), weft::time_point::min()}) {
      c.server.set_read_deadline(past);
      EXPECT_EQ(error_of_read(c.server), io_errc::timeout);
      EXPECT_EQ(error_of_read(c.server), io_errc::timeout);
    }
    c.server.set_read_deadline({});
    EXPECT_EQ(read_exactly(c.server, 3), "ere");
  });
}

TEST_F(deadline, in_the_past_fails_a_write_at_once_even_with_room_there) {
  everywhere([] {
    connected c = connect_pair();
    for (const auto past : {clock::now() - 1h, clock::now()}) {
      c.client.set_write_deadline(past);
      std::error_code ec;
      EXPECT_EQ(c.client.write(std::string_view("x"), ec), 0U);
      EXPECT_EQ(ec, io_errc::timeout);
      EXPECT_EQ(c.client.write_some(std::string_view("x"), ec), 0U);
      EXPECT_EQ(ec, io_errc::timeout);
    }
    c.client.clear_deadline();
    c.client.write(std::string_view("y"));
    EXPECT_EQ(read_exactly(c.server, 1), "y");
  });
}

TEST_F(deadline, ends_a_read_and_a_write_that_wait) {
  everywhere([] {
    connected c = connect_pair();
    for (const auto d : {1us, 100us, 5000us}) {
      c.client.set_read_deadline(clock::now() + d);
      EXPECT_EQ(error_of_read(c.client), io_errc::timeout);
      c.client.set_write_deadline(clock::now() + d);
      EXPECT_EQ(error_of_write(c.client), io_errc::timeout);
    }
  });
}

TEST_F(deadline, says_how_much_was_written_before) {
  everywhere([] {
    connected c = connect_pair();
    const std::string sent = block(std::size_t{32} << 20U);
    std::error_code ec;
    c.client.set_write_deadline(clock::now() + 20ms);
    const std::size_t written = c.client.write(sent, ec);
    EXPECT_EQ(ec, io_errc::timeout);
    EXPECT_GT(written, 0U);
    c.client.close();
    const std::string got = read_to_end(c.server, ec);
    EXPECT_FALSE(ec) << ec.message();
    EXPECT_TRUE(got == sent.substr(0, written)) << got.size() << " of " << written;
  });
}

TEST_F(deadline, can_be_taken_away_after_it_has_passed) {
  everywhere([] {
    connected c = connect_pair();
    for (int round = 0; round < 5; ++round) {
      c.server.set_deadline(clock::now() + (round % 2 == 0 ? 0us : 200us));
      EXPECT_EQ(error_of_read(c.server), io_errc::timeout);
      if (round % 2 == 0)
        c.server.clear_deadline();
      else
        c.server.set_deadline(clock::now() + distant);
      const weft::wait_group wg;
      wg.go([&] { EXPECT_EQ(read_exactly(c.server, 1), "r"); });
      c.client.write(std::string_view("r"));
      wg.wait();
    }
  });
}

TEST_F(deadline, of_never_is_none) {
  everywhere([] {
    connected c = connect_pair();
    const weft::wait_group wg;
    c.server.set_deadline_after(std::chrono::hours::max());
    wg.go([&] { EXPECT_EQ(read_exactly(c.server, 2), "ab"); });
    let_others_run();
    c.server.set_deadline(weft::time_point::max());
    let_others_run();
    c.client.write(std::string_view("a"));
    c.server.set_deadline_after(std::chrono::nanoseconds::max());
    c.client.write(std::string_view("b"));
    wg.wait();
  });
}

TEST_F(deadline, set_while_a_call_waits_ends_it) {
  everywhere([] {
    tcp_listener listener(address::loopback());
    connected c = connect_to(listener);
    fill(c.client);
    const weft::wait_group wg;
    wg.go([&] { EXPECT_EQ(error_of_read(c.client), io_errc::timeout); });
    wg.go([&] { EXPECT_EQ(error_of_write(c.client), io_errc::timeout); });
    wg.go([&] { EXPECT_EQ(error_of_accept(listener), io_errc::timeout); });
    let_others_run();
    c.client.set_deadline(clock::now() - 1s);
    listener.set_deadline(clock::now() + 100us);
    wg.wait();
  });
}

TEST_F(deadline, brought_forward_ends_a_call_that_waits_for_a_later_one) {
  everywhere([] {
    connected c = connect_pair();
    c.server.set_read_deadline(clock::now() + distant);
    const weft::wait_group wg;
    wg.go([&] { EXPECT_EQ(error_of_read(c.server), io_errc::timeout); });
    let_others_run();
    c.server.set_read_deadline(clock::now() + 100us);
    wg.wait();
  });
}

/// The waiting call must neither end nor sleep through what comes then.
TEST_F(deadline, prolonged_again_and_again_does_not_end_a_call) {
  everywhere([] {
    connected c = connect_pair();
    for (int round = 0; round < 5; ++round) {
      c.server.set_read_deadline(clock::now() + 30s);
      const weft::wait_group wg;
      wg.go([&] { EXPECT_EQ(read_exactly(c.server, 1), "p"); });
      for (int i = 0; i < 50; ++i) {
        c.server.set_read_deadline(clock::now() + 30s + std::chrono::milliseconds(i));
        if (i % 10 == 0) let_others_run();
      }
      c.client.write(std::string_view("p"));
      wg.wait();
    }
  });
}

/// Extended when it has just passed, or is about to: the call times out, or
/// goes on with the new one. In both cases the byte that comes then is read by
/// somebody.
TEST_F(deadline, extended_as_it_passes_loses_nothing) {
  everywhere([] {
    connected c = connect_pair();
    const int rounds = scaled(300);
    for (int round = 0; round < rounds; ++round) {
      c.server.set_read_deadline(clock::now() + std::chrono::microseconds(20 + round % 60));
      const weft::wait_group wg;
      wg.go([&] {
        std::error_code ec;
        std::string byte(1, '\0');
        std::size_t n = 0;
        while (n == 0) {
          n = c.server.read_some(into(byte), ec);
          if (n > 0) break;
          EXPECT_EQ(ec, io_errc::timeout);
          weft::yield();
        }
        EXPECT_EQ(byte, "e");
      });
      weft::sleep_for(std::chrono::microseconds(round % 80));
      if (round % 2 == 0) c.client.write(std::string_view("e"));
      c.server.set_read_deadline(clock::now() + 60s);
      if (round % 2 != 0) c.client.write(std::string_view("e"));
      wg.wait();
    }
  });
}

TEST_F(deadline, for_reading_does_not_touch_writing) {
  everywhere([] {
    connected c = connect_pair();
    c.client.set_read_deadline(clock::now() - 1s);
    EXPECT_EQ(error_of_read(c.client), io_errc::timeout);
    const std::string sent = block(1U << 20U);
    const weft::wait_group wg;
    wg.go([&] { EXPECT_EQ(c.client.write(sent), sent.size()); });
    EXPECT_TRUE(read_exactly(c.server, sent.size()) == sent);
    wg.wait();
  });
}

TEST_F(deadline, for_writing_does_not_touch_reading) {
  everywhere([] {
    connected c = connect_pair();
    c.client.set_write_deadline(clock::now() - 1s);
    const weft::wait_group wg;
    wg.go([&] { EXPECT_EQ(read_exactly(c.client, 1), "r"); });
    let_others_run();
    std::error_code ec;
    c.client.write(std::string_view("x"), ec);
    EXPECT_EQ(ec, io_errc::timeout);
    c.server.write(std::string_view("r"));
    wg.wait();
  });
}

TEST_F(deadline, ends_those_who_wait_for_their_turn_as_well) {
  everywhere([] {
    connected c = connect_pair();
    const weft::wait_group wg;
    for (int i = 0; i < 10; ++i)
      wg.go([&] { EXPECT_EQ(error_of_read(c.server), io_errc::timeout); });
    let_others_run();
    c.server.set_read_deadline(clock::now());
    wg.wait();
    c.server.clear_deadline();
    c.client.write(std::string_view("z"));
    EXPECT_EQ(read_exactly(c.server, 1), "z");
  });
}

TEST_F(deadline, set_by_many_at_the_same_time_beside_reads_and_writes) {
  everywhere([] {
    connected c = connect_pair();
    const int count = scaled(200);
    const weft::wait_group setters;
    for (int who = 0; who < 4; ++who)
      setters.go([&, who] {
        for (int i = 0; i < count; ++i) {
          const auto when = clock::now() + std::chrono::microseconds((i * 7 + who) % 40 - 10);
          if (who == 0) c.client.set_deadline(when);
          if (who == 1) c.client.set_read_deadline(when);
          if (who == 2) c.client.set_write_deadline(when);
          if (who == 3) c.client.clear_deadline();
          if (i % 4 == who) weft::yield();
        }
      });
    std::string sent;
    const weft::wait_group others;
    others.go([&] {
      for (int i = 0; i < count; ++i) EXPECT_TRUE(error_of_read(c.client) == io_errc::timeout);
    });
    others.go([&] {
      for (int i = 0; i < count; ++i) {
        const std::string part = block(10, 0, sent.size());
        std::error_code ec;
        sent += part.substr(0, c.client.write(part, ec));
        EXPECT_TRUE(!ec || ec == io_errc::timeout) << ec.message();
      }
    });
    setters.wait();
    c.client.set_read_deadline(clock::now() - 1s);  // the reader has more to fail
    others.wait();
    c.client.close();
    std::error_code ec;
    EXPECT_EQ(read_to_end(c.server, ec), sent);
    EXPECT_FALSE(ec);
  });
}

/// Go: "set by many in a race": the last word is somebody's, and it holds.
TEST_F(deadline, set_in_a_race_is_one_of_those_that_were_set) {
  everywhere([] {
    std::array<connected, 4> pairs;
    for (connected& c : pairs) c = connect_pair();
    const weft::wait_group wg;
    for (connected& c : pairs)
      for (int i = 0; i < 8; ++i)
        wg.go([&c, i] { c.server.set_deadline(clock::now() - std::chrono::seconds(i + 1)); });
    for (connected& c : pairs)
      wg.go([&c] {
        while (error_of_read(c.server) != io_errc::timeout) {
        }
      });
    wg.wait();
    for (connected& c : pairs) EXPECT_EQ(error_of_read(c.server), io_errc::timeout);
  });
}

/// The timer goes off while bytes arrive: either is an answer, and no byte is
/// lost.
TEST_F(deadline, that_races_with_the_bytes_loses_none) {
  everywhere([] {
    connected c = connect_pair();
    const auto total = static_cast<std::size_t>(scaled(400));
    const weft::wait_group wg;
    wg.go([&] {
      for (std::size_t i = 0; i < total; ++i) {
        const char byte = byte_at(i);
        c.client.write(std::string_view(&byte, 1));
        if (i % 3 == 0) weft::sleep_for(std::chrono::microseconds(i % 50));
      }
    });
    int round = 0;
    for (std::size_t done = 0; done < total; ++round) {
      c.server.set_read_deadline(clock::now() + std::chrono::microseconds(round % 60));
      std::error_code ec;
      std::string room(7, '\0');
      const std::size_t n = c.server.read_some(into(room), ec);
      EXPECT_EQ(room.substr(0, n), block(n, 0, done));
      if (n == 0) {
        ASSERT_EQ(ec, io_errc::timeout);
      }
      done += n;
    }
    wg.wait();
  });
}

TEST_F(deadline, of_a_closed_socket_is_nobodys) {
  everywhere([] {
    connected c = connect_pair();
    c.client.close();
    c.client.set_deadline(clock::now() - 1s);
    EXPECT_EQ(error_of_read(c.client), io_errc::closed);
  });
}

// Connecting to a listener whose queue is full: the system drops what comes,
// and says nothing.
class full_listener {
 public:
  full_listener() : listener_(address::loopback(), {.backlog = 1}) {
    std::error_code ec;
    for (int i = 0; i < 16 && !ec; ++i)
      queued_.push_back(connect_tcp(at(), {.timeout = 30ms, .from = {}}, ec));
    EXPECT_EQ(ec, io_errc::timeout) << "its queue takes more than it should";
  }
  address at() const { return listener_.local_address(); }

 private:
  tcp_listener listener_;
  std::vector<tcp_stream> queued_;
};

TEST_F(deadline, of_connecting_ends_it) {
  everywhere([] {
    const full_listener full;
    for (const auto timeout : {1ns, 1000ns, 1'000'000ns}) {
      std::error_code ec;
      EXPECT_FALSE(connect_tcp(full.at(), {.timeout = timeout, .from = {}}, ec).is_open());
      EXPECT_EQ(ec, io_errc::timeout) << ec.message();
      EXPECT_EQ(ec, std::errc::timed_out);
    }
  });
}

TEST_F(deadline, of_never_connects_without_one) {
  everywhere([] {
    tcp_listener listener(address::loopback());
    for (const auto timeout : {std::chrono::nanoseconds::max(), std::chrono::nanoseconds(1h)})
      EXPECT_TRUE(
          connect_tcp(listener.local_address(), {.timeout = timeout, .from = {}}).is_open());
  });
}

TEST_F(deadline, or_a_context_ends_connecting) {
  everywhere([] {
    const full_listener full;
    const auto [ctx, cancel] = weft::with_cancel(weft::background());
    const weft::wait_group wg;
    wg.go([&, ctx = ctx] {
      std::error_code ec;
      EXPECT_FALSE(connect_tcp(ctx, full.at(), {}, ec).is_open());
      EXPECT_EQ(ec, std::errc::operation_canceled) << ec.message();
    });
    let_others_run();
    cancel();
    wg.wait();
    std::error_code ec;
    connect_tcp(ctx, full.at(), {}, ec);
    EXPECT_EQ(ec, std::errc::operation_canceled);
  });
}

}  // namespace
