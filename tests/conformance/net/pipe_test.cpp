// Pipes: bytes in order, an end, deadlines, and no SIGPIPE.
#include <weft/io/pipe.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <weft/io/descriptor.hpp>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using weft::io_errc;
using weft::io::make_pipe;
using weft::io::owned_descriptor;
using weft::io::pipe_ends;
using weft::io::pipe_reader;
using weft::io::pipe_writer;
using weft_test::everywhere;

using io_pipe = weft_test::fixture;

/// Until the end.
std::string read_all(pipe_reader& from) {
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

/// Until there is no room.
std::size_t fill(pipe_writer& to) {
  const std::string block(4096, 'f');
  std::error_code ec;
  std::size_t all = 0;
  pollfd room{to.native_handle(), POLLOUT, 0};
  do {  // a deadline may pass before anything is tried
    to.set_deadline_after(1ms);
    all += to.write_some(block, ec);
  } while (!ec || ::poll(&room, 1, 0) == 1);
  EXPECT_EQ(ec, io_errc::timeout);
  to.clear_deadline();
  return all;
}

TEST_F(io_pipe, bytes_arrive_in_order_and_the_end_is_told) {
  everywhere([] {
    pipe_ends p = make_pipe();
    const std::size_t size = 300'000;  // more than a pipe holds
    const weft::wait_group wg;
    wg.go([&] {
      std::string all;
      for (std::size_t i = 0; i < size; ++i) all.push_back(static_cast<char>('a' + i % 23));
      EXPECT_EQ(p.writer.write(all), size);
      p.writer.close();
    });
    const std::string all = read_all(p.reader);
    wg.wait();
    ASSERT_EQ(all.size(), size);
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(all[i], static_cast<char>('a' + i % 23));
  });
}

TEST_F(io_pipe, buffers_are_gathered_and_scattered) {
  everywhere([] {
    pipe_ends p = make_pipe();
    EXPECT_EQ(p.writer.write_some(std::vector<std::string_view>{"ab", "", "cdef"}), 6U);
    std::array<char, 4> first;
    std::array<char, 4> second;
    EXPECT_EQ(p.reader.read_some(std::array<std::span<char>, 2>{first, second}), 6U);
    EXPECT_EQ(std::string_view(first.data(), 4), "abcd");
    EXPECT_EQ(std::string_view(second.data(), 2), "ef");
  });
}

TEST_F(io_pipe, nothing_to_move_is_no_end_of_file) {
  everywhere([] {
    pipe_ends p = make_pipe();
    std::error_code ec;
    EXPECT_EQ(p.reader.read_some(std::span<char>(), ec), 0U);
    EXPECT_FALSE(ec);
    EXPECT_EQ(p.writer.write_some(""sv, ec), 0U);
    EXPECT_FALSE(ec);
    EXPECT_EQ(p.writer.write(""sv, ec), 0U);
    EXPECT_FALSE(ec);
  });
}

std::atomic<int> pipe_signals{0};

/// Counts SIGPIPE for a scope.
class counting_pipe_signals {
 public:
  counting_pipe_signals() {
    pipe_signals = 0;
    struct sigaction count {};
    count.sa_handler = [](int) { pipe_signals.fetch_add(1); };
    ::sigaction(SIGPIPE, &count, &before_);
  }
  counting_pipe_signals(const counting_pipe_signals&) = delete;
  counting_pipe_signals& operator=(const counting_pipe_signals&) = delete;
  ~counting_pipe_signals() { ::sigaction(SIGPIPE, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

TEST_F(io_pipe, a_broken_pipe_is_an_error_and_never_a_signal) {
  const counting_pipe_signals counting;
  everywhere([] {
    pipe_ends p = make_pipe();
    p.reader.close();
    std::error_code ec;
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(p.writer.write_some("x"sv, ec), 0U);
      EXPECT_EQ(ec, std::errc::broken_pipe);
      EXPECT_EQ(p.writer.write("xyz"sv, ec), 0U);
      EXPECT_EQ(ec, std::errc::broken_pipe);
    }
    EXPECT_THROW(p.writer.write("x"sv), std::system_error);
  });
  EXPECT_EQ(pipe_signals.load(), 0);
  ::raise(SIGPIPE);
  EXPECT_EQ(pipe_signals.load(), 1) << "the program's own signal still comes";
}

TEST_F(io_pipe, a_writer_that_waits_is_told_that_the_reader_has_gone) {
  const counting_pipe_signals counting;
  everywhere([] {
    pipe_ends p = make_pipe();
    const std::size_t room = fill(p.writer);
    const weft::wait_group wg;
    wg.go([&] {
      std::error_code ec;
      EXPECT_EQ(p.writer.write(std::string(room, 'x'), ec), 0U);
      EXPECT_EQ(ec, std::errc::broken_pipe);
    });
    weft_test::let_others_run();
    p.reader.close();
    wg.wait();
  });
  EXPECT_EQ(pipe_signals.load(), 0);
}

TEST_F(io_pipe, deadlines_end_reads_and_writes) {
  everywhere([] {
    pipe_ends p = make_pipe();
    std::array<char, 16> room;
    std::error_code ec;
    p.reader.set_deadline_after(2ms);
    p.reader.read_some(std::span(room), ec);
    EXPECT_EQ(ec, io_errc::timeout);
    p.reader.clear_deadline();
    const std::size_t held = fill(p.writer);
    p.writer.set_deadline_after(2ms);
    EXPECT_EQ(p.writer.write("x"sv, ec), 0U);
    EXPECT_EQ(ec, io_errc::timeout);
    p.writer.set_deadline({});
    std::size_t taken = 0;
    while (taken < held) taken += p.reader.read_some(std::span(room));
    EXPECT_EQ(p.writer.write("more"sv), 4U);
    p.reader.set_deadline(weft::clock::now() - 1s);
    p.reader.read_some(std::span(room), ec);
    EXPECT_EQ(ec, io_errc::timeout) << "though there is something";
  });
}

TEST_F(io_pipe, a_write_that_is_cut_short_tells_how_much_was_written) {
  everywhere([] {
    pipe_ends p = make_pipe();
    std::size_t written = 0;
    const weft::wait_group wg;
    wg.go([&] {
      std::error_code ec;
      written = p.writer.write(std::string(1'000'000, 'x'), ec);
      EXPECT_EQ(ec, io_errc::timeout);
      p.writer.close();
    });
    std::array<char, 1> first{};
    EXPECT_EQ(p.reader.read_some(std::span(first)), 1U);
    p.writer.set_deadline(weft::clock::now());
    wg.wait();
    EXPECT_GT(written, 0U);
    EXPECT_EQ(1 + read_all(p.reader).size(), written);
  });
}

TEST_F(io_pipe, a_deadline_that_another_sets_ends_a_wait) {
  everywhere([] {
    pipe_ends p = make_pipe();
    const weft::wait_group wg;
    wg.go([&] {
      std::array<char, 16> room;
      std::error_code ec;
      p.reader.read_some(std::span(room), ec);
      EXPECT_EQ(ec, io_errc::timeout);
    });
    weft_test::let_others_run();
    p.reader.set_deadline(weft::clock::now());
    wg.wait();
  });
}

TEST_F(io_pipe, close_ends_everybody_who_waits) {
  everywhere([] {
    pipe_ends p = make_pipe();
    fill(p.writer);
    pipe_ends idle = make_pipe();
    const weft::wait_group wg;
    for (int i = 0; i < 3; ++i) {
      wg.go([&] {
        std::array<char, 16> room;
        std::error_code ec;
        idle.reader.read_some(std::span(room), ec);
        EXPECT_EQ(ec, io_errc::closed);
      });
      wg.go([&] {
        std::error_code ec;
        p.writer.write("x"sv, ec);
        EXPECT_EQ(ec, io_errc::closed);
      });
    }
    weft_test::let_others_run();
    idle.reader.close();
    p.writer.close();
    wg.wait();
    EXPECT_FALSE(idle.reader.is_open());
    std::error_code ec;
    idle.reader.close(ec);
    EXPECT_EQ(ec, io_errc::closed);
  });
}

TEST_F(io_pipe, one_that_is_not_open_says_closed) {
  pipe_reader reader;
  pipe_writer writer;
  std::array<char, 16> room;
  std::error_code ec;
  reader.read_some(std::span(room), ec);
  EXPECT_EQ(ec, io_errc::closed);
  writer.write("x"sv, ec);
  EXPECT_EQ(ec, io_errc::closed);
  writer.write_some("x"sv, ec);
  EXPECT_EQ(ec, io_errc::closed);
}

TEST_F(io_pipe, one_that_was_closed_says_so_even_if_nothing_is_asked_for) {
  auto [reader, writer] = weft::io::make_pipe();
  std::error_code ec;
  EXPECT_EQ(reader.read_some(std::span<char>(), ec), 0U);
  EXPECT_FALSE(ec);
  reader.close();
  writer.close();
  reader.read_some(std::span<char>(), ec);
  EXPECT_EQ(ec, io_errc::closed);
  writer.write(""sv, ec);
  EXPECT_EQ(ec, io_errc::closed);
  writer.write_some(""sv, ec);
  EXPECT_EQ(ec, io_errc::closed);
}

TEST_F(io_pipe, writes_do_not_mix) {
  everywhere([] {
    constexpr std::size_t piece = 10'000;  // more than the kernel keeps together
    constexpr int writers = 4;
    const int each = weft_test::scaled(20);
    pipe_ends p = make_pipe();
    const weft::wait_group writing;
    for (int w = 0; w < writers; ++w)
      writing.go([&, w] {
        const std::string mine(piece, static_cast<char>('a' + w));
        for (int i = 0; i < each; ++i) EXPECT_EQ(p.writer.write(mine), piece);
      });
    const weft::wait_group reading;
    reading.go([&] {
      const std::string all = read_all(p.reader);
      EXPECT_EQ(all.size(), piece * writers * static_cast<std::size_t>(each));
      for (std::size_t at = 0; at + piece <= all.size(); at += piece)
        ASSERT_EQ(all.substr(at, piece), std::string(piece, all[at])) << "at " << at;
    });
    writing.wait();
    p.writer.close();
    reading.wait();
  });
}

TEST_F(io_pipe, each_byte_goes_to_one_of_many_readers) {
  everywhere([] {
    const std::size_t size = 200'000;
    pipe_ends p = make_pipe();
    std::atomic<std::size_t> count{0};
    std::atomic<std::size_t> sum{0};
    const weft::wait_group wg;
    for (int i = 0; i < 4; ++i)
      wg.go([&] {
        for (const char c : read_all(p.reader)) {
          count.fetch_add(1);
          sum.fetch_add(static_cast<unsigned char>(c));
        }
      });
    std::string all;
    std::size_t expected = 0;
    for (std::size_t i = 0; i < size; ++i) {
      all.push_back(static_cast<char>(i % 101));
      expected += i % 101;
    }
    p.writer.write(all);
    p.writer.close();
    wg.wait();
    EXPECT_EQ(count.load(), size);
    EXPECT_EQ(sum.load(), expected);
  });
}

TEST_F(io_pipe, both_ends_are_closed_on_exec) {
  const pipe_ends p = make_pipe();
  EXPECT_EQ(::fcntl(p.reader.native_handle(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(::fcntl(p.writer.native_handle(), F_GETFD), FD_CLOEXEC);
}

/// Blocking, as a parent would hand them on.
std::array<owned_descriptor, 2> blocking_pipe() {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  return {owned_descriptor(ends[0]), owned_descriptor(ends[1])};
}

bool is_blocking(int fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0; }

TEST_F(io_pipe, a_descriptor_made_elsewhere_is_taken_over) {
  everywhere([] {
    auto raw = blocking_pipe();
    pipe_reader reader(raw[0].release());
    pipe_writer writer(raw[1].release());
    EXPECT_FALSE(is_blocking(reader.native_handle()));
    reader.set_deadline_after(1ms);
    std::array<char, 16> room;
    std::error_code ec;
    reader.read_some(std::span(room), ec);
    EXPECT_EQ(ec, io_errc::timeout) << "it does not block the thread";
    reader.clear_deadline();
    writer.write("taken"sv);
    EXPECT_EQ(reader.read_some(std::span(room)), 5U);
  });
}

TEST_F(io_pipe, what_is_opened_again_stays_blocking_for_the_others) {
  everywhere([] {
    auto raw = blocking_pipe();
    {
      pipe_reader reader = pipe_reader::open_again(raw[0].get());
      pipe_writer writer = pipe_writer::open_again(raw[1].get());
      EXPECT_NE(reader.native_handle(), raw[0].get());
      EXPECT_TRUE(is_blocking(raw[0].get()));
      EXPECT_TRUE(is_blocking(raw[1].get()));
      EXPECT_EQ(::fcntl(reader.native_handle(), F_GETFD), FD_CLOEXEC);
      writer.write("to all"sv);
      std::array<char, 16> room;
      EXPECT_EQ(reader.read_some(std::span(room)), 6U);
      EXPECT_EQ(::write(raw[1].get(), "!", 1), 1);
      EXPECT_EQ(reader.read_some(std::span(room)), 1U);
      raw[1].reset();
      writer.close();
      EXPECT_EQ(read_all(reader), "");
    }
    EXPECT_NE(::fcntl(raw[0].get(), F_GETFD), -1) << "the other one is still open";
  });
}

TEST_F(io_pipe, a_socket_serves_as_a_pipe) {
  const counting_pipe_signals counting;
  everywhere([] {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const owned_descriptor others(ends[0]);
    pipe_writer writer = pipe_writer::open_again(others.get());
    pipe_reader reader(ends[1]);
    EXPECT_EQ(writer.write("socket"sv), 6U);
    std::array<char, 16> room;
    EXPECT_EQ(reader.read_some(std::span(room)), 6U);
    reader.close();
    std::error_code ec;
    writer.write("x"sv, ec);
    EXPECT_EQ(ec, std::errc::broken_pipe);
  });
  EXPECT_EQ(pipe_signals.load(), 0);
}

TEST_F(io_pipe, what_cannot_be_waited_for_is_refused) {
  std::error_code ec;
  const owned_descriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(file);
  EXPECT_FALSE(pipe_reader::open_again(file.get(), ec).is_open());
  EXPECT_EQ(ec, std::errc::operation_not_permitted);
  EXPECT_THROW(pipe_reader(::dup(file.get())), std::system_error);
  EXPECT_FALSE(pipe_reader::open_again(-1, ec).is_open());
  EXPECT_EQ(ec, std::errc::bad_file_descriptor);
  EXPECT_THROW(pipe_writer::open_again(-1), std::system_error);
}

/// `cat` between two pipes. Returns: its process.
pid_t start_cat(int input, int output) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  char name[] = "cat";
  char* const arguments[] = {name, nullptr};
  char* const environment[] = {nullptr};
  pid_t child = -1;
  EXPECT_EQ(::posix_spawn(&child, "/bin/cat", &actions, nullptr, arguments, environment), 0);
  ::posix_spawn_file_actions_destroy(&actions);
  return child;
}

TEST_F(io_pipe, a_childs_input_and_output_are_pipes) {
  everywhere([] {
    auto to = blocking_pipe();
    auto from = blocking_pipe();
    const pid_t child = start_cat(to[0].get(), from[1].get());
    to[0].reset();
    from[1].reset();
    pipe_writer input(to[1].release());
    pipe_reader output(from[0].release());
    const std::string sent(200'000, 'c');
    const weft::wait_group wg;
    wg.go([&] {
      input.write(sent);
      input.close();
    });
    EXPECT_EQ(read_all(output), sent);
    wg.wait();
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  });
}

TEST_F(io_pipe, an_owned_descriptor_is_closed_once) {
  const auto is_open = [](int fd) { return ::fcntl(fd, F_GETFD) != -1; };
  owned_descriptor first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int fd = first.get();
  ASSERT_TRUE(first);
  owned_descriptor second = std::move(first);
  EXPECT_EQ(second.get(), fd);
  EXPECT_FALSE(first);
  owned_descriptor third;
  third = std::move(second);
  EXPECT_TRUE(is_open(fd));
  const int released = third.release();
  third.reset();
  EXPECT_TRUE(is_open(fd));
  third.reset(released);
  third.reset();
  EXPECT_FALSE(is_open(fd));
  EXPECT_EQ(third.get(), -1);
}

}  // namespace
