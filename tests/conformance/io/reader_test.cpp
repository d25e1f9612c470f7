// Reading in small pieces what comes in others: exact counts, delimiters, lines, limits.
#include <weft/io/reader.hpp>

#include <array>
#include <string>
#include <vector>

#include <weft/io/writer.hpp>
#include <weft/net/tcp.hpp>

#include "scripted_stream.hpp"
#include "weft_test.hpp"

namespace {

using weft::io_errc;
using weft::io::buffered_reader;
using weft_test::scripted_sink;
using weft_test::scripted_source;
using io_reader = weft_test::fixture;

TEST_F(io_reader, finds_a_delimiter_wherever_the_parts_are_cut) {
  const std::string text = "one\r\n\r\ntwo\r\r\n\r\n\r\n\r\nrest";
  for (std::size_t part = 1; part <= text.size(); ++part) {
    for (const std::size_t room : {1, 2, 3, 7, 100}) {
      auto source = scripted_source::cut(text, part);
      buffered_reader in(source, room);
      EXPECT_EQ(in.read_until("\r\n\r\n"), "one\r\n\r\n");
      EXPECT_EQ(in.read_until("\r\n\r\n"), "two\r\r\n\r\n");
      EXPECT_EQ(in.read_until("\r\n\r\n"), "\r\n\r\n");
      std::error_code ec;
      EXPECT_EQ(in.read_until("\r\n\r\n", 100, ec), "rest");
      EXPECT_EQ(ec, io_errc::end_of_file);
      EXPECT_EQ(in.read_until("\r\n\r\n", 100, ec), "");
      EXPECT_EQ(ec, io_errc::end_of_file);
    }
  }
}

TEST_F(io_reader, stops_at_its_limit_and_takes_nothing_then) {
  for (const std::size_t room : {1, 4, 64}) {
    auto source = scripted_source::cut("abcdefgh;ij;", 3);
    buffered_reader in(source, room);
    std::error_code ec;
    EXPECT_EQ(in.read_until(';', 8, ec), "");
    EXPECT_EQ(ec, std::errc::message_size);
    EXPECT_EQ(in.read_until(';', 9, ec), "abcdefgh;");
    EXPECT_FALSE(ec);
    EXPECT_EQ(in.read_until(';', 2, ec), "");  // it is all there, and one byte too long
    EXPECT_EQ(ec, std::errc::message_size);
    EXPECT_EQ(in.read_until(';', 3, ec), "ij;");
  }
}

TEST_F(io_reader, does_not_read_much_more_than_the_limit_before_it_gives_up) {
  scripted_source source(std::deque<std::string>(1000, std::string(1000, 'x')));
  buffered_reader in(source, 16);
  std::error_code ec;
  EXPECT_EQ(in.read_until('\n', 10'000, ec), "");
  EXPECT_EQ(ec, std::errc::message_size);
  EXPECT_LE(in.buffered().size(), 20'000U);
}

TEST_F(io_reader, loses_nothing_by_an_error_in_the_middle) {
  scripted_source source({"half a "}, std::make_error_code(std::errc::timed_out));
  buffered_reader in(source);
  std::error_code ec;
  EXPECT_EQ(in.read_until('\n', 100, ec), "");
  EXPECT_EQ(ec, std::errc::timed_out);
  EXPECT_EQ(in.peek(20, ec), "half a ");
  EXPECT_EQ(ec, std::errc::timed_out);
  source.add("line\n");
  EXPECT_EQ(in.read_until('\n', 100, ec), "half a line\n");
  EXPECT_FALSE(ec);
}

TEST_F(io_reader, takes_the_bytes_that_come_with_the_end) {
  scripted_source source({"ab", "cd"});
  source.tells_early = true;
  buffered_reader in(source);
  std::error_code ec;
  EXPECT_EQ(in.read_until('\n', 100, ec), "abcd");
  EXPECT_EQ(ec, io_errc::end_of_file);
}

TEST_F(io_reader, reads_exactly_or_says_how_much_there_was) {
  for (const std::size_t part : {1, 2, 3, 10}) {
    auto source = scripted_source::cut("0123456789", part);
    buffered_reader in(source, 4);
    std::array<char, 4> four{};
    EXPECT_EQ(in.read_exact(four), 4U);
    EXPECT_EQ(std::string_view(four.data(), 4), "0123");
    EXPECT_EQ(weft::io::read_exact(in, four), 4U);
    EXPECT_EQ(std::string_view(four.data(), 4), "4567");
    std::error_code ec;
    EXPECT_EQ(in.read_exact(four, ec), 2U);
    EXPECT_EQ(ec, io_errc::end_of_file);
    EXPECT_EQ(std::string_view(four.data(), 2), "89");
    EXPECT_THROW(in.read_exact(four), std::system_error);
    EXPECT_EQ(in.read_exact(std::span<char>(), ec), 0U);
    EXPECT_FALSE(ec);
  }
}

TEST_F(io_reader, gives_out_what_is_buffered_before_it_reads_again) {
  scripted_source source({"abcdef", "gh"});
  buffered_reader in(source, 16);
  EXPECT_EQ(in.peek(2), "ab");
  EXPECT_EQ(in.buffered(), "abcdef");
  EXPECT_EQ(source.calls, 1);
  std::array<char, 4> first{};
  std::array<char, 64> second{};
  const std::array<std::span<char>, 2> both{std::span<char>(first), std::span<char>(second)};
  EXPECT_EQ(in.read_some(both), 6U);
  EXPECT_EQ(std::string_view(first.data(), 4), "abcd");
  EXPECT_EQ(std::string_view(second.data(), 2), "ef");
  EXPECT_EQ(source.calls, 1);
  EXPECT_EQ(in.read_some(std::span<char>(second)), 2U);
  EXPECT_EQ(source.largest, 64U);  // straight into a buffer that is larger than its own
}

TEST_F(io_reader, peeks_and_skips) {
  auto source = scripted_source::cut("0123456789", 1);
  buffered_reader in(source, 2);
  EXPECT_EQ(in.peek(5), "01234");
  EXPECT_EQ(in.peek(3), "012");
  in.skip(2);
  EXPECT_EQ(in.peek(8), "23456789");
  std::error_code ec;
  EXPECT_EQ(in.peek(9, ec), "23456789");
  EXPECT_EQ(ec, io_errc::end_of_file);
  in.skip(100);
  EXPECT_EQ(in.peek(1, ec), "");
}

TEST_F(io_reader, gives_up_on_a_stream_that_has_neither_bytes_nor_an_error) {
  struct nothing {
    int calls = 0;
    std::size_t read_some(std::span<char>, std::error_code& ec) {
      ++calls;
      ec.clear();
      return 0;
    }
  } source;
  std::array<char, 4> four{};
  std::error_code ec;
  EXPECT_EQ(weft::io::read_exact(source, four, ec), 0U);
  EXPECT_EQ(ec, std::errc::io_error);
  buffered_reader in(source);
  EXPECT_EQ(in.peek(1, ec), "");
  EXPECT_EQ(ec, std::errc::io_error);
  EXPECT_LE(source.calls, 1000);
}

std::vector<std::string> lines_of(const std::string& text, std::size_t part) {
  auto source = scripted_source::cut(text, part);
  std::vector<std::string> all;
  for (const std::string_view line : weft::io::lines(source)) all.emplace_back(line);
  return all;
}

TEST_F(io_reader, gives_lines_without_their_ends) {
  using strings = std::vector<std::string>;
  for (const std::size_t part : {1, 2, 3, 1000}) {
    EXPECT_EQ(lines_of("", part), strings());
    EXPECT_EQ(lines_of("\n", part), strings({""}));
    EXPECT_EQ(lines_of("a\nb", part), strings({"a", "b"}));
    EXPECT_EQ(lines_of("a\r\nb\r\n", part), strings({"a", "b"}));
    EXPECT_EQ(lines_of("\r\n\n\rx\r\r\n", part), strings({"", "", "\rx\r"}));
  }
}

TEST_F(io_reader, ends_the_lines_at_one_that_is_too_long) {
  for (const char* const end : {"\n", "\r\n"}) {
    auto source = scripted_source::cut(std::string("12345") + end + "123456" + end, 2);
    std::error_code ec;
    int count = 0;
    for (const std::string_view line : weft::io::lines(source, 5, ec)) {
      EXPECT_EQ(line, "12345");
      ++count;
    }
    EXPECT_EQ(count, 1);
    EXPECT_EQ(ec, std::errc::message_size);
  }
  auto source = scripted_source::cut("123456", 6);
  EXPECT_THROW(for (const std::string_view line
                    : weft::io::lines(source, 5)) EXPECT_EQ(line, ""),
               std::system_error);
}

TEST_F(io_reader, tells_an_error_from_the_end_of_the_lines) {
  scripted_source broken({"a\nb"}, std::make_error_code(std::errc::connection_reset));
  std::vector<std::string> all;
  std::error_code ec;
  for (const std::string_view line : weft::io::lines(broken, 100, ec)) all.emplace_back(line);
  EXPECT_EQ(all, std::vector<std::string>({"a"}));  // of "b" nobody knows whether it is all
  EXPECT_EQ(ec, std::errc::connection_reset);
}

TEST_F(io_reader, leaves_what_comes_after_the_lines_to_the_reader) {
  auto source = scripted_source::cut("head: 1\n\nbody", 5);
  buffered_reader in(source);
  for (const std::string_view line : weft::io::lines(in))
    if (line.empty()) break;
  std::array<char, 4> body{};
  EXPECT_EQ(in.read_exact(body), 4U);
  EXPECT_EQ(std::string_view(body.data(), 4), "body");
}

TEST_F(io_reader, asks_for_a_line_only_when_somebody_wants_it) {
  weft_test::everywhere([] {
    weft::net::tcp_listener listener(weft::net::address::loopback());
    auto client = weft::net::connect_tcp(listener.local_address());
    auto server = listener.accept();
    client.write(std::string_view("only one\n"));
    for (const std::string_view line : weft::io::lines(server)) {
      EXPECT_EQ(line, "only one");
      break;  // the next one never comes
    }
  });
}

TEST_F(io_reader, reads_a_connection_that_trickles_and_ends_by_close_in_another_goroutine) {
  weft_test::everywhere([] {
    weft::net::tcp_listener listener(weft::net::address::loopback());
    auto client = weft::net::connect_tcp(listener.local_address());
    auto server = listener.accept();
    const weft::wait_group wg;
    weft::chan<void> seen;
    wg.go([&] {
      for (const char c : std::string("GET /\r\nHost: x\r\n")) {
        client.write(std::string_view(&c, 1));
        weft::yield();
      }
      seen.recv();
      seen.recv();
      server.close();
    });
    std::error_code ec;
    std::vector<std::string> all;
    for (const std::string_view line : weft::io::lines(server, 100, ec)) {
      all.emplace_back(line);
      seen.send();
    }
    EXPECT_EQ(all, std::vector<std::string>({"GET /", "Host: x"}));
    EXPECT_EQ(ec, io_errc::closed);
    wg.wait();
  });
}

TEST_F(io_reader, tries_again_after_a_deadline) {
  weft_test::everywhere([] {
    weft::net::tcp_listener listener(weft::net::address::loopback());
    auto client = weft::net::connect_tcp(listener.local_address());
    auto server = listener.accept();
    buffered_reader in(server);
    client.write(std::string_view("ab"));
    EXPECT_EQ(in.peek(2), "ab");
    server.set_read_deadline(weft::clock::now() - std::chrono::seconds(1));
    std::error_code ec;
    EXPECT_EQ(in.read_until('\n', 10, ec), "");
    EXPECT_EQ(ec, io_errc::timeout);
    server.clear_deadline();
    client.write(std::string_view("c\n"));
    EXPECT_EQ(in.read_until('\n', 10, ec), "abc\n");
  });
}

TEST_F(io_reader, has_a_writer_that_gathers) {
  scripted_sink sink(3);
  weft::io::buffered_writer out(sink, 8);
  EXPECT_EQ(out.write(std::string_view("1234")), 4U);
  EXPECT_EQ(out.write(std::string_view("5678")), 4U);
  EXPECT_EQ(sink.calls, 0);
  EXPECT_EQ(out.write(std::string_view("9")), 1U);
  EXPECT_EQ(sink.taken, "12345678");
  EXPECT_EQ(out.write(std::string("a long one, which goes by")), 25U);
  EXPECT_EQ(sink.taken, "123456789a long one, which goes by");
  EXPECT_EQ(out.buffered(), 0U);
  out.write(std::string_view("!"));
  out.flush();
  EXPECT_EQ(sink.taken.back(), '!');
}

TEST_F(io_reader, has_a_writer_that_repeats_its_error) {
  scripted_sink sink(100, 10);
  weft::io::buffered_writer out(sink, 8);
  out.write(std::string_view("1234567"));
  std::error_code ec;
  EXPECT_EQ(out.write(std::string_view("abcdefgh"), ec), 3U);
  EXPECT_EQ(ec, std::errc::no_space_on_device);
  EXPECT_EQ(sink.taken, "1234567abc");
  EXPECT_EQ(out.write(std::string_view("x"), ec), 0U);
  EXPECT_EQ(ec, std::errc::no_space_on_device);
  EXPECT_THROW(out.flush(), std::system_error);
}

}  // namespace
