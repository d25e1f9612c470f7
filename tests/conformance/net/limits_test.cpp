// What the system runs out of: descriptors, and patience with very many
// connections. A program of its own, since it changes how many descriptors it
// may have.
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>

#include "connected.hpp"

extern char** environ;

namespace {

using namespace std::chrono_literals;
using namespace weft_test;
using weft::io_errc;
using weft::net::address;
using weft::net::connect_tcp;
using weft::net::tcp_listener;
using weft::net::tcp_stream;

using limits = weft_test::fixture;

/// How many descriptors there may be, for a scope.
class descriptors_scope {
 public:
  explicit descriptors_scope(rlim_t count) {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    rlimit now = before_;
    now.rlim_cur = std::min(count, before_.rlim_max);
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &now), 0);
    count_ = now.rlim_cur;
  }
  descriptors_scope(const descriptors_scope&) = delete;
  descriptors_scope& operator=(const descriptors_scope&) = delete;
  ~descriptors_scope() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  rlim_t count() const { return count_; }

 private:
  rlimit before_{};
  rlim_t count_ = 0;
};

/// Takes every descriptor that is left.
class hoard {
 public:
  hoard() {
    for (;;) {
      const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      if (fd < 0) break;
      taken_.push_back(fd);
    }
    EXPECT_EQ(errno, EMFILE);
  }
  hoard(const hoard&) = delete;
  hoard& operator=(const hoard&) = delete;
  ~hoard() { give_back(taken_.size()); }
  void give_back(std::size_t count) {
    for (; count > 0; --count) {
      ::close(taken_.back());
      taken_.pop_back();
    }
  }

 private:
  std::vector<int> taken_;
};

TEST_F(limits, accept_waits_for_descriptors_to_come_back) {
  everywhere([] {
    const descriptors_scope few(100);
    tcp_listener listener(address::loopback());
    tcp_stream first = connect_tcp(listener.local_address());
    tcp_stream second = connect_tcp(listener.local_address());
    hoard all;
    weft::detail::atomic<int> accepted{0};
    const weft::wait_group wg;
    wg.go([&] {
      for (int i = 0; i < 2; ++i) {
        std::error_code ec;
        tcp_stream s = listener.accept(ec);
        EXPECT_FALSE(ec) << ec.message();
        ++accepted;
        s.write(std::string_view("at last"));
      }
    });
    let_others_run();
    EXPECT_EQ(accepted.load(), 0);
    all.give_back(1);
    EXPECT_EQ(read_exactly(first, 7), "at last");
    EXPECT_EQ(read_exactly(second, 7),
              "at last");  // with the number of the first
    wg.wait();
  });
}

TEST_F(limits, close_and_deadline_end_an_accept_that_waits_for_descriptors) {
  everywhere([] {
    const descriptors_scope few(100);
    tcp_listener listener(address::loopback());
    const tcp_stream waiting = connect_tcp(listener.local_address());
    const hoard all;
    listener.set_deadline_after(10ms);
    std::error_code ec;
    EXPECT_FALSE(listener.accept(ec).is_open());
    EXPECT_EQ(ec, io_errc::timeout) << ec.message();
    listener.clear_deadline();
    const weft::wait_group wg;
    wg.go([&] {
      std::error_code of_accept;
      EXPECT_FALSE(listener.accept(of_accept).is_open());
      EXPECT_EQ(of_accept, io_errc::closed) << of_accept.message();
    });
    let_others_run();
    listener.close();
    wg.wait();
  });
}

TEST_F(limits, connecting_and_listening_report_that_there_is_no_descriptor) {
  everywhere([] {
    const descriptors_scope few(100);
    tcp_listener listener(address::loopback());
    hoard all;
    std::error_code ec;
    EXPECT_FALSE(connect_tcp(listener.local_address(), {}, ec).is_open());
    EXPECT_EQ(ec, std::errc::too_many_files_open) << ec.message();
    EXPECT_THROW(tcp_listener another(address::loopback()), std::system_error);
    all.give_back(1);
    EXPECT_TRUE(connect_tcp(listener.local_address(), {}, ec).is_open()) << ec.message();
  });
}

// The other half of many connections, as a process of its own: both would not
// fit into one.

const char* const port_variable = "WEFT_TEST_CLIENT_OF_PORT";
const char* const count_variable = "WEFT_TEST_CLIENTS";

/// Not a test, unless it is asked for: connects many times, then talks over all
/// of them.
TEST_F(limits, the_clients_half) {
  const char* const port = std::getenv(port_variable);
  const char* const count = std::getenv(count_variable);
  if (port == nullptr || count == nullptr) GTEST_SKIP() << "a part of another test";
  const descriptors_scope many(RLIM_INFINITY);
  weft::run([&] {
    const address at = address::loopback(static_cast<std::uint16_t>(std::atoi(port)));
    const auto clients = static_cast<std::size_t>(std::atoi(count));
    std::vector<tcp_stream> all;
    for (std::size_t i = 0; i < clients; ++i) all.push_back(connect_tcp(at));
    const weft::wait_group wg;
    for (std::size_t i = 0; i < clients; ++i)
      wg.go([&, i] {
        all[i].write(block(24, static_cast<unsigned>(i)));
        EXPECT_EQ(read_exactly(all[i], 24), block(24, static_cast<unsigned>(i)));
      });
    wg.wait();
    for (std::size_t i = 0; i < clients; i += 2) {  // half of them say goodbye in order
      all[i].close_write();
      EXPECT_EQ(error_of_read(all[i]), io_errc::end_of_file);
    }
  });
}

class client_process {
 public:
  client_process(std::uint16_t port, std::size_t count) {
    ::setenv(port_variable, std::to_string(port).c_str(), 1);
    ::setenv(count_variable, std::to_string(count).c_str(), 1);
    std::string program = "/proc/self/exe";
    std::string filter = "--gtest_filter=limits.the_clients_half";
    std::string brief = "--gtest_brief=1";
    char* const argv[] = {program.data(), filter.data(), brief.data(), nullptr};
    EXPECT_EQ(::posix_spawn(&pid_, program.c_str(), nullptr, nullptr, argv, environ), 0);
    ::unsetenv(port_variable);
    ::unsetenv(count_variable);
  }
  client_process(const client_process&) = delete;
  client_process& operator=(const client_process&) = delete;
  /// Returns: its status, when it has ended.
  int wait() {
    int status = -1;
    weft::blocking([&] { ::waitpid(pid_, &status, 0); });
    return status;
  }

 private:
  pid_t pid_ = 0;
};

void serve_many(std::size_t count) {
  tcp_listener listener(address::loopback());
  client_process clients(listener.local_address().port(), count);
  std::vector<tcp_stream> all;
  all.reserve(count);
  weft::detail::atomic<std::size_t> served{0};
  const weft::wait_group wg;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(listener.accept());
    wg.go([&served, &s = all.back()] {
      s.write(read_exactly(s, 24));
      ++served;
      EXPECT_EQ(error_of_read(s), io_errc::end_of_file);
      s.close();
    });
  }
  wg.wait();
  EXPECT_EQ(served.load(), count);
  EXPECT_EQ(clients.wait(), 0);
}

TEST_F(limits, many_connections_at_once_all_exchange_a_message) {
  const std::size_t count = sanitized ? 500 : 10'000;
  const descriptors_scope many(RLIM_INFINITY);
  if (many.count() < count + 100)
    GTEST_SKIP() << "only " << many.count() << " descriptors are allowed (ulimit -n)";
  on_goroutine([&] { serve_many(count); });
}

}  // namespace
