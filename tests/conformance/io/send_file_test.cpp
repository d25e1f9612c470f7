// Files to connections: ranges, slow readers, ends, closes, broken connections.
#include <weft/net/send_file.hpp>

#include <csignal>
#include <string>
#include <vector>

#include <weft/io/copy.hpp>
#include <weft/net/tcp.hpp>

#include "scripted_stream.hpp"
#include "weft_test.hpp"

namespace {

using weft::io_errc;
using weft::io::file;
using weft::io::open_mode;
using weft::net::send_file;
using weft_test::everywhere;
using weft_test::numbered_text;
using net_send_file = weft_test::fixture;

struct connection {
  connection() {
    weft::net::tcp_listener listener(weft::net::address::loopback());
    client = weft::net::connect_tcp(listener.local_address());
    server = listener.accept();
  }
  weft::net::tcp_stream client, server;
};

/// A file with a text in it.
struct page {
  explicit page(std::size_t size)
      : text(numbered_text(size)),
        of(file::open(folder / "page", open_mode::read_write | open_mode::create)) {
    of.write(text);
  }
  weft_test::scratch_folder folder;
  std::string text;
  file of;
};

TEST_F(net_send_file, sends_all_of_a_file_to_a_slow_reader) {
  page p(3'000'000);
  everywhere([&] {
    connection c;
    const weft::wait_group wg;
    wg.go([&] {
      EXPECT_EQ(send_file(c.server, p.of), p.text.size());
      c.server.close_write();
    });
    weft_test::let_others_run();  // it does not fit into the buffers
    EXPECT_EQ(weft::io::read_all(c.client, p.text.size()), p.text);
    wg.wait();
    EXPECT_EQ(p.of.position(), p.text.size());  // where it was
  });
}

TEST_F(net_send_file, sends_the_range_it_is_told) {
  page p(10'000);
  everywhere([&] {
    connection c;
    EXPECT_EQ(send_file(c.server, p.of, 0, 0), 0U);
    EXPECT_EQ(send_file(c.server, p.of, 9'999, 1), 1U);
    EXPECT_EQ(send_file(c.server, p.of, 123, 4567), 4567U);
    EXPECT_EQ(send_file(c.server, p.of, 10'000), 0U);
    std::error_code ec;
    EXPECT_EQ(send_file(c.server, p.of, 9'000, 2'000, ec), 1'000U);
    EXPECT_EQ(ec, io_errc::end_of_file);
    EXPECT_EQ(send_file(c.server, p.of, 20'000, 1, ec), 0U);
    EXPECT_EQ(ec, io_errc::end_of_file);
    EXPECT_EQ(send_file(c.server, p.of, std::uint64_t{1} << 63, 1, ec), 0U);
    EXPECT_EQ(ec, std::errc::invalid_argument);
    c.server.close_write();
    EXPECT_EQ(weft::io::read_all(c.client, 100'000),
              p.text.substr(9'999) + p.text.substr(123, 4567) + p.text.substr(9'000));
  });
}

TEST_F(net_send_file, is_not_mixed_with_what_others_write) {
  page p(1'000'000);
  everywhere([&] {
    connection c;
    const weft::wait_group wg;
    constexpr std::size_t count = 4;
    for (std::size_t i = 0; i < count; ++i) {
      wg.go([&] { EXPECT_EQ(send_file(c.server, p.of), p.text.size()); });
    }
    std::string one(p.text.size(), '\0');
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(weft::io::read_exact(c.client, one), one.size());
      EXPECT_EQ(one, p.text);
    }
    wg.wait();
  });
}

TEST_F(net_send_file, serves_many_connections_at_the_same_time) {
  page p(50'000);
  everywhere([&] {
    constexpr std::size_t count = 20;
    std::vector<connection> all(count);
    const weft::wait_group wg;
    for (connection& c : all) {
      wg.go([&] {
        send_file(c.server, p.of);
        c.server.close_write();
      });
      wg.go([&] { EXPECT_EQ(weft::io::read_all(c.client, p.text.size()), p.text); });
    }
    wg.wait();
  });
}

TEST_F(net_send_file, is_what_copying_a_file_does) {
  page p(500'000);
  everywhere([&] {
    connection c;
    p.of.set_position(1000);
    const weft::wait_group wg;
    wg.go([&] {
      EXPECT_EQ(weft::io::copy(p.of, c.server), p.text.size() - 1000);
      c.server.close_write();
    });
    EXPECT_EQ(weft::io::read_all(c.client, p.text.size()), p.text.substr(1000));
    wg.wait();
    EXPECT_EQ(p.of.position(), p.text.size());
  });
}

TEST_F(net_send_file, ends_at_the_deadline_and_when_the_connection_is_closed) {
  page p(20'000'000);
  for (const bool closes : {false, true}) {
    everywhere([&] {
      connection c;
      const weft::wait_group wg;
      wg.go([&] {
        std::error_code ec;
        const std::uint64_t sent = send_file(c.server, p.of, 0, weft::net::to_end_of_file, ec);
        EXPECT_GT(sent, 0U);
        EXPECT_LT(sent, p.text.size());
        EXPECT_EQ(ec, closes ? io_errc::closed : io_errc::timeout);
      });
      char byte = 0;
      c.client.read_some(std::span(&byte, 1));  // it has begun
      if (closes)
        c.server.close();
      else
        c.server.set_write_deadline(weft::clock::now() - std::chrono::seconds(1));
      wg.wait();
    });
  }
}

TEST_F(net_send_file, to_a_broken_connection_fails_without_a_signal) {
  static weft::detail::atomic<int> signals{0};
  struct sigaction counting {
  }, before{};
  counting.sa_handler = [](int) { ++signals; };
  ASSERT_EQ(::sigaction(SIGPIPE, &counting, &before), 0);
  page p(5'000'000);
  everywhere([&] {
    connection c;
    c.client.set_linger(std::chrono::seconds(0));
    c.client.close();
    for (int i = 0; i < 3; ++i) {
      std::error_code ec;
      send_file(c.server, p.of, 0, weft::net::to_end_of_file, ec);
      EXPECT_TRUE(ec == std::errc::broken_pipe || ec == std::errc::connection_reset)
          << ec.message();
    }
    connection half;
    half.server.close_write();
    std::error_code ec;
    EXPECT_EQ(send_file(half.server, p.of, 0, 100, ec), 0U);
    EXPECT_EQ(ec, std::errc::broken_pipe);
  });
  EXPECT_EQ(signals.load(), 0);
  ::sigaction(SIGPIPE, &before, nullptr);
}

TEST_F(net_send_file, refuses_what_is_closed) {
  page p(100);
  everywhere([&] {
    connection c;
    std::error_code ec;
    file none;
    EXPECT_EQ(send_file(c.server, none, 0, 1, ec), 0U);
    EXPECT_EQ(ec, io_errc::closed);
    c.server.close();
    EXPECT_EQ(send_file(c.server, p.of, 0, 1, ec), 0U);
    EXPECT_EQ(ec, io_errc::closed);
    weft::net::tcp_stream never;
    EXPECT_EQ(send_file(never, p.of, 0, 1, ec), 0U);
    EXPECT_EQ(ec, io_errc::closed);
    EXPECT_THROW(send_file(never, p.of), std::system_error);
  });
}

TEST_F(net_send_file, reads_what_the_kernel_does_not_send) {
  everywhere([] {
    connection c;
    file status = file::open("/proc/self/limits");  // made when it is read, without a size
    const std::uint64_t sent = send_file(c.server, status);
    EXPECT_GT(sent, 0U);
    c.server.close_write();
    EXPECT_EQ(weft::io::read_all(c.client, 100'000).size(), sent);
    const weft_test::scratch_folder folder;
    file unreadable = file::open(folder / "a", open_mode::write | open_mode::create);
    connection other;
    std::error_code ec;
    EXPECT_EQ(send_file(other.server, unreadable, 0, 10, ec), 0U);
    EXPECT_EQ(ec, std::errc::bad_file_descriptor);
  });
}

}  // namespace
