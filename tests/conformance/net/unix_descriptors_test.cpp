// Descriptors on their way through Unix sockets.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <weft/io/pipe.hpp>
#include <weft/net/unix.hpp>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using weft::io_errc;
using weft::io::make_pipe;
using weft::io::pipe_ends;
using weft::io::pipe_reader;
using weft::net::address;
using weft::net::datagram_pair;
using weft::net::descriptor_message;
using weft::net::stream_pair;
using weft_test::everywhere;

using net_unix_descriptors = weft_test::fixture;

template <std::size_t N>
std::string_view text_of(const std::array<char, N>& room, std::size_t size) {
  return {room.data(), size};
}

TEST_F(net_unix_descriptors, a_descriptor_is_passed_on_and_owned_by_who_gets_it) {
  everywhere([] {
    auto [a, b] = stream_pair();
    pipe_ends p = make_pipe();
    const std::array<int, 1> passed{p.reader.native_handle()};
    EXPECT_EQ(a.send_descriptors(passed, "a reader"sv), 8U);
    p.reader.close();
    std::array<char, 64> room;
    {
      descriptor_message got = b.receive_descriptors(std::span(room));
      EXPECT_EQ(text_of(room, got.size), "a reader");
      EXPECT_FALSE(got.lost);
      ASSERT_EQ(got.descriptors.size(), 1U);
      EXPECT_EQ(::fcntl(got.descriptors[0].get(), F_GETFD), FD_CLOEXEC);
      pipe_reader reader(got.descriptors[0].release());
      p.writer.write("through"sv);
      EXPECT_EQ(text_of(room, reader.read_some(std::span(room))), "through");
    }
    std::error_code ec;
    p.writer.write("x"sv, ec);
    EXPECT_EQ(ec, std::errc::broken_pipe) << "it was closed by its owner";
  });
}

TEST_F(net_unix_descriptors, descriptors_that_are_not_asked_for_are_not_kept_open) {
  everywhere([] {
    auto [a, b] = stream_pair();
    pipe_ends p = make_pipe();
    const std::array<int, 1> passed{p.reader.native_handle()};
    a.send_descriptors(passed, "x"sv);
    a.send_descriptors(passed, "y"sv);
    p.reader.close();
    std::array<char, 1> room;
    EXPECT_EQ(b.read_some(std::span(room)), 1U);
    b.receive_descriptors(std::span(room));
    EXPECT_EQ(room[0], 'y');
    std::error_code ec;
    p.writer.write("x"sv, ec);
    EXPECT_EQ(ec, std::errc::broken_pipe);
  });
}

TEST_F(net_unix_descriptors, a_descriptor_comes_with_its_bytes_and_no_later_ones) {
  everywhere([] {
    auto [a, b] = stream_pair();
    const std::array<int, 1> passed{a.native_handle()};
    a.send_descriptors(passed, "first"sv);
    a.send_descriptors(passed, "second"sv);
    a.write("third"sv);
    std::array<char, 64> room;
    for (const std::string_view expected : {"first"sv, "second"sv}) {
      const descriptor_message got = b.receive_descriptors(std::span(room));
      EXPECT_EQ(text_of(room, got.size), expected);
      EXPECT_EQ(got.descriptors.size(), 1U);
    }
    const descriptor_message got = b.receive_descriptors(std::span(room));
    EXPECT_EQ(text_of(room, got.size), "third");
    EXPECT_TRUE(got.descriptors.empty());
    a.close();
    std::error_code ec;
    EXPECT_EQ(b.receive_descriptors(std::span(room), ec).size, 0U);
    EXPECT_EQ(ec, io_errc::end_of_file);
  });
}

TEST_F(net_unix_descriptors, as_many_descriptors_go_at_once_as_the_kernel_takes) {
  everywhere([] {
    auto [a, b] = stream_pair();
    std::vector<int> passed(254, a.native_handle());
    std::error_code ec;
    EXPECT_EQ(a.send_descriptors(passed, "too many"sv, ec), 0U);
    EXPECT_EQ(ec, std::errc::invalid_argument);
    passed.pop_back();
    EXPECT_EQ(a.send_descriptors(passed, "x"sv), 1U);
    std::array<char, 64> room;
    EXPECT_EQ(b.receive_descriptors(std::span(room)).descriptors.size(), 253U);
    EXPECT_EQ(a.send_descriptors(passed, ""sv, ec), 0U);
    EXPECT_EQ(ec, std::errc::invalid_argument) << "a stream carries nothing without bytes";
    const std::array<int, 1> none{-1};
    a.send_descriptors(none, "x"sv, ec);
    EXPECT_EQ(ec, std::errc::bad_file_descriptor);
  });
}

