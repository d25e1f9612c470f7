// Waiting for descriptors that are not weft's own: pipes, sockets, eventfds, terminals.
#include <weft/io/wait.hpp>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <thread>
#include <vector>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::everywhere;

using io_wait = weft_test::fixture;

/// Two connected descriptors, non-blocking.
class both_ends {
 public:
  both_ends() {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_.data()) != 0)
      throw std::system_error(errno, std::generic_category());
  }
  both_ends(const both_ends&) = delete;
  both_ends& operator=(const both_ends&) = delete;
  ~both_ends() {
    close_one(0);
    close_one(1);
  }
  int operator[](std::size_t i) const { return ends_[i]; }
  void close_one(std::size_t i) {
    if (ends_[i] >= 0) ::close(ends_[i]);
    ends_[i] = -1;
  }
  void write(std::size_t i, char byte) const { EXPECT_EQ(::write(ends_[i], &byte, 1), 1); }
  char read(std::size_t i) const {
    char byte = 0;
    EXPECT_EQ(::read(ends_[i], &byte, 1), 1);
    return byte;
  }
  /// Until there is no room.
  void fill(std::size_t i) const {
    const std::array<char, 4096> block{};
    while (::write(ends_[i], block.data(), block.size()) > 0) {
    }
  }
  void drain(std::size_t i) const {
    std::array<char, 4096> block;
    while (::read(ends_[i], block.data(), block.size()) > 0) {
    }
  }

 private:
  std::array<int, 2> ends_;
};

TEST_F(io_wait, ends_when_there_is_something_to_read) {
  everywhere([] {
    const both_ends pair;
    const weft::wait_group wg;
    wg.go([&] {
      for (char c = 'a'; c < 'k'; ++c) {
        weft::wait_readable(pair[0]);
        EXPECT_EQ(pair.read(0), c);
        pair.write(0, c);
      }
    });
    for (char c = 'a'; c < 'k'; ++c) {
      pair.write(1, c);
      weft::wait_readable(pair[1]);
      EXPECT_EQ(pair.read(1), c);
    }
    wg.wait();
  });
}

TEST_F(io_wait, is_over_at_once_if_it_is_ready_already) {
  everywhere([] {
    const both_ends pair;
    weft::wait_writable(pair[0]);
    EXPECT_TRUE(weft::wait_writable_for(pair[0], 0s));
    EXPECT_FALSE(weft::wait_readable_for(pair[0], 0s));
    pair.write(1, 'x');
    EXPECT_TRUE(weft::wait_readable_for(pair[0], 0s));
    EXPECT_TRUE(weft::wait_readable_until(pair[0], weft::clock::now() - 1s));
    weft::wait_readable(pair[0]);
    weft::wait_readable(pair[0]);
  });
}

TEST_F(io_wait, for_room_ends_when_the_other_side_reads) {
  everywhere([] {
    const both_ends pair;
    pair.fill(0);
    EXPECT_FALSE(weft::wait_writable_for(pair[0], 1ms));
    const weft::wait_group wg;
    wg.go([&] { weft::wait_writable(pair[0]); });
    weft_test::let_others_run();
    pair.drain(1);
    wg.wait();
  });
}

TEST_F(io_wait, for_reading_and_for_writing_at_the_same_time) {
  everywhere([] {
    const both_ends pair;
    pair.fill(0);
    weft::detail::atomic<int> read{0}, written{0};
    const weft::wait_group wg;
    for (int i = 0; i < 3; ++i) {
      wg.go([&] {
        weft::wait_readable(pair[0]);
        ++read;
      });
      wg.go([&] {
        weft::wait_writable(pair[0]);
        ++written;
      });
    }
    weft_test::let_others_run();
    EXPECT_EQ(read.load() + written.load(), 0);
    pair.write(1, 'x');
    EXPECT_TRUE(weft_test::eventually([&] { return read.load() == 3; }));
    EXPECT_EQ(written.load(), 0);
    pair.drain(1);
    wg.wait();
    EXPECT_EQ(written.load(), 3);
  });
}

