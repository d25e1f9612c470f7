// The deadlock report and descriptors: who waits for the outside is not asleep
// for ever. Each scenario is a process of its own, since a report ends it.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

#include "connected.hpp"

extern char** environ;

namespace {

using namespace std::chrono_literals;
using namespace weft_test;
using weft::net::address;
using weft::net::connect_tcp;
using weft::net::tcp_listener;
using weft::net::tcp_stream;

const char* const scenario_variable = "WEFT_TEST_SCENARIO";

void waits_in_accept() {
  tcp_listener listener(address::loopback());
  std::printf("port %d\n", listener.local_address().port());
  std::fflush(stdout);
  tcp_stream s = listener.accept();
  std::printf("got %s\n", read_exactly(s, 5).c_str());
}

void waits_for_nothing(bool close_it) {
  tcp_listener listener(address::loopback());
  connected c = connect_to(listener);
  c.client.write(std::string_view("x"));
  read_exactly(c.server, 1);
  const weft::wait_group wg;
  wg.go([&] { EXPECT_EQ(error_of_read(c.client), weft::io_errc::closed); });
  let_others_run();
  c.client.close();
  wg.wait();
  if (close_it) listener.close();
  std::printf("port %d\n", 0);
  std::fflush(stdout);
  weft::chan<void> never;
  never.recv();
}

/// Not a test, unless it is asked for.
TEST(deadlock, scenario) {
  const char* const name = std::getenv(scenario_variable);
  if (name == nullptr) GTEST_SKIP() << "a part of another test";
  weft::run([&] {
    if (std::string_view(name) == "accept") waits_in_accept();
    if (std::string_view(name) == "closed") waits_for_nothing(true);
    if (std::string_view(name) == "open") waits_for_nothing(false);
  });
}

class scenario_process {
 public:
  explicit scenario_process(const char* name) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    ::setenv(scenario_variable, name, 1);
    std::string program = "/proc/self/exe";
    std::string filter = "--gtest_filter=deadlock.scenario";
    char* const argv[] = {program.data(), filter.data(), nullptr};
    EXPECT_EQ(::posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv, environ), 0);
    ::unsetenv(scenario_variable);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    said_ = ::fdopen(ends[0], "r");
  }
  scenario_process(const scenario_process&) = delete;
  scenario_process& operator=(const scenario_process&) = delete;
  ~scenario_process() { std::fclose(said_); }

  std::uint16_t port() {
    std::array<char, 256> line{};
    int found = -1;
    while (found < 0 && std::fgets(line.data(), static_cast<int>(line.size()), said_) != nullptr)
      static_cast<void>(std::sscanf(line.data(), "port %d", &found));
    EXPECT_GE(found, 0);
    return static_cast<std::uint16_t>(found);
  }
  /// Returns: all that it says until its end.
  std::string words() {
    std::string all;
    std::array<char, 1024> part{};
    while (const std::size_t n = std::fread(part.data(), 1, part.size(), said_))
      all.append(part.data(), n);
    return all;
  }
  int status() const {
    int status = -1;
    ::waitpid(pid_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = 0;
  std::FILE* said_ = nullptr;
};

TEST(deadlock, is_not_reported_while_a_listener_waits) {
  scenario_process child("accept");
  const address at = address::loopback(child.port());
  std::this_thread::sleep_for(300ms);  // time to report what must not be reported
  std::error_code ec;
  tcp_stream s = connect_tcp(at, {}, ec);
  EXPECT_FALSE(ec) << ec.message();
  if (!ec) s.write(std::string_view("hello"));
  const std::string words = child.words();
  EXPECT_NE(words.find("got hello"), std::string::npos) << words;
  EXPECT_EQ(child.status(), 0);
}

TEST(deadlock, is_reported_when_sockets_are_there_but_nobody_waits_for_them) {
  for (const char* const name : {"closed", "open"}) {
    scenario_process child(name);
    child.port();
    const std::string words = child.words();
    EXPECT_NE(words.find("all goroutines are asleep - deadlock!"), std::string::npos) << words;
    EXPECT_EQ(child.status(), 2);
  }
}

}  // namespace