/// This process may have no more descriptors than it has.
class no_more_descriptors {
 public:
  no_more_descriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit now = before_;
    const int lowest_free = ::dup(0);
    ::close(lowest_free);
    now.rlim_cur = static_cast<rlim_t>(lowest_free);
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &now), 0);
  }
  no_more_descriptors(const no_more_descriptors&) = delete;
  no_more_descriptors& operator=(const no_more_descriptors&) = delete;
  ~no_more_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(net_unix_descriptors, descriptors_that_do_not_fit_into_the_process_are_told_as_lost) {
  everywhere([] {
    auto [a, b] = stream_pair();
    const std::array<int, 2> passed{a.native_handle(), b.native_handle()};
    a.send_descriptors(passed, "both"sv);
    std::array<char, 64> room;
    descriptor_message got;
    {
      const no_more_descriptors full;
      got = b.receive_descriptors(std::span(room));
    }
    EXPECT_EQ(text_of(room, got.size), "both");
    EXPECT_TRUE(got.lost);
    EXPECT_TRUE(got.descriptors.empty());
  });
}

TEST_F(net_unix_descriptors, a_long_message_with_descriptors_is_written_in_one_piece) {
  everywhere([] {
    constexpr std::size_t piece = 400'000;  // more than a socket holds
    constexpr int writers = 3;
    auto [a, b] = stream_pair();
    const weft::wait_group wg;
    for (int w = 0; w < writers; ++w)
      wg.go([&, &a = a, w] {
        const std::array<int, 1> passed{a.native_handle()};
        const std::string mine(piece, static_cast<char>('a' + w));
        EXPECT_EQ(a.send_descriptors(passed, mine), piece);
      });
    std::string all;
    std::size_t descriptors = 0;
    std::array<char, 8192> room;
    while (all.size() < piece * writers) {
      const descriptor_message got = b.receive_descriptors(std::span(room));
      all.append(room.data(), got.size);
      descriptors += got.descriptors.size();
    }
    wg.wait();
    EXPECT_EQ(descriptors, static_cast<std::size_t>(writers));
    for (std::size_t i = 0; i < all.size(); i += piece)
      ASSERT_EQ(all.substr(i, piece), std::string(piece, all[i]));
  });
}

TEST_F(net_unix_descriptors, a_connection_can_be_handed_over) {
  everywhere([] {
    auto [a, b] = stream_pair();
    weft::net::tcp_listener listener(address::loopback());
    weft::net::tcp_stream client = weft::net::connect_tcp(listener.local_address());
    {
      const weft::net::tcp_stream accepted = listener.accept();
      const std::array<int, 1> passed{accepted.native_handle()};
      a.send_descriptors(passed, "yours"sv);
    }
    std::array<char, 64> room;
    descriptor_message got = b.receive_descriptors(std::span(room));
    ASSERT_EQ(got.descriptors.size(), 1U);
    weft::net::tcp_stream served(got.descriptors[0].release());
    served.write("hello from another"sv);
    EXPECT_EQ(text_of(room, client.read_some(std::span(room))), "hello from another");
  });
}

TEST_F(net_unix_descriptors, datagrams_carry_descriptors_even_without_bytes) {
  everywhere([] {
    auto [a, b] = datagram_pair();
    const std::array<int, 2> passed{a.native_handle(), b.native_handle()};
    a.send_descriptors(passed, ""sv);
    a.send_descriptors(passed, "0123456789"sv);
    std::array<char, 4> room;
    descriptor_message got = b.receive_descriptors(std::span(room));
    EXPECT_EQ(got.full_size, 0U);
    EXPECT_EQ(got.descriptors.size(), 2U);
    got = b.receive_descriptors(std::span(room));
    EXPECT_EQ(text_of(room, got.size), "0123");
    EXPECT_TRUE(got.truncated());
    EXPECT_EQ(got.descriptors.size(), 2U);
    b.set_deadline_after(1ms);
    std::error_code ec;
    b.receive_descriptors(std::span(room), ec);
    EXPECT_EQ(ec, io_errc::timeout);
  });
}

TEST_F(net_unix_descriptors, waiting_for_descriptors_ends_when_it_is_closed) {
  everywhere([] {
    auto [a, b] = stream_pair();
    const weft::wait_group wg;
    wg.go([&b = b] {
      std::array<char, 4> room;
      std::error_code ec;
      b.receive_descriptors(std::span(room), ec);
      EXPECT_EQ(ec, io_errc::closed);
    });
    weft_test::let_others_run();
    b.close();
    wg.wait();
  });
}

}  // namespace
