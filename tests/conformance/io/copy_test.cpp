// Copying everything, reading everything.
#include <weft/io/copy.hpp>

#include <string>

#include <weft/io/reader.hpp>
#include <weft/net/tcp.hpp>

#include "scripted_stream.hpp"
#include "weft_test.hpp"

namespace {

using weft::io_errc;
using weft::net::tcp_stream;
using weft_test::numbered_text;
using weft_test::scripted_sink;
using weft_test::scripted_source;
using io_copy = weft_test::fixture;

struct connection {
  connection() {
    weft::net::tcp_listener listener(weft::net::address::loopback());
    client = weft::net::connect_tcp(listener.local_address());
    server = listener.accept();
  }
  tcp_stream client, server;
};

TEST_F(io_copy, copies_everything_however_it_is_cut) {
  const std::string text = numbered_text(10'000);
  for (const std::size_t part : {1, 999, 10'000}) {
    for (const std::size_t at_once : {1, 1000, 100'000}) {
      auto source = scripted_source::cut(text, part);
      scripted_sink sink(at_once);
      EXPECT_EQ(weft::io::copy(source, sink), text.size());
      EXPECT_EQ(sink.taken, text);
    }
  }
  scripted_source empty({});
  scripted_sink sink(1);
  EXPECT_EQ(weft::io::copy(empty, sink), 0U);
  EXPECT_EQ(sink.calls, 0);
}

TEST_F(io_copy, writes_the_bytes_that_come_with_an_error) {
  scripted_source broken({"ab", "cd"}, std::make_error_code(std::errc::connection_reset));
  broken.tells_early = true;
  scripted_sink sink(100);
  std::error_code ec;
  EXPECT_EQ(weft::io::copy(broken, sink, ec), 4U);
  EXPECT_EQ(ec, std::errc::connection_reset);
  EXPECT_EQ(sink.taken, "abcd");
}

TEST_F(io_copy, reads_no_more_when_the_other_side_takes_no_more) {
  scripted_source source(std::deque<std::string>(100, "0123456789"));
  scripted_sink sink(4, 25);
  std::error_code ec;
  EXPECT_EQ(weft::io::copy(source, sink, ec), 25U);
  EXPECT_EQ(ec, std::errc::no_space_on_device);
  EXPECT_EQ(source.calls, 3);
  EXPECT_THROW(weft::io::copy(source, sink), std::system_error);
}

TEST_F(io_copy, carries_connections_both_ways) {
  weft_test::everywhere([] {
    const std::string text = numbered_text(300'000);
    connection front, back;
    const weft::wait_group wg;
    wg.go([&] {  // the proxy
      wg.go([&] {
        EXPECT_EQ(weft::io::copy(front.server, back.client), text.size());
        back.client.close_write();
      });
      EXPECT_EQ(weft::io::copy(back.client, front.server), text.size());
      front.server.close_write();
    });
    wg.go([&] {  // the server sends back what it gets
      EXPECT_EQ(weft::io::copy(back.server, back.server), text.size());
      back.server.close_write();
    });
    wg.go([&] {
      front.client.write(text);
      front.client.close_write();
    });
    EXPECT_EQ(weft::io::read_all(front.client, text.size()), text);
    wg.wait();
  });
}

TEST_F(io_copy, gives_what_a_reader_has_buffered_first) {
  weft_test::everywhere([] {
    connection c;
    c.client.write(std::string_view("head\nbody and more"));
    c.client.close_write();
    weft::io::buffered_reader in(c.server);
    EXPECT_EQ(in.read_until('\n'), "head\n");
    scripted_sink sink(100);
    EXPECT_EQ(weft::io::copy(in, sink), 13U);
    EXPECT_EQ(sink.taken, "body and more");
  });
}

TEST_F(io_copy, ends_when_the_connection_is_closed_by_another_goroutine) {
  weft_test::everywhere([] {
    connection from, to;
    const weft::wait_group wg;
    wg.go([&] {
      std::array<char, 5> begun;
      weft::io::read_exact(to.client, begun);
      from.server.close();
    });
    from.client.write(std::string_view("begun"));
    std::error_code ec;
    EXPECT_EQ(weft::io::copy(from.server, to.server, ec), 5U);
    EXPECT_EQ(ec, io_errc::closed);
    wg.wait();
  });
}

TEST_F(io_copy, ends_when_the_reader_is_too_slow_for_a_deadline) {
  weft_test::everywhere([] {
    connection c;
    struct endless {
      std::size_t read_some(std::span<char> into, std::error_code& ec) {
        ec.clear();
        std::fill(into.begin(), into.end(), 'x');
        return into.size();
      }
    } source;
    c.server.set_deadline_after(std::chrono::milliseconds(20));
    std::error_code ec;
    EXPECT_GT(weft::io::copy(source, c.server, ec), 0U);
    EXPECT_EQ(ec, io_errc::timeout);
  });
}

TEST_F(io_copy, reads_all_up_to_a_limit) {
  const std::string text = numbered_text(20'000);
  for (const std::size_t part : {1, 4096, 20'000}) {
    auto source = scripted_source::cut(text, part);
    EXPECT_EQ(weft::io::read_all(source, text.size()), text);
    auto again = scripted_source::cut(text, part);
    std::error_code ec;
    EXPECT_EQ(weft::io::read_all(again, text.size() - 1, ec), text.substr(0, text.size() - 1));
    EXPECT_EQ(ec, std::errc::message_size);
  }
  scripted_source empty({});
  EXPECT_EQ(weft::io::read_all(empty, 0), "");
  auto source = scripted_source::cut(text, 1000);
  EXPECT_EQ(weft::io::read_all(source, SIZE_MAX), text);
  scripted_source broken({"ab"}, std::make_error_code(std::errc::connection_reset));
  std::error_code ec;
  EXPECT_EQ(weft::io::read_all(broken, 100, ec), "ab");
  EXPECT_EQ(ec, std::errc::connection_reset);
}

}  // namespace
