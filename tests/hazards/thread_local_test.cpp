// thread_local and errno across parks, where the optimiser has everything in
// view. What is promised is tested; what is not is measured and printed,
// because it depends on the compiler.
//
// Built with the library's own sources at -O3 with LTO too: weft's own
// thread-local word must be read anew after every switch, or goroutines would
// work on another worker's queues.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <string>

#include "weft_test.hpp"

namespace {

using weft_test::scaled;
using namespace std::chrono_literals;

using Thread_locals = weft_test::fixture;

constexpr int crowd = 48;

/// Every way to leave a processor, inlined into its caller as far as the
/// compiler likes.
inline void park(int way, const weft::chan<int> &c) {
  switch (way % 6) {
  case 0:
    return weft::yield();
  case 1:
    return weft::sleep_for(std::chrono::nanoseconds(1 + way % 977));
  case 2:
    return static_cast<void>(c.send_for(way, 20us));
  case 3:
    return static_cast<void>(c.recv_for(20us));
  case 4: {
    weft::select(weft::on_recv(c), weft::on_timeout(20us, [] {}));
    return;
  }
  default: {
    const weft::wait_group child;
    child.go([] { weft::yield(); });
    child.wait();
  }
  }
}

/// Runs f(number, channel) in a crowd of goroutines at 1, 2 and 4 processors.
template <class F> void in_a_crowd(F f) {
  weft_test::on_goroutine([&] {
    const weft::wait_group all;
    const weft::chan<int> c(1);
    for (int i = 0; i < crowd; ++i)
      all.go([&, i] { f(i, c); });
    all.wait();
  });
}

[[gnu::noinline]] int errno_here() {
  asm volatile("");
  return errno;
}

TEST_F(Thread_locals, errno_keeps_its_value_across_every_kind_of_park) {
  std::atomic<int> wrong{0};
  in_a_crowd([&](int i, const weft::chan<int> &c) {
    for (int n = 0; n < scaled(60); ++n) {
      const int fd = i % 2 == 0 ? -1 : ::open("/nowhere/at/all", O_RDONLY);
      const int failed = i % 2 == 0 ? ::close(fd) : fd;
      park(i + n, c);
      if (failed != -1 || errno_here() != (i % 2 == 0 ? EBADF : ENOENT))
        wrong.fetch_add(1);
    }
  });
  EXPECT_EQ(wrong.load(), 0);
}

/// A call after a park reports its own error, on the thread where it runs.
TEST_F(Thread_locals, a_system_call_after_a_park_reports_to_this_goroutine) {
  std::atomic<int> wrong{0};
  in_a_crowd([&](int i, const weft::chan<int> &c) {
    for (int n = 0; n < scaled(60); ++n) {
      park(i + n, c);
      const int result =
          i % 2 == 0 ? ::close(-1) : ::access("/nowhere/at/all", F_OK);
      const int error = errno_here();
      if (result != -1 || error != (i % 2 == 0 ? EBADF : ENOENT))
        wrong.fetch_add(1);
    }
  });
  EXPECT_EQ(wrong.load(), 0);
}

/// What weft itself reads of the thread: were the word of another worker used
/// once, the numbers of the goroutines, their values and their queues would be
/// mixed up.
TEST_F(Thread_locals, of_weft_itself_are_never_kept_across_a_park) {
  const weft::local<int> mine;
  std::atomic<int> wrong{0};
  in_a_crowd([&](int i, const weft::chan<int> &c) {
    const std::uint64_t id = weft::this_goroutine::id();
    *mine = i;
    weft::this_goroutine::set_name(std::to_string(i));
    for (int n = 0; n < scaled(60); ++n) {
      park(i + n, c);
      if (weft::this_goroutine::id() != id || *mine != i ||
          weft::this_goroutine::name() != std::to_string(i))
        wrong.fetch_add(1);
      ++*mine;
      park(i + n + 1, c);
      if (--*mine != i)
        wrong.fetch_add(1);
    }
  });
  EXPECT_EQ(wrong.load(), 0);
}

thread_local int tenant = 0;

/// Tied to its thread, a goroutine finds its thread_local however the compiler
/// reads it.
TEST_F(Thread_locals, are_the_goroutines_own_while_it_is_tied) {
  std::atomic<int> wrong{0};
  in_a_crowd([&](int i, const weft::chan<int> &c) {
    if (i % 6 != 0) {
      for (int n = 0; n < 20; ++n)
        park(i + n, c);
      return;
    }
    weft::lock_os_thread();
    const long home = ::syscall(SYS_gettid);
    const int before = tenant;
    tenant = i + 1;
    for (int n = 0; n < 20; ++n) {
      errno = i + 1;
      park(i + n, c);
      if (tenant != i + 1 || errno != i + 1 || ::syscall(SYS_gettid) != home)
        wrong.fetch_add(1);
    }
    tenant = before;
    weft::unlock_os_thread();
  });
  EXPECT_EQ(wrong.load(), 0);
}

thread_local int plain = 0;

[[gnu::noinline]] int *fresh_address() {
  asm volatile("");
  return &plain;
}

/// Not promised, and the reason for a page in docs/pitfalls.md: how often a
/// compiler uses the old thread's variable after a park. Nothing is asserted.
TEST_F(Thread_locals, of_the_user_may_be_the_old_threads) {
  const weft_test::procs_scope scope(2);
  std::atomic<int> parks{0}, moved{0}, stale{0}, stale_errno{0};
  const weft::wait_group all;
  for (int i = 0; i < 8; ++i)
    all.go([&] {
      for (int n = 0; n < 25; ++n) {
        int *const before = &plain;
        int *const errno_before = &errno;
        weft::yield();
        parks.fetch_add(1);
        if (fresh_address() == before)
          continue;
        moved.fetch_add(1);
        if (&plain == before)
          stale.fetch_add(1);
        if (&errno == errno_before)
          stale_errno.fetch_add(1);
      }
    });
  all.wait();
  std::printf("of %d parks %d changed the thread; then thread_local was the "
              "old one's in %d, "
              "errno in %d\n",
              parks.load(), moved.load(), stale.load(), stale_errno.load());
}

} // namespace
