// What the guide shows of readers, copies and files.
#include <string>
#include <vector>

#include <weft/io/copy.hpp>
#include <weft/io/file.hpp>
#include <weft/io/reader.hpp>
#include <weft/io/writer.hpp>
#include <weft/net/send_file.hpp>
#include <weft/net/tcp.hpp>

#include "scripted_stream.hpp"
#include "weft_test.hpp"

namespace {

using io_guide = weft_test::fixture;

// A word for each line, until the client sends no more.
void answer(weft::net::tcp_stream client) {
  weft::io::buffered_writer out(client);
  for (std::string_view line : weft::io::lines(client, 1024))
    out.write(std::to_string(line.size()) + '\n');
  out.flush();
}

// What one side says, the other hears, until both have said everything.
void join(weft::net::tcp_stream& one, weft::net::tcp_stream& other) {
  weft::wait_group wg;
  wg.go([&] {
    weft::io::copy(one, other);
    other.close_write();
  });
  weft::io::copy(other, one);
  one.close_write();
  wg.wait();
}

// A length, and so many bytes of a file.
void download(weft::net::tcp_stream& client, const std::string& path) {
  auto file = weft::io::file::open(path);
  const auto size = file.size();
  client.write(std::to_string(size) + '\n');
  weft::net::send_file(client, file, 0, size);
}

// Whatever is there already stays.
void note(const std::string& path, std::string_view text) {
  using weft::io::open_mode;
  auto journal = weft::io::file::open(path, open_mode::append | open_mode::create);
  journal.write(text);
  journal.sync_data();  // returns when it is on the disk; others go on meanwhile
}

TEST_F(io_guide, does_what_it_says) {
  weft_test::everywhere([] {
    const weft_test::scratch_folder folder;
    note(folder / "journal", "one\n");
    note(folder / "journal", "three\n");

    weft::net::tcp_listener listener(weft::net::address::loopback());
    const auto connect = [&] {
      auto client = weft::net::connect_tcp(listener.local_address());
      return std::pair(std::move(client), listener.accept());
    };
    auto [client, proxy_front] = connect();
    auto [proxy_back, server] = connect();
    const weft::wait_group wg;
    wg.go([s = std::move(server)]() mutable { answer(std::move(s)); });
    wg.go([&front = proxy_front, &back = proxy_back] { join(front, back); });
    client.write(std::string_view("one\nthree\n"));
    client.close_write();
    EXPECT_EQ(weft::io::read_all(client, 100), "3\n5\n");
    wg.wait();

    auto [reader, sender] = connect();
    download(sender, folder / "journal");
    sender.close_write();
    EXPECT_EQ(weft::io::read_all(reader, 100), "10\none\nthree\n");
  });
}

}  // namespace
