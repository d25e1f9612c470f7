// Copying between connections and pipes, which goes through the kernel when much comes at once:
// nothing is lost, doubled or kept back, and it ends as every copy does.
#include <weft/io/copy.hpp>

#include <fcntl.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <weft/io/pipe.hpp>
#include <weft/io/reader.hpp>
#include <weft/net/tcp.hpp>
#include <weft/net/unix.hpp>

#include "scripted_stream.hpp"
#include "weft_test.hpp"

namespace {

namespace io = weft::io;
using namespace std::chrono_literals;
using weft::io_errc;
using weft::net::tcp_stream;
using weft::net::unix_stream;
using weft_test::everywhere;
using weft_test::numbered_text;
using io_splice = weft_test::fixture;

struct tcp_pair {
  tcp_pair() {
    weft::net::tcp_listener listener(weft::net::address::loopback());
    client = weft::net::connect_tcp(listener.local_address());
    server = listener.accept();
  }
  tcp_stream client, server;
};

struct unix_pair {
  unix_pair() { std::tie(client, server) = weft::net::stream_pair(); }
  unix_stream client, server;
};

/// More than one read, one pipe and the buffers of the sockets have room for.
const std::string& much() {
  static const std::string text = numbered_text(weft_test::sanitized ? 5'000'000 : 12'000'000);
  return text;
}

/// Until the connection breaks.
void write_for_ever(tcp_stream& to) {
  for (std::error_code ec; !ec;) to.write(much(), ec);
}

/// Until the source waits for more: the copy is in the kernel's hands by then.
void begin_with_much(tcp_stream& source, tcp_stream& sink, std::string& room) {
  const weft::wait_group wg;
  wg.go([&] { source.write(std::string_view(much()).substr(0, room.size())); });
  EXPECT_EQ(io::read_exact(sink, room), room.size());
  wg.wait();
}

template <class Front, class Back>
void carry_both_ways(std::size_t size) {
  const std::string there = much().substr(0, size);
  const std::string back = much().substr(much().size() - size / 2);
  Front front;
  Back behind;
  const weft::wait_group wg;
  wg.go([&] {
    EXPECT_EQ(io::copy(front.server, behind.client), there.size());
    behind.client.close_write();
  });
  wg.go([&] {
    EXPECT_EQ(io::copy(behind.client, front.server), back.size());
    front.server.close_write();
  });
  wg.go([&] {
    front.client.write(there);
    front.client.close_write();
  });
  wg.go([&] {
    behind.server.write(back);
    behind.server.close_write();
  });
  wg.go([&] { EXPECT_TRUE(io::read_all(behind.server, SIZE_MAX) == there); });
  EXPECT_TRUE(io::read_all(front.client, SIZE_MAX) == back);
  wg.wait();
}

TEST_F(io_splice, carries_any_amount_both_ways) {
  everywhere([] {
    for (const std::size_t size : {0, 1, 1'000, 65'535, 65'536, 65'537, 262'144, 1'234'567}) {
      carry_both_ways<tcp_pair, tcp_pair>(size);
      carry_both_ways<tcp_pair, unix_pair>(size);
      carry_both_ways<unix_pair, tcp_pair>(size);
      carry_both_ways<unix_pair, unix_pair>(size);
    }
    carry_both_ways<tcp_pair, tcp_pair>(much().size());
  });
}

TEST_F(io_splice, carries_from_and_to_pipes) {
  everywhere([] {
    auto [from, into] = io::make_pipe();
    auto [last, end] = io::make_pipe();
    tcp_pair c;
    const weft::wait_group wg;
    wg.go([&, into = std::move(into)]() mutable { into.write(much()); });
    wg.go([&] {
      EXPECT_EQ(io::copy(from, c.client), much().size());
      c.client.close_write();
    });
    auto [middle, next] = io::make_pipe();
    wg.go([&, next = std::move(next)]() mutable {
      EXPECT_EQ(io::copy(c.server, next), much().size());
    });
    wg.go([&, end = std::move(end)]() mutable { EXPECT_EQ(io::copy(middle, end), much().size()); });
    EXPECT_TRUE(io::read_all(last, SIZE_MAX) == much());
    wg.wait();
  });
}

TEST_F(io_splice, keeps_nothing_back_when_little_follows_much) {
  everywhere([] {
    tcp_pair front, back;
    const weft::wait_group wg;
    const auto pass_on = [](tcp_stream& from, tcp_stream& to) {
      io::copy(from, to);
      to.close_write();
    };
    wg.go([&] { pass_on(front.server, back.client); });
    wg.go([&] { pass_on(back.server, back.server); });
    wg.go([&] { pass_on(back.client, front.server); });
    for (const std::size_t size : {3, 400'000, 1, 70'000, 5, 15'000, 17'000, 300'000, 2}) {
      const std::string text = much().substr(size, size);
      wg.go([&, text] { front.client.write(text); });
      std::string answer(size, '\0');
      EXPECT_EQ(io::read_exact(front.client, answer), size);
      EXPECT_TRUE(answer == text);
    }
    front.client.close_write();
    EXPECT_EQ(io::read_all(front.client, 100), "");
    wg.wait();
  });
}

TEST_F(io_splice, waits_for_a_slow_reader) {
  everywhere([] {
    tcp_pair front, back;
    const weft::wait_group wg;
    wg.go([&] { front.client.write(much()), front.client.close_write(); });
    wg.go([&] {
      EXPECT_EQ(io::copy(front.server, back.client), much().size());
      back.client.close_write();
    });
    weft_test::let_others_run();
    std::string got, room(100'000, '\0');
    for (std::error_code ec; !ec;) {
      got.append(room, 0, back.server.read_some(std::span(room), ec));
      weft::yield();
    }
    EXPECT_TRUE(got == much());
    wg.wait();
  });
}

TEST_F(io_splice, ends_when_the_source_is_closed_by_another_goroutine) {
  everywhere([] {
    tcp_pair front, back;
    std::string begun(1'000'000, '\0');
    const weft::wait_group wg;
    wg.go([&] {
      begin_with_much(front.client, back.server, begun);
      front.server.close();
    });
    std::error_code ec;
    EXPECT_EQ(io::copy(front.server, back.client, ec), begun.size());
    EXPECT_EQ(ec, io_errc::closed);
    wg.wait();
  });
}

TEST_F(io_splice, ends_when_the_sink_is_closed_or_too_late) {
  for (const bool closes : {true, false}) {
    everywhere([closes] {
      tcp_pair front, back;
      const weft::wait_group wg;
      wg.go([&] { write_for_ever(front.client); });
      wg.go([&] {
        std::string begun(500'000, '\0');
        io::read_exact(back.server, begun);
        if (closes)
          back.client.close();
        else
          back.client.set_write_deadline(weft::clock::now() - 1s);
      });
      std::error_code ec;
      const std::uint64_t count = io::copy(front.server, back.client, ec);
      EXPECT_GE(count, 500'000U);
      EXPECT_EQ(ec, closes ? io_errc::closed : io_errc::timeout);
      front.server.close();
      if (!closes) back.client.close_write();
      EXPECT_EQ(io::read_all(back.server, SIZE_MAX).size() + 500'000, count);
      wg.wait();
    });
  }
}

TEST_F(io_splice, goes_on_after_a_deadline_as_if_nothing_had_been) {
  everywhere([] {
    tcp_pair front, back;
    std::string begun(800'000, '\0');
    const weft::wait_group wg;
    wg.go([&] {
      begin_with_much(front.client, back.server, begun);
      front.server.set_read_deadline(weft::clock::now() - 1s);
    });
    std::error_code ec;
    EXPECT_EQ(io::copy(front.server, back.client, ec), begun.size());
    EXPECT_EQ(ec, io_errc::timeout);
    wg.wait();
    front.server.clear_deadline();
    wg.go([&] {
      front.client.write(std::string_view(much()).substr(begun.size()));
      front.client.close_write();
    });
    wg.go([&] {
      EXPECT_EQ(io::copy(front.server, back.client), much().size() - begun.size());
      back.client.close_write();
    });
    EXPECT_TRUE(begun + io::read_all(back.server, SIZE_MAX) == much());
    wg.wait();
  });
}

TEST_F(io_splice, of_broken_connections_fails_without_a_signal) {
  static weft::detail::atomic<int> signals{0};
  struct sigaction counting {
  }, before{};
  counting.sa_handler = [](int) { ++signals; };
  ASSERT_EQ(::sigaction(SIGPIPE, &counting, &before), 0);
  for (const bool source_breaks : {true, false}) {
    everywhere([source_breaks] {
      tcp_pair front, back;
      const weft::wait_group wg;
      wg.go([&] { write_for_ever(front.client); });
      wg.go([&] {
        std::string begun(500'000, '\0');
        io::read_exact(back.server, begun);
        tcp_stream& breaks = source_breaks ? front.client : back.server;
        breaks.set_linger(0s);
        breaks.close();
        std::error_code ec;
        if (source_breaks) io::read_all(back.server, SIZE_MAX, ec);
      });
      std::error_code ec;
      EXPECT_GE(io::copy(front.server, back.client, ec), 500'000U);
      EXPECT_TRUE(ec == std::errc::broken_pipe || ec == std::errc::connection_reset)
          << ec.message();
      front.server.close();
      back.client.close();
      wg.wait();
    });
  }
  auto [reader, writer] = io::make_pipe();
  tcp_pair c;
  const weft::wait_group wg;
  wg.go([&] { write_for_ever(c.client); });
  wg.go([&, &r = reader] {
    std::string begun(500'000, '\0');
    io::read_exact(r, begun);
    r.close();
  });
  std::error_code ec;
  io::copy(c.server, writer, ec);
  EXPECT_EQ(ec, std::errc::broken_pipe);
  c.server.close();
  wg.wait();
  EXPECT_EQ(signals.load(), 0);
  ::sigaction(SIGPIPE, &before, nullptr);
}

TEST_F(io_splice, copies_what_the_kernel_does_not_splice) {
  everywhere([] {
    tcp_pair front, back;
    // Linux does not splice to a socket with this flag, which means nothing else there.
    const int fd = back.client.native_handle();
    ASSERT_EQ(::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_APPEND), 0);
    const weft::wait_group wg;
    wg.go([&] { front.client.write(much()), front.client.close_write(); });
    wg.go([&] {
      EXPECT_EQ(io::copy(front.server, back.client), much().size());
      back.client.close_write();
    });
    EXPECT_TRUE(io::read_all(back.server, SIZE_MAX) == much());
    wg.wait();
  });
}

struct shouting_stream : tcp_stream {
  using tcp_stream::tcp_stream;
  std::size_t read_some(std::span<char> into, std::error_code& ec) {
    const std::size_t got = tcp_stream::read_some(into, ec);
    for (char& c : into.first(got)) c = c == '\n' ? '!' : c;
    return got;
  }
};

TEST_F(io_splice, leaves_alone_what_reads_in_its_own_way) {
  everywhere([] {
    tcp_pair front, back;
    shouting_stream shouting;
    static_cast<tcp_stream&>(shouting) = std::move(front.server);
    const weft::wait_group wg;
    wg.go([&] { front.client.write(much()), front.client.close_write(); });
    wg.go([&] {
      io::copy(shouting, back.client);
      back.client.close_write();
    });
    std::string right = much();
    for (char& c : right) c = c == '\n' ? '!' : c;
    EXPECT_TRUE(io::read_all(back.server, SIZE_MAX) == right);
    wg.wait();
  });
}

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                       std::filesystem::directory_iterator());
}

/// Many at once, all of them in the middle of it when `then` is called.
template <class Then>
void many_stuck(std::size_t count, Then then) {
  std::vector<tcp_pair> fronts(count), backs(count);
  const weft::wait_group wg;
  for (std::size_t i = 0; i < count; ++i) {
    wg.go([&, i] { write_for_ever(fronts[i].client); });
    wg.go([&, i] {
      std::error_code ec;
      io::copy(fronts[i].server, backs[i].client, ec);
    });
  }
  then(fronts, backs);
  for (tcp_pair& f : fronts) f.server.close();
  for (tcp_pair& b : backs) b.client.close();
  wg.wait();
}

TEST_F(io_splice, leaves_few_descriptors_open) {
  constexpr std::ptrdiff_t kept_at_most = 16;
  everywhere([] {
    const std::ptrdiff_t before = open_descriptors();
    for (int i = 0; i < 3; ++i) {
      many_stuck(12, [](auto&, auto& backs) {
        std::string begun(200'000, '\0');
        for (tcp_pair& b : backs) io::read_exact(b.server, begun);
      });
      carry_both_ways<tcp_pair, tcp_pair>(1'000'000);
      EXPECT_LE(open_descriptors(), before + kept_at_most);
    }
  });
}

/// No new descriptors in its life.
class no_descriptors {
 public:
  no_descriptors() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    rlimit none = before_;
    none.rlim_cur = 3;  // those that every process has
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  no_descriptors(const no_descriptors&) = delete;
  no_descriptors& operator=(const no_descriptors&) = delete;
  ~no_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(io_splice, copies_when_there_are_no_descriptors_for_a_pipe) {
  everywhere([] {
    std::vector<tcp_pair> fronts(12), backs(12);  // more than the pipes that are kept
    const no_descriptors now;
    const weft::wait_group wg;
    for (std::size_t i = 0; i < fronts.size(); ++i) {
      wg.go([&, i] {
        fronts[i].client.write(std::string_view(much()).substr(i, 2'000'000));
        fronts[i].client.close_write();
      });
      wg.go([&, i] {
        EXPECT_EQ(io::copy(fronts[i].server, backs[i].client), 2'000'000U);
        backs[i].client.close_write();
      });
    }
    for (std::size_t i = 0; i < fronts.size(); ++i)
      EXPECT_TRUE(io::read_all(backs[i].server, SIZE_MAX) == much().substr(i, 2'000'000));
    wg.wait();
  });
}

}  // namespace
