// The end of a socket: whoever waits is told, and nobody ever uses a number
// that is another's.
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <memory>
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

using closing = weft_test::fixture;

TEST_F(closing, ends_an_accept_that_waits) {
  everywhere([] {
    tcp_listener listener(address::loopback());
    const weft::wait_group wg;
    for (int i = 0; i < 4; ++i)
      wg.go([&] {
        std::error_code ec;
        EXPECT_FALSE(listener.accept(ec).is_open());
        EXPECT_EQ(ec, io_errc::closed) << ec.message();
      });
    let_others_run();
    listener.close();
    EXPECT_FALSE(listener.is_open());
    wg.wait();
  });
}

TEST_F(closing, ends_reads_and_writes_that_wait_and_those_behind_them) {
  everywhere([] {
    connected c = connect_pair();
    fill(c.client);
    const weft::wait_group wg;
    for (int i = 0; i < 3; ++i) {
      wg.go([&] { EXPECT_EQ(error_of_read(c.client), io_errc::closed); });
      wg.go([&] {
        std::error_code ec;
        c.client.write(std::string(1 << 20, 'x'), ec);
        EXPECT_EQ(ec, io_errc::closed) << ec.message();
      });
    }
    let_others_run();
    c.client.close();
    wg.wait();
    EXPECT_EQ(c.client.native_handle(), -1);
  });
}

TEST_F(closing, ends_calls_with_a_deadline_too) {
  everywhere([] {
    connected c = connect_pair();
    c.client.set_deadline(weft::clock::now() + 24h);
    const weft::wait_group wg;
    wg.go([&] { EXPECT_EQ(error_of_read(c.client), io_errc::closed); });
    let_others_run();
    c.client.close();
    wg.wait();
  });
}

TEST_F(closing, fails_every_later_call) {
  everywhere([] {
    connected c = connect_pair();
    c.client.close();
    EXPECT_FALSE(c.client.is_open());
    EXPECT_EQ(error_of_read(c.client), io_errc::closed);
    std::error_code ec;
    EXPECT_EQ(c.client.write(std::string_view("x"), ec), 0U);
    EXPECT_EQ(ec, io_errc::closed);
    c.client.close_write(ec);
    EXPECT_EQ(ec, io_errc::closed);
    c.client.set_no_delay(true, ec);
    EXPECT_EQ(ec, io_errc::closed);
    std::string room(1, '\0');
    EXPECT_EQ(what_thrown<std::system_error>([&] { c.client.read_some(into(room)); }),
              "use of closed network connection");
  });
}

TEST_F(closing, fails_calls_that_would_move_nothing) {
  everywhere([] {
    connected c = connect_pair();
    const std::span<char> nowhere;
    const std::string_view nothing;
    std::error_code ec;
    const auto try_all = [&](const std::error_code& expected) {
      EXPECT_EQ(c.client.read_some(nowhere, ec), 0U);
      EXPECT_EQ(ec, expected);
      EXPECT_EQ(c.client.write_some(nothing, ec), 0U);
      EXPECT_EQ(ec, expected);
      EXPECT_EQ(c.client.write(nothing, ec), 0U);
      EXPECT_EQ(ec, expected);
    };
    try_all({});
    c.client.close();
    try_all(io_errc::closed);
  });
}

TEST_F(closing, twice_is_reported) {
  everywhere([] {
    connected c = connect_pair();
    std::error_code ec;
    c.client.close(ec);
    EXPECT_FALSE(ec);
    c.client.close(ec);
    EXPECT_EQ(ec, io_errc::closed);
    EXPECT_THROW(c.client.close(), std::system_error);
  });
}

TEST_F(closing, by_many_at_once_succeeds_for_one) {
  everywhere([] {
    for (int round = 0; round < 20; ++round) {
      connected c = connect_pair();
      weft::detail::atomic<int> first{0};
      const weft::wait_group wg;
      wg.go([&] { EXPECT_EQ(error_of_read(c.client), io_errc::closed); });
      for (int i = 0; i < 6; ++i)
        wg.go([&] {
          std::error_code ec;
          c.client.close(ec);
          if (!ec) ++first;
        });
      wg.wait();
      EXPECT_EQ(first.load(), 1);
      EXPECT_EQ(error_of_read(c.server), io_errc::end_of_file);
    }
  });
}

TEST_F(closing, tells_the_peer_although_a_call_was_waiting) {
  everywhere([] {
    connected c = connect_pair();
    const weft::wait_group wg;
    wg.go([&] { EXPECT_EQ(error_of_read(c.client), io_errc::closed); });
    let_others_run();
    c.client.close();
    EXPECT_EQ(error_of_read(c.server), io_errc::end_of_file);
    wg.wait();
  });
}

