// Unix sockets: paths and names, streams and messages.
#include <weft/net/unix.hpp>

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using weft::io_errc;
using weft::net::address;
using weft::net::connect_unix;
using weft::net::datagram;
using weft::net::datagram_pair;
using weft::net::stream_pair;
using weft::net::unix_datagram;
using weft::net::unix_listener;
using weft::net::unix_stream;
using weft_test::everywhere;

using net_unix = weft_test::fixture;

/// A folder of its own, which goes away with what is in it.
class scratch_folder {
 public:
  scratch_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "weft-unix-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::system_error(errno, std::generic_category());
    path_ = name;
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

address at(const std::filesystem::path& path) { return address::unix_path(path.string()); }

template <std::size_t N>
std::string_view text_of(const std::array<char, N>& room, std::size_t size) {
  return {room.data(), size};
}

std::string read_all(unix_stream& from) {
  std::string all;
  std::array<char, 8192> room;
  std::error_code ec;
  for (;;) {
    const std::size_t count = from.read_some(std::span(room), ec);
    if (ec) break;
    all.append(room.data(), count);
  }
  EXPECT_EQ(ec, io_errc::end_of_file) << ec.message();
  return all;
}

TEST_F(net_unix, a_pair_of_streams_is_connected) {
  everywhere([] {
    auto [a, b] = stream_pair();
    const std::string sent(500'000, 's');
    const weft::wait_group wg;
    wg.go([&a = a, &sent] {
      EXPECT_EQ(a.write(sent), sent.size());
      a.close_write();
      EXPECT_EQ(read_all(a), "thanks");
    });
    EXPECT_EQ(read_all(b), sent);
    b.write("thanks"sv);
    b.close();
    wg.wait();
    std::error_code ec;
    a.close();
    a.write("x"sv, ec);
    EXPECT_EQ(ec, io_errc::closed);
  });
}

TEST_F(net_unix, a_stream_without_its_peer_is_broken_and_raises_no_signal) {
  everywhere([] {
    auto [a, b] = stream_pair();
    b.close();
    std::error_code ec;
    for (int i = 0; i < 5; ++i) {
      a.write("x"sv, ec);
      EXPECT_EQ(ec, std::errc::broken_pipe);
      const std::array<int, 1> mine{a.native_handle()};
      a.send_descriptors(mine, "x"sv, ec);
      EXPECT_EQ(ec, std::errc::broken_pipe);
    }
  });
}

void serve_one(unix_listener& listener) {
  unix_stream taken = listener.accept();
  std::array<char, 64> room;
  const std::size_t count = taken.read_some(std::span(room));
  taken.write(text_of(room, count));
}

TEST_F(net_unix, a_listener_takes_connections_at_a_path_and_removes_it) {
  everywhere([] {
    const scratch_folder folder;
    const auto path = folder / "socket";
    unix_listener listener(at(path));
    EXPECT_TRUE(std::filesystem::is_socket(path));
    EXPECT_EQ(listener.local_address(), at(path));
    const weft::wait_group wg;
    wg.go([&] { serve_one(listener); });
    unix_stream client = connect_unix(at(path));
    EXPECT_EQ(client.remote_address(), at(path));
    client.write("hello"sv);
    std::array<char, 64> room;
    EXPECT_EQ(text_of(room, client.read_some(std::span(room))), "hello");
    wg.wait();
    listener.close();
    EXPECT_FALSE(std::filesystem::exists(path));
    std::error_code ec;
    listener.close(ec);
    EXPECT_EQ(ec, io_errc::closed);
    connect_unix(at(path), {}, ec);
    EXPECT_EQ(ec, std::errc::no_such_file_or_directory);
  });
}

TEST_F(net_unix, a_path_goes_with_its_last_owner) {
  const scratch_folder folder;
  const auto path = folder / "socket";
  {
    unix_listener first(at(path));
    unix_listener second = std::move(first);
    first = unix_listener();
    EXPECT_TRUE(std::filesystem::exists(path));
    EXPECT_TRUE(second.is_open());
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(net_unix, a_path_may_stay_and_is_in_use_then) {
  const scratch_folder folder;
  const auto path = folder / "socket";
  unix_listener(at(path), {.remove_on_close = false}).close();
  EXPECT_TRUE(std::filesystem::is_socket(path));
  std::error_code ec;
  connect_unix(at(path), {}, ec);
  EXPECT_EQ(ec, std::errc::connection_refused);
  const unix_listener refused(at(path), {}, ec);
  EXPECT_EQ(ec, std::errc::address_in_use);
  EXPECT_FALSE(refused.is_open());
  EXPECT_THROW(unix_listener{at(path)}, std::system_error);
  EXPECT_TRUE(std::filesystem::is_socket(path)) << "who was refused removes nothing";
}

TEST_F(net_unix, what_another_has_put_at_the_path_stays) {
  const scratch_folder folder;
  const auto path = folder / "socket";
  unix_listener first(at(path));
  std::filesystem::remove(path);
  unix_listener second(at(path));
  first.close();
  EXPECT_TRUE(std::filesystem::is_socket(path));
  second.close();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(net_unix, an_abstract_name_is_no_file_and_free_again_after_close) {
  everywhere([] {
    const address name = address::unix_path("@weft-test-abstract-" + std::to_string(::getpid()));
    for (int i = 0; i < 2; ++i) {
      unix_listener listener(name);
      EXPECT_EQ(listener.local_address(), name) << listener.local_address().to_string();
      std::error_code ec;
      const unix_listener refused(name, {}, ec);
      EXPECT_EQ(ec, std::errc::address_in_use);
      const weft::wait_group wg;
      wg.go([&] { serve_one(listener); });
      unix_stream client = connect_unix(name);
      client.write("abstract"sv);
      std::array<char, 64> room;
      EXPECT_EQ(text_of(room, client.read_some(std::span(room))), "abstract");
      wg.wait();
      listener.close();
      connect_unix(name, {}, ec);
      EXPECT_EQ(ec, std::errc::connection_refused);
    }
  });
}

TEST_F(net_unix, addresses_of_ip_are_refused) {
  std::error_code ec;
  EXPECT_FALSE(connect_unix(address::loopback(1), {}, ec).is_open());
  EXPECT_EQ(ec, std::errc::address_family_not_supported);
  const unix_listener listener(address::loopback(), {}, ec);
  EXPECT_EQ(ec, std::errc::address_family_not_supported);
  const unix_datagram socket(address::loopback(), {}, ec);
  EXPECT_EQ(ec, std::errc::address_family_not_supported);
  EXPECT_THROW(connect_unix(address()), std::system_error);
}

TEST_F(net_unix, accept_ends_at_its_deadline_and_when_it_is_closed) {
  everywhere([] {
    const scratch_folder folder;
    unix_listener listener(at(folder / "socket"));
    std::error_code ec;
    listener.set_deadline_after(2ms);
    EXPECT_FALSE(listener.accept(ec).is_open());
    EXPECT_EQ(ec, io_errc::timeout);
    listener.clear_deadline();
    const weft::wait_group wg;
    for (int i = 0; i < 3; ++i)
      wg.go([&] {
        std::error_code end;
        listener.accept(end);
        EXPECT_EQ(end, io_errc::closed);
      });
    weft_test::let_others_run();
    listener.close();
    wg.wait();
  });
}

weft::net::connect_options within(std::chrono::milliseconds timeout) {
  weft::net::connect_options options;
  options.timeout = timeout;
  return options;
}

/// Connects until nothing more is let in.
std::vector<unix_stream> fill(const address& to) {
  std::vector<unix_stream> inside;
  std::error_code ec;
  for (;;) {
    unix_stream one = connect_unix(to, within(3ms), ec);
    if (ec) break;
    inside.push_back(std::move(one));
  }
  EXPECT_EQ(ec, io_errc::timeout) << ec.message();
  return inside;
}

TEST_F(net_unix, a_connection_to_a_full_listener_waits_until_there_is_room) {
  everywhere([] {
    const scratch_folder folder;
    unix_listener listener(at(folder / "socket"), {.backlog = 1});
    std::vector<unix_stream> inside = fill(listener.local_address());
    EXPECT_GE(inside.size(), 1U);
    std::error_code ec;
    connect_unix(listener.local_address(), within(0ms), ec);
    EXPECT_EQ(ec, std::errc::timed_out);
    const weft::wait_group wg;
    wg.go([&] { EXPECT_TRUE(connect_unix(listener.local_address()).is_open()); });
    weft_test::let_others_run();
    for (std::size_t i = 0; i <= inside.size(); ++i) EXPECT_TRUE(listener.accept().is_open());
    wg.wait();
  });
}

TEST_F(net_unix, a_connection_that_waits_can_be_cancelled) {
  everywhere([] {
    const scratch_folder folder;
    unix_listener listener(at(folder / "socket"), {.backlog = 1});
    const std::vector<unix_stream> inside = fill(listener.local_address());
    std::stop_source source;
    const weft::wait_group wg;
    wg.go([&] {
      std::error_code ec;
      connect_unix(source.get_token(), listener.local_address(), {}, ec);
      EXPECT_EQ(ec, std::errc::operation_canceled);
    });
    weft_test::let_others_run();
    source.request_stop();
    wg.wait();
    std::error_code ec;
    connect_unix(source.get_token(), at(folder / "nowhere"), {}, ec);
    EXPECT_EQ(ec, std::errc::operation_canceled) << "before it begins";
    EXPECT_THROW(connect_unix(source.get_token(), at(folder / "nowhere")), std::system_error);
  });
}

TEST_F(net_unix, datagrams_keep_their_bounds_and_tell_their_sender) {
  everywhere([] {
    const scratch_folder folder;
    unix_datagram a(at(folder / "a"));
    unix_datagram b(at(folder / "b"));
    a.send_to("one"sv, at(folder / "b"));
    a.send_to(""sv, at(folder / "b"));
    a.send_to("0123456789"sv, at(folder / "b"));
    std::array<char, 4> room;
    datagram got = b.receive_from(std::span(room));
    EXPECT_EQ(text_of(room, got.size), "one");
    EXPECT_EQ(got.from, at(folder / "a"));
    got = b.receive_from(std::span(room));
    EXPECT_EQ(got.full_size, 0U);
    got = b.receive_from(std::span(room));
    EXPECT_EQ(text_of(room, got.size), "0123");
    EXPECT_EQ(got.full_size, 10U);
    EXPECT_TRUE(got.truncated());
    a.close();
    EXPECT_FALSE(std::filesystem::exists(folder / "a"));
    std::error_code ec;
    b.send_to("x"sv, at(folder / "a"), ec);
    EXPECT_EQ(ec, std::errc::no_such_file_or_directory);
  });
}

TEST_F(net_unix, one_with_a_made_up_name_can_be_answered) {
  everywhere([] {
    const scratch_folder folder;
    unix_datagram server(at(folder / "server"));
    unix_datagram client{address()};
    EXPECT_EQ(client.local_address().host().front(), '@');
    client.connect(at(folder / "server"));
    client.send("ask"sv);
    std::array<char, 16> room;
    const datagram got = server.receive_from(std::span(room));
    EXPECT_EQ(got.from, client.local_address());
    server.send_to("answer"sv, got.from);
    EXPECT_EQ(text_of(room, client.receive(std::span(room)).size), "answer");
    auto [nameless, other] = datagram_pair();
    nameless.send("who?"sv);
    EXPECT_EQ(other.receive_from(std::span(room)).from.host(), "");
  });
}

/// All of them, in order, though the receiver's queue holds a few only.
void expect_count_of(unix_datagram& from, int count) {
  std::array<char, 16> room;
  for (int i = 0; i < count; ++i)
    ASSERT_EQ(text_of(room, from.receive(std::span(room)).size), std::to_string(i));
}

TEST_F(net_unix, a_sender_of_datagrams_waits_for_a_slow_receiver) {
  everywhere([] {
    const scratch_folder folder;
    unix_datagram receiver(at(folder / "receiver"));
    unix_datagram connected{address()};
    connected.connect(at(folder / "receiver"));
    unix_datagram unconnected{address()};
    auto [one, other] = datagram_pair();
    const int connected_count = weft_test::scaled(1000);
    const int asking_count = 50;  // it asks every few milliseconds
    const weft::wait_group wg;
    wg.go([&] {
      for (int i = 0; i < connected_count; ++i) connected.send(std::to_string(i));
    });
    weft_test::let_others_run();
    expect_count_of(receiver, connected_count);
    wg.wait();
    wg.go([&] {
      for (int i = 0; i < asking_count; ++i)
        unconnected.send_to(std::to_string(i), at(folder / "receiver"));
    });
    weft_test::let_others_run();
    expect_count_of(receiver, asking_count);
    wg.wait();
    wg.go([&, &one = one] {
      for (int i = 0; i < connected_count; ++i) one.send(std::to_string(i));
    });
    weft_test::let_others_run();
    expect_count_of(other, connected_count);
    wg.wait();
  });
}

TEST_F(net_unix, a_sender_that_waits_ends_by_deadline_and_close) {
  everywhere([] {
    const scratch_folder folder;
    const unix_datagram receiver(at(folder / "receiver"));
    for (const bool connected : {true, false}) {
      unix_datagram sender{address()};
      if (connected) sender.connect(at(folder / "receiver"));
      const auto send = [&](std::error_code& ec) {
        if (connected)
          sender.send("x"sv, ec);
        else
          sender.send_to("x"sv, at(folder / "receiver"), ec);
      };
      sender.set_deadline_after(5ms);
      std::error_code ec;
      while (!ec) send(ec);
      EXPECT_EQ(ec, io_errc::timeout);
      sender.clear_deadline();
      const weft::wait_group wg;
      wg.go([&] {
        std::error_code end;
        send(end);
        EXPECT_EQ(end, io_errc::closed);
      });
      weft_test::let_others_run();
      sender.close();
      wg.wait();
    }
  });
}

TEST_F(net_unix, the_kernel_knows_the_peer) {
  const auto pair = stream_pair();
  const unix_stream::identity peer = pair.first.peer();
  EXPECT_EQ(peer.process_id, ::getpid());
  EXPECT_EQ(peer.user_id, ::getuid());
  EXPECT_EQ(peer.group_id, ::getgid());
  std::error_code ec;
  EXPECT_EQ(unix_stream().peer(ec).process_id, 0);
  EXPECT_EQ(ec, io_errc::closed);
}

}  // namespace