TEST_F(io_wait, ends_by_its_deadline_and_by_cancellation) {
  everywhere([] {
    const both_ends pair;
    EXPECT_FALSE(weft::wait_readable_for(pair[0], 2ms));
    const auto [ctx, cancel] = weft::with_cancel(weft::background());
    const weft::wait_group wg;
    wg.go([&, ctx = ctx] { EXPECT_FALSE(weft::wait_readable(ctx, pair[0])); });
    weft_test::let_others_run();
    cancel();
    wg.wait();
    pair.write(1, 'x');
    EXPECT_FALSE(weft::wait_readable(ctx, pair[0]));  // cancelled before: it does nothing
    EXPECT_TRUE(weft::wait_readable(weft::background(), pair[0]));
  });
}

TEST_F(io_wait, ends_when_the_other_end_is_closed) {
  everywhere([] {
    both_ends pair;
    const weft::wait_group wg;
    wg.go([&] {
      weft::wait_readable(pair[0]);
      char byte = 0;
      EXPECT_EQ(::read(pair[0], &byte, 1), 0);
    });
    weft_test::let_others_run();
    pair.close_one(1);
    wg.wait();
  });
}

TEST_F(io_wait, works_with_a_number_that_was_another_descriptor) {
  everywhere([] {
    for (int round = 0; round < 50; ++round) {
      both_ends pair;
      EXPECT_FALSE(weft::wait_readable_for(pair[0], round % 2 == 0 ? 0us : 10us));
      const weft::wait_group wg;
      wg.go([&] { weft::wait_readable(pair[0]); });
      pair.write(1, 'x');
      wg.wait();
    }
  });
}

TEST_F(io_wait, refuses_what_cannot_be_waited_for) {
  everywhere([] {
    const auto error_of = [](int fd) {
      try {
        weft::wait_readable(fd);
      } catch (const std::system_error& e) {
        return e.code().value();
      }
      return 0;
    };
    EXPECT_EQ(error_of(-1), EBADF);
    const int closed = ::eventfd(0, EFD_CLOEXEC);
    ::close(closed);
    EXPECT_EQ(error_of(closed), EBADF);
    const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    EXPECT_EQ(error_of(file), EPERM);
    ::close(file);
  });
}

TEST_F(io_wait, gets_its_turn_beside_goroutines_that_never_wait_for_long) {
  for (const int procs : {1, 2}) {
    weft_test::procs_scope scope(procs);
    const both_ends pair;
    weft::detail::atomic<bool> stop{false};
    const weft::wait_group wg;
    for (int i = 0; i < 4; ++i)
      wg.go([&] {
        while (!stop.load()) weft::yield();
      });
    wg.go([&] {
      for (int i = 0; i < 20; ++i) {
        weft::wait_readable(pair[0]);
        pair.read(0);
        pair.write(0, 'x');
      }
      stop.store(true);
    });
    std::thread other([&] {
      for (int i = 0; i < 20; ++i) {
        pair.write(1, 'x');
        weft::wait_readable(pair[1]);
        pair.read(1);
      }
    });
    other.join();
    wg.wait();
  }
}

TEST_F(io_wait, gets_its_turn_beside_a_loop_that_never_calls_weft) {
  weft_test::procs_scope one(1);
  const both_ends pair;
  weft::detail::atomic<bool> done{false};
  const weft::wait_group wg;
  wg.go([&] {
    weft::wait_readable(pair[0]);
    done.store(true);
  });
  weft_test::let_others_run();
  wg.go([&] {
    pair.write(1, 'x');
    while (!done.load()) {
    }
  });
  wg.wait();
}

TEST_F(io_wait, of_many_at_once) {
  everywhere([] {
    constexpr std::size_t count = 200;
    std::vector<both_ends> pairs(count);
    const weft::wait_group wg;
    for (const both_ends& pair : pairs)
      wg.go([&pair] {
        for (int i = 0; i < 20; ++i) {
          weft::wait_readable(pair[0]);
          pair.write(0, pair.read(0));
        }
      });
    for (const both_ends& pair : pairs)
      wg.go([&pair] {
        for (char i = 0; i < 20; ++i) {
          pair.write(1, i);
          weft::wait_readable(pair[1]);
          EXPECT_EQ(pair.read(1), i);
        }
      });
    wg.wait();
  });
}

}  // namespace