TEST_F(closing, a_listener_frees_its_port_although_an_accept_was_waiting) {
  everywhere([] {
    for (int round = 0; round < 10; ++round) {
      tcp_listener listener(address::loopback());
      const address at = listener.local_address();
      const weft::wait_group wg;
      wg.go([&] {
        std::error_code ec;
        static_cast<void>(listener.accept(ec));
      });
      if (round % 2 == 0) let_others_run();
      listener.close();
      EXPECT_NO_THROW(tcp_listener again(at));
      wg.wait();
    }
  });
}

TEST_F(closing, a_listener_refuses_who_was_not_accepted) {
  everywhere([] {
    tcp_listener listener(address::loopback());
    tcp_stream waiting = connect_tcp(listener.local_address());
    listener.close();
    EXPECT_EQ(error_of_read(waiting), std::errc::connection_reset);
  });
}

/// Each number is somebody else's again and again while others still wait on
/// its former owner.
TEST_F(closing, never_gives_a_number_away_under_a_call) {
  everywhere([] {
    const int rounds = scaled(100);
    const weft::wait_group wg;
    for (unsigned who = 0; who < 6; ++who)
      wg.go([who, rounds] {
        for (int i = 0; i < rounds; ++i) {
          const unsigned seed = who * 1000U + static_cast<unsigned>(i);
          connected c = connect_pair();
          const weft::wait_group inside;
          std::string got;
          inside.go([&] {
            std::error_code ec;
            got = read_to_end(c.server, ec);
            EXPECT_TRUE(!ec || ec == io_errc::closed) << ec.message();
          });
          inside.go([&] { EXPECT_EQ(error_of_read(c.client), io_errc::closed); });
          c.client.write(block(40, seed));
          if (i % 2 == 0) weft::yield();
          c.client.close();
          if (i % 3 == 0) c.server.close();
          inside.wait();
          EXPECT_EQ(got, block(40, seed).substr(0, got.size()));
          EXPECT_TRUE(i % 3 == 0 || got.size() == 40U) << got.size();
        }
      });
    wg.wait();
  });
}

/// weft itself opens other descriptors now and then, to look at its threads.
int open_sockets() {
  int count = 0;
  for (int fd = 0; fd < 1024; ++fd) {
    struct stat about {};
    if (::fstat(fd, &about) == 0 && S_ISSOCK(about.st_mode)) ++count;
  }
  return count;
}

TEST_F(closing, gives_every_number_back) {
  everywhere([] {
    const int before = open_sockets();
    for (int i = 0; i < 30; ++i) {
      connected c = connect_pair();
      const weft::wait_group wg;
      wg.go([&] { error_of_read(c.client); });
      if (i % 2 == 0) c.client.close();
      c.server.close();
      wg.wait();
    }
    EXPECT_EQ(open_sockets(), before);
  });
}

TEST_F(closing, races_with_the_other_end_and_with_bytes) {
  everywhere([] {
    const int rounds = scaled(100);
    for (int i = 0; i < rounds; ++i) {
      connected c = connect_pair();
      const weft::wait_group wg;
      wg.go([&] { c.client.close(); });
      wg.go([&] { c.server.close(); });
      for (tcp_stream* s : {&c.client, &c.server}) {
        wg.go([s] {
          std::error_code ec;
          read_to_end(*s, ec);
        });
        wg.go([s] {
          std::error_code ec;
          while (!ec) s->write(std::string_view("bytes"), ec);
          EXPECT_TRUE(ec == io_errc::closed || ec == std::errc::broken_pipe ||
                      ec == std::errc::connection_reset)
              << ec.message();
        });
      }
      wg.wait();
    }
  });
}

TEST_F(closing, from_a_plain_thread_ends_calls_of_goroutines_and_of_threads) {
  on_goroutine([] {
    connected c = connect_pair();
    connected d = connect_pair();
    const weft::wait_group wg;
    wg.go([&] { EXPECT_EQ(error_of_read(c.client), io_errc::closed); });
    std::thread reader([&] { EXPECT_EQ(error_of_read(d.server), io_errc::closed); });
    let_others_run();
    std::thread closer([&] {
      d.server.close();
      c.client.close();
    });
    weft::blocking([&] {
      closer.join();
      reader.join();
    });
    wg.wait();
  });
}

TEST_F(closing, may_be_followed_at_once_by_destruction_where_the_call_has_ended) {
  everywhere([] {
    for (int i = 0; i < 300; ++i) {
      auto listener = std::make_unique<tcp_listener>(weft::net::address::loopback());
      const weft::wait_group wg;
      wg.go([&wg, &listener] {
        tcp_listener* const it = listener.get();
        wg.go([it] { it->close(); });
        std::error_code ec;
        it->accept(ec);
        EXPECT_EQ(ec, io_errc::closed);
        listener.reset();  // close() may not have returned yet
      });
      wg.wait();
    }
  });
}

}  // namespace
