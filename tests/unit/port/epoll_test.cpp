// What the kernel tells of descriptors, and how a sleep in the poller ends.
#include "port/poll/epoll.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "port/clock.hpp"
#include "port/sync/parker.hpp"
#include "unit_support.hpp"

namespace {

using namespace weft::detail;

class one_pipe {
 public:
  one_pipe() { EXPECT_EQ(::pipe2(ends_.data(), O_NONBLOCK | O_CLOEXEC), 0); }
  one_pipe(const one_pipe&) = delete;
  one_pipe& operator=(const one_pipe&) = delete;
  ~one_pipe() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }
  void put() const { EXPECT_EQ(::write(ends_[1], "x", 1), 1); }
  void take() const {
    char byte;
    EXPECT_EQ(::read(ends_[0], &byte, 1), 1);
  }

 private:
  std::array<int, 2> ends_{};
};

// What other tests of this process still wait for is none of these.
constexpr std::uint64_t first_tag = 0x7000'0000'0000'0000;

/// Everything that is told now of `tag`.
io_side told_of(std::uint64_t tag) {
  std::array<poll_event, 16> events;
  io_side sides = io_side::none;
  const int count = collect_poll(events, 0);
  for (int i = 0; i < count; ++i)
    if (events[static_cast<std::size_t>(i)].tag == tag)
      sides = sides | events[static_cast<std::size_t>(i)].sides;
  return sides;
}

class poll : public ::testing::Test {
 protected:
  void SetUp() override { open_poll(); }
};

TEST_F(poll, is_interrupted_though_somebody_has_looked_meanwhile) {
  std::array<poll_event, 4> events;
  interrupt_poll();
  collect_poll(events, 0);
  collect_poll(events, never_ns);  // or this would never return
  const one_pipe p;
  poll_watch(p.reader(), first_tag + 99);
  p.put();
  EXPECT_EQ(collect_poll(events, never_ns), 1) << "it was heard, and is not told again";
}

TEST_F(poll, tells_each_change_of_a_watched_descriptor_once) {
  const one_pipe p;
  poll_watch(p.reader(), first_tag);
  EXPECT_EQ(told_of(first_tag), io_side::none);
  p.put();
  EXPECT_EQ(told_of(first_tag), io_side::read);
  EXPECT_EQ(told_of(first_tag), io_side::none);
  p.put();
  EXPECT_EQ(told_of(first_tag), io_side::read);
  poll_forget(p.reader());
  p.put();
  EXPECT_EQ(told_of(first_tag), io_side::none);
}

TEST_F(poll, tells_once_what_was_asked_once_and_is_so_already) {
  const one_pipe p;
  p.put();
  ASSERT_EQ(poll_once(p.reader(), io_side::read, first_tag), 0);
  EXPECT_EQ(told_of(first_tag), io_side::read);
  p.put();
  EXPECT_EQ(told_of(first_tag), io_side::none);
  ASSERT_EQ(poll_once(p.reader(), io_side::read, first_tag + 1), 0);
  EXPECT_EQ(told_of(first_tag + 1), io_side::read);
}

TEST_F(poll, tells_both_sides_when_the_other_end_is_closed) {
  one_pipe* const p = new one_pipe;
  const int writer = ::dup(p->writer());
  ASSERT_EQ(poll_once(writer, io_side::write, first_tag), 0);
  delete p;
  EXPECT_EQ(told_of(first_tag), io_side::both);
  ::close(writer);
}

TEST_F(poll, refuses_files_and_what_is_no_descriptor) {
  EXPECT_EQ(poll_once(-1, io_side::read, first_tag), EBADF);
  const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(poll_once(file, io_side::read, first_tag), EPERM);
  EXPECT_THROW(poll_watch(file, first_tag), std::system_error);
  ::close(file);
}

TEST_F(poll, sees_what_is_ready_now) {
  const one_pipe p;
  EXPECT_FALSE(is_ready_now(p.reader(), io_side::read));
  EXPECT_TRUE(is_ready_now(p.writer(), io_side::write));
  p.put();
  EXPECT_TRUE(is_ready_now(p.reader(), io_side::both));
}

TEST_F(poll, sleeps_until_its_deadline_and_not_less) {
  std::array<poll_event, 1> events;
  const deadline_ns until = now_ns() + 300'000;
  while (now_ns() < until) collect_poll(events, until);
  EXPECT_GE(now_ns(), until);
  collect_poll(events, now_ns() - 1);  // is over at once
}

TEST_F(poll, ends_for_a_thread_that_is_unparked) {
  for (int round = 0; round < 200; ++round) {
    parker p;
    std::thread sleeper([&] {
      std::array<poll_event, 4> events;
      // Somebody else's news may end it early, but not take the permit away.
      while (!p.park_in_poller([&] { collect_poll(events, never_ns); })) {
      }
    });
    if (round % 2 == 0)
      while (!p.is_asleep()) std::this_thread::yield();
    p.unpark();
    sleeper.join();
  }
}

}  // namespace
