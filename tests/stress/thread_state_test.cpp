// What belongs to a thread while goroutines change threads: locked threads, and errno.
//
// Every look at a thread-local goes through a function that is not inlined: a compiler may keep a
// thread-local's address across a call, and across the change of threads inside it.
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "support.hpp"

namespace {

class thread_state : public stress::at_processors {};
WEFT_AT_PROCESSORS(thread_state);

thread_local int tenant = 0;  // the locked goroutine that lives on this thread, 0: none

[[gnu::noinline]] int tenant_now() {
  asm volatile("" ::: "memory");
  return tenant;
}
[[gnu::noinline]] void move_in(int who) {
  tenant = who;
  asm volatile("" ::: "memory");
}
[[gnu::noinline]] int errno_now() {
  asm volatile("" ::: "memory");
  return errno;
}
[[gnu::noinline]] void leave_errno(int value) {
  errno = value;
  asm volatile("" ::: "memory");
}
[[gnu::noinline]] long thread_id() { return syscall(SYS_gettid); }

/// One of the ways to leave the processor and come back.
void pause(stress::random_source& random, const weft::chan<int>& mail) {
  switch (random.below(5)) {
    case 0:
      return weft::yield();
    case 1:
      return weft::sleep_for(std::chrono::nanoseconds(random.below(50'000)));
    case 2: {
      static_cast<void>(mail.send_for(1, std::chrono::microseconds(20)));
      return;
    }
    case 3: {
      static_cast<void>(mail.recv_for(std::chrono::microseconds(20)));
      return;
    }
    default: {
      weft::wait_group child;
      child.go([] { weft::yield(); });
      child.wait();
    }
  }
}

void live_on_one_thread(stress::random_source& random, const weft::chan<int>& mail, int me) {
  weft::lock_os_thread();
  EXPECT_EQ(tenant_now(), 0) << "locked to a thread that belongs to another";
  move_in(me);
  const long home = thread_id();
  for (int n = 0; n < 10; ++n) {
    const bool twice = random.percent(30);
    if (twice) weft::lock_os_thread();
    pause(random, mail);
    EXPECT_EQ(thread_id(), home) << "a locked goroutine moved";
    EXPECT_EQ(tenant_now(), me);
    if (twice) weft::unlock_os_thread();
  }
  move_in(0);
  weft::unlock_os_thread();
}

TEST_P(thread_state, locked_goroutines_stay_and_nobody_else_comes) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    const weft::chan<int> mail(2);
    weft::wait_group all;
    for (int i = 1; i <= 40; ++i)
      all.go([&mail, i, own = random.next()] {
        stress::random_source choice(own);
        if (i % 5 == 0) return live_on_one_thread(choice, mail, i);
        for (int n = 0; n < 30; ++n) {
          EXPECT_EQ(tenant_now(), 0) << "ran on a thread that is locked to another goroutine";
          pause(choice, mail);
        }
      });
    all.wait();
  });
}

TEST_P(thread_state, goroutines_that_end_locked_take_their_thread_along) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    const weft::chan<int> mail(2);
    std::atomic<int> ended{0};
    weft::wait_group all;
    for (int i = 1; i <= 12; ++i)
      all.go([&, i, own = random.next()] {
        stress::random_source choice(own);
        weft::lock_os_thread();
        EXPECT_EQ(tenant_now(), 0) << "a thread that should have ended came back";
        move_in(i);
        pause(choice, mail);
        EXPECT_EQ(tenant_now(), i);
        ended.fetch_add(1);
      });
    for (int i = 0; i < 20; ++i)
      all.go([&mail, own = random.next()] {
        stress::random_source choice(own);
        for (int n = 0; n < 10; ++n) {
          pause(choice, mail);
          EXPECT_EQ(tenant_now(), 0);
        }
      });
    all.wait();
    EXPECT_EQ(ended.load(), 12);
  });
}

TEST_P(thread_state, locked_goroutines_while_processors_come_and_go) {
  stress::repeat([](std::uint64_t seed) {
    stress::processor_shaker shaker(seed);
    stress::random_source random(seed);
    const weft::chan<int> mail(1);
    weft::wait_group all;
    for (int i = 1; i <= 24; ++i)
      all.go([&mail, i, own = random.next()] {
        stress::random_source choice(own);
        if (i % 3 == 0) return live_on_one_thread(choice, mail, i);
        for (int n = 0; n < 20; ++n) pause(choice, mail);
      });
    all.wait();
  });
}

TEST_P(thread_state, errno_belongs_to_the_goroutine) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    const weft::chan<int> mail(2);
    std::atomic<int> mixed_up{0};
    weft::wait_group all;
    for (int i = 1; i <= 60; ++i)
      all.go([&, i, own = random.next()] {
        stress::random_source choice(own);
        for (int n = 0; n < 30; ++n) {
          leave_errno(1'000 * i + n);
          pause(choice, mail);
          if (errno_now() != 1'000 * i + n) mixed_up.fetch_add(1);
        }
      });
    all.wait();
    EXPECT_EQ(mixed_up.load(), 0);
  });
}

TEST_P(thread_state, the_result_of_a_failed_system_call_is_there_after_a_park) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    const weft::chan<int> mail(2);
    std::atomic<int> wrong{0};
    stress::crew crew;
    for (int i = 0; i < 30; ++i)
      crew.start(i < 4, [&, i, own = random.next()] {
        stress::random_source choice(own);
        for (int n = 0; n < 30; ++n) {
          const int expected = i % 2 == 0 ? EBADF : ENOENT;
          const int result = i % 2 == 0 ? ::close(-1) : ::access("/no/such/file", F_OK);
          pause(choice, mail);
          if (result != -1 || errno_now() != expected) wrong.fetch_add(1);
        }
      });
    crew.join();
    EXPECT_EQ(wrong.load(), 0);
  });
}

}  // namespace
