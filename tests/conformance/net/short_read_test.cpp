// A read that got less than it asked for has emptied the connection, and the next one waits without
// asking. It must not wait for what is there already: an end, a reset, what follows urgent data.
#include <sys/socket.h>

#include <array>
#include <string>
#include <string_view>

#include "connected.hpp"

namespace {

using namespace weft_test;
using weft::io_errc;
using weft::net::tcp_stream;

using short_read = weft_test::fixture;

constexpr int rounds = 200;

/// With much more room than there are bytes: each read is a short one.
std::string read_some(tcp_stream& from, std::error_code& ec) {
  std::string room(4096, '\0');
  room.resize(from.read_some(into(room), ec));
  return room;
}

void send_urgent(const tcp_stream& to, char byte) {
  EXPECT_EQ(::send(to.native_handle(), &byte, 1, MSG_OOB | MSG_NOSIGNAL), 1);
}

TEST_F(short_read, is_followed_by_the_end_however_both_came) {
  everywhere([] {
    for (int i = 0; i < rounds; ++i) {
      connected c = connect_pair();
      const weft::wait_group wg;
      wg.go([&] {
        for (int part = 0; part < i % 4; ++part) c.client.write(std::string_view("x"));
        if (i % 3 == 0) weft::yield();
        c.client.write(std::string_view("x"));
        if (i % 2 == 0) c.client.close_write();
        if (i % 2 == 1) c.client.close();
      });
      std::string all;
      std::error_code ec;
      while (!ec) all += read_some(c.server, ec);
      EXPECT_EQ(ec, io_errc::end_of_file);
      EXPECT_EQ(all, std::string(static_cast<std::size_t>(i % 4 + 1), 'x'));
      wg.wait();
    }
  });
}

TEST_F(short_read, is_followed_by_the_end_that_came_before_it) {
  everywhere([] {
    for (int i = 0; i < rounds; ++i) {
      connected c = connect_pair();
      c.client.write(std::string_view("last"));
      c.client.close();
      std::error_code ec;
      EXPECT_EQ(read_some(c.server, ec), "last");
      EXPECT_EQ(read_some(c.server, ec), "");
      EXPECT_EQ(ec, io_errc::end_of_file);
      EXPECT_EQ(read_some(c.server, ec), "");
      EXPECT_EQ(ec, io_errc::end_of_file) << "again";
    }
  });
}

TEST_F(short_read, is_followed_by_a_reset) {
  everywhere([] {
    for (int i = 0; i < rounds; ++i) {
      connected c = connect_pair();
      c.client.write(std::string_view("x"));
      std::error_code ec;
      EXPECT_EQ(read_some(c.server, ec), "x");
      c.server.write(std::string_view("never read: the close is a reset"));
      const weft::wait_group wg;
      wg.go([&] {
        if (i % 2 == 0) weft::yield();
        c.client.close();
      });
      EXPECT_EQ(read_some(c.server, ec), "");
      EXPECT_TRUE(ec == io_errc::end_of_file || ec == std::errc::connection_reset) << ec.message();
      wg.wait();
    }
  });
}

TEST_F(short_read, is_followed_by_the_end_that_this_side_made) {
  everywhere([] {
    for (int i = 0; i < rounds; ++i) {
      connected c = connect_pair();
      c.client.write(std::string_view("x"));
      std::error_code ec;
      EXPECT_EQ(read_some(c.server, ec), "x");
      const weft::wait_group wg;
      wg.go([&] {
        if (i % 2 == 0) weft::yield();
        c.server.close_read();
      });
      EXPECT_EQ(read_some(c.server, ec), "");
      EXPECT_EQ(ec, io_errc::end_of_file);
      wg.wait();
    }
  });
}

TEST_F(short_read, stops_at_urgent_data_and_goes_on_behind_it) {
  everywhere([] {
    for (int i = 0; i < rounds; ++i) {
      connected c = connect_pair();
      const weft::wait_group wg;
      wg.go([&] {
        c.client.write(std::string_view("before"));
        if (i % 3 == 0) weft::yield();
        send_urgent(c.client, '!');
        if (i % 2 == 0) weft::yield();
        c.client.write(std::string_view("behind"));
      });
      std::string all;
      std::error_code ec;
      while (!ec && all.size() < std::string_view("beforebehind").size())
        all += read_some(c.server, ec);
      EXPECT_EQ(all, "beforebehind");
      wg.wait();
    }
  });
}

TEST_F(short_read, of_a_connection_goes_on_with_each_message) {
  everywhere([] {
    connected c = connect_pair();
    const weft::wait_group wg;
    wg.go([&] {
      std::error_code ec;
      while (!ec) c.server.write(read_some(c.server, ec));
    });
    for (int i = 0; i < 5 * rounds; ++i) {
      const std::string message = block(1 + static_cast<std::size_t>(i % 64), 7);
      c.client.write(message);
      EXPECT_EQ(read_exactly(c.client, message.size()), message);
    }
    c.client.close_write();
    wg.wait();
  });
}

}  // namespace
