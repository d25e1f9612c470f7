// Writing to a pipe that nobody reads: both ways to keep SIGPIPE away.
#include "port/net/pipe_calls.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include <gtest/gtest.h>

namespace {

using namespace weft::detail;

using write_call = long (*)(int, std::span<const raw_buffer>) noexcept;

/// SIGPIPE ends this process: a test that goes on has not got one.
class pipe_calls : public ::testing::TestWithParam<write_call> {
 protected:
  void SetUp() override {
    ::sigemptyset(&only_);
    ::sigaddset(&only_, SIGPIPE);
    ASSERT_EQ(make_pipe_call(ends_), 0);
    before_ = ::signal(SIGPIPE, SIG_DFL);
  }
  void TearDown() override {
    ::signal(SIGPIPE, before_);
    ::close(ends_[1]);
    if (ends_[0] >= 0) ::close(ends_[0]);
  }
  void close_reader() {
    ::close(ends_[0]);
    ends_[0] = -1;
  }
  long write(std::string text) {
    const raw_buffer one{text.data(), text.size()};
    return GetParam()(ends_[1], {&one, 1});
  }
  bool is_blocked() const {
    sigset_t now;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
    return ::sigismember(&now, SIGPIPE) == 1;
  }
  bool is_pending() const {
    sigset_t now;
    ::sigpending(&now);
    return ::sigismember(&now, SIGPIPE) == 1;
  }
  void take_pending() const {
    const timespec at_once{0, 0};
    EXPECT_EQ(::sigtimedwait(&only_, nullptr, &at_once), SIGPIPE);
  }

  int ends_[2] = {-1, -1};
  sigset_t only_;

 private:
  void (*before_)(int) = SIG_DFL;
};

TEST_P(pipe_calls, bytes_are_written_and_read) {
  EXPECT_EQ(write("hello"), 5);
  std::array<char, 8> room;
  const std::array<raw_buffer, 2> into{raw_buffer{room.data(), 2}, raw_buffer{&room[2], 6}};
  EXPECT_EQ(read_call(ends_[0], into), 5);
  EXPECT_EQ(std::string(room.data(), 5), "hello");
  EXPECT_EQ(read_call(ends_[0], std::span(into).first(1)), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST_P(pipe_calls, a_full_pipe_would_block) {
  long written = 0;
  while ((written = write(std::string(4096, 'x'))) > 0) {
  }
  EXPECT_EQ(written, -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST_P(pipe_calls, a_broken_pipe_leaves_the_mask_as_it_was) {
  close_reader();
  EXPECT_EQ(write("x"), -1);
  EXPECT_EQ(errno, EPIPE);
  EXPECT_FALSE(is_blocked());
  EXPECT_FALSE(is_pending());
}

TEST_P(pipe_calls, nothing_is_left_pending_where_the_signal_is_blocked) {
  close_reader();
  ::pthread_sigmask(SIG_BLOCK, &only_, nullptr);
  EXPECT_EQ(write("x"), -1);
  EXPECT_EQ(errno, EPIPE);
  EXPECT_TRUE(is_blocked());
  EXPECT_FALSE(is_pending());
  ::pthread_sigmask(SIG_UNBLOCK, &only_, nullptr);
}

TEST_P(pipe_calls, a_signal_that_was_pending_before_stays) {
  close_reader();
  ::pthread_sigmask(SIG_BLOCK, &only_, nullptr);
  ::raise(SIGPIPE);
  EXPECT_EQ(write("x"), -1);
  EXPECT_EQ(errno, EPIPE);
  EXPECT_TRUE(is_pending());
  take_pending();
  EXPECT_FALSE(is_pending());
  ::pthread_sigmask(SIG_UNBLOCK, &only_, nullptr);
}

INSTANTIATE_TEST_SUITE_P(both_ways, pipe_calls,
                         ::testing::Values(&write_quietly_call, &write_masked_call),
                         [](const auto& way) { return way.index == 0 ? "quietly" : "masked"; });

}  // namespace
