// Signals reach the one sink; the last one to give a signal back restores what was there.
#include "port/signal.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <system_error>
#include <thread>

#include "unit_support.hpp"

namespace {

using weft::detail::atomic;
using weft::detail::can_take_signal;
using weft::detail::give_back_signal;
using weft::detail::start_signal_thread;
using weft::detail::take_signal;
using weft_test::eventually;
using weft_test::scaled;

std::array<atomic<int>, weft::detail::signal_numbers> came;

/// The one sink of this process.
void count(int number) { ++came[static_cast<std::size_t>(number)]; }
int times(int number) { return came[static_cast<std::size_t>(number)].load(); }

void (*action_of(int number))(int) {
  struct sigaction now {};
  EXPECT_EQ(sigaction(number, nullptr, &now), 0);
  return now.sa_handler;
}

class signals : public testing::Test {
 protected:
  void SetUp() override {
    start_signal_thread(count);
    for (auto& each : came) each = 0;
  }
};

TEST_F(signals, that_stop_or_fault_cannot_be_taken) {
  for (const int number : {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, 0, -1, 65, 1 << 20})
    EXPECT_FALSE(can_take_signal(number)) << number;
  for (const int number : {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGCHLD, 64})
    EXPECT_TRUE(can_take_signal(number)) << number;
}

TEST_F(signals, reach_the_sink_from_any_thread) {
  take_signal(SIGUSR1);
  std::raise(SIGUSR1);
  EXPECT_TRUE(eventually([] { return times(SIGUSR1) == 1; }));
  std::thread([] { std::raise(SIGUSR1); }).join();
  EXPECT_TRUE(eventually([] { return times(SIGUSR1) == 2; }));
  give_back_signal(SIGUSR1);
  EXPECT_EQ(times(SIGUSR2), 0);
}

TEST_F(signals, are_given_back_by_the_last) {
  take_signal(SIGUSR1);
  take_signal(SIGUSR1);
  give_back_signal(SIGUSR1);
  EXPECT_NE(action_of(SIGUSR1), SIG_DFL);
  std::raise(SIGUSR1);
  give_back_signal(SIGUSR1);
  EXPECT_EQ(action_of(SIGUSR1), SIG_DFL);
  EXPECT_EQ(times(SIGUSR1), 1);  // served before it returned
}

TEST_F(signals, that_the_system_refuses_are_not_counted) {
  EXPECT_THROW(take_signal(32), std::system_error);
  EXPECT_THROW(take_signal(32), std::system_error);
}

TEST_F(signals, leave_errno_alone) {
  take_signal(SIGUSR2);
  errno = ENOENT;
  std::raise(SIGUSR2);
  EXPECT_EQ(errno, ENOENT);
  give_back_signal(SIGUSR2);
}

/// Each that comes is served; several that come before the thread looks may count as one.
TEST_F(signals, are_never_all_lost) {
  take_signal(SIGUSR1);
  take_signal(SIGUSR2);
  for (int round = 0; round < scaled(500); ++round) {
    const int before = times(SIGUSR1);
    unit::on_threads(3, [](int self) { std::raise(self == 2 ? SIGUSR2 : SIGUSR1); });
    ASSERT_TRUE(eventually([&] { return times(SIGUSR1) > before; }));
  }
  give_back_signal(SIGUSR1);
  give_back_signal(SIGUSR2);
  EXPECT_GT(times(SIGUSR2), 0);
  EXPECT_LE(times(SIGUSR1), 2 * scaled(500));
}

}  // namespace
