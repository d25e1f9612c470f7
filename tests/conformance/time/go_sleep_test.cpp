// What is left of Go's sleep_test.go and tick_test.go: signals, zero and huge times, copies of
// handles, and timers that nobody refers to. Nothing is early; how late it may be is not asserted.

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <vector>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft::channel_status;
using weft::clock;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::on_goroutine;
using weft_test::scaled;

using GoSleepTest = weft_test::fixture;
using GoTickTest = weft_test::fixture;

std::atomic<int> signals{0};

/// Counts SIGUSR2, and lets it interrupt system calls, for a scope.
class counting_signals {
 public:
  counting_signals() {
    signals = 0;
    struct sigaction counts {};
    counts.sa_handler = [](int) { ++signals; };
    sigaction(SIGUSR2, &counts, &before_);
  }
  counting_signals(const counting_signals&) = delete;
  ~counting_signals() { sigaction(SIGUSR2, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

// A signal that arrives while somebody sleeps does not wake him.
TEST_F(GoSleepTest, SleepOnAPlainThreadLastsDespiteSignals) {
  const counting_signals scope;
  std::atomic<bool> over{false};
  std::thread sleeper([&] {
    const auto start = clock::now();
    weft::sleep_for(20ms);
    EXPECT_GE(clock::now() - start, 20ms);
    const auto again = clock::now();
    EXPECT_EQ(weft::chan<int>().recv_for(20ms).status(), channel_status::timeout);
    EXPECT_GE(clock::now() - again, 20ms);
    over = true;
  });
  while (!over) {
    pthread_kill(sleeper.native_handle(), SIGUSR2);
    std::this_thread::sleep_for(1ms);
  }
  sleeper.join();
  EXPECT_GT(signals, 0);
}

TEST_F(GoSleepTest, SleepInAGoroutineLastsDespiteSignals) {
  const counting_signals scope;
  on_goroutine([] {
    weft::wait_group all;
    for (int i = 0; i < 10; ++i)
      all.go([] {
        const auto start = clock::now();
        weft::sleep_for(10ms);
        EXPECT_GE(clock::now() - start, 10ms);
      });
    const weft::chan<void> over;
    weft::go([=] { all.wait(), over.close(); });
    while (weft::select(weft::on_recv(over), weft::on_timeout(1ms)) == 1) kill(getpid(), SIGUSR2);
  });
  EXPECT_GT(signals, 0);
}

// Sleeping for nothing, while others are at it as well, does not lose anybody's wake-up.
TEST_F(GoSleepTest, SleepZeroDeadlock) {
  on_goroutine([] {
    const weft::chan<void> over;
    weft::go([=] {
      for (int i = 0; i < scaled(100); ++i) weft::set_max_procs(weft::max_procs());
      over.send();
    });
    for (int i = 0; i < scaled(1000); ++i) {
      weft::sleep_for(0s);
      const weft::chan<bool> tmp(1);
      tmp.send(true);
      ASSERT_EQ(tmp.recv(), true);
    }
    over.recv();
  });
}

// A period that overflows the clock never ticks, and harms no other timer.
TEST_F(GoSleepTest, OverflowPeriodRuntimeTimer) {
  everywhere([] {
    const weft::ticker never(std::chrono::nanoseconds::max());
    const weft::ticker nor_this(9'000'000'000'000'000'000ns);
    const weft::ticker hours(std::chrono::hours::max());
    for (int i = 0; i < 3; ++i) weft::after(1ms).recv();
    for (const weft::ticker& t : {never, nor_this, hours})
      EXPECT_EQ(t.channel().try_recv().status(), channel_status::would_block);
    never.reset(1ms);
    never.channel().recv();
    never.reset(std::chrono::nanoseconds::max());
    EXPECT_EQ(never.channel().recv_for(3ms).status(), channel_status::timeout);
  });
}

TEST_F(GoSleepTest, OverflowSleepForNegativeTimesReturnsAtOnce) {
  everywhere([] {
    weft::sleep_for(std::chrono::nanoseconds::min());
    weft::sleep_for(std::chrono::hours::min());
    weft::sleep_for(std::chrono::duration<double>(-1e300));
    EXPECT_EQ(weft::chan<int>().recv_for(std::chrono::nanoseconds::min()).status(),
              channel_status::timeout);
    std::atomic<bool> ran{false};
    weft::after_func(std::chrono::hours::min(), [&] { ran = true; });
    EXPECT_TRUE(eventually([&] { return ran.load(); }));
  });
}

// Go's zero Timer and zero Ticker panic when they are used: here there is none.
TEST_F(GoSleepTest, ZeroTimersDoNotExist) {
  static_assert(!std::is_default_constructible_v<weft::timer>);
  static_assert(!std::is_default_constructible_v<weft::ticker>);
  static_assert(!std::is_constructible_v<weft::timer, std::nullptr_t>);
}

// Go forbids copies of a Timer; here a copy is the same timer.
TEST_F(GoSleepTest, ACopiedTimerIsTheSameTimer) {
  everywhere([] {
    const weft::timer t(1h);
    const weft::timer copy = t;  // NOLINT: the copy is the test
    EXPECT_TRUE(copy.reset(1ms));
    EXPECT_TRUE(t.channel() == copy.channel());
    t.channel().recv();
    EXPECT_FALSE(copy.stop());
    std::atomic<int> calls{0};
    const weft::timer f = weft::after_func(1h, [&] { ++calls; });
    const weft::timer same = f;  // NOLINT
    EXPECT_TRUE(same.reset(0s));
    EXPECT_TRUE(eventually([&] { return calls == 1; }));
    EXPECT_FALSE(f.stop());
  });
}

TEST_F(GoTickTest, ACopiedTickerIsTheSameTicker) {
  everywhere([] {
    const weft::ticker t(1h);
    const weft::ticker copy = t;  // NOLINT: the copy is the test
    copy.reset(1ms);
    t.channel().recv();
    copy.stop();
    EXPECT_EQ(t.channel().try_recv().status(), channel_status::would_block);
    t.stop();
  });
}

// Timers to which nobody refers are gone: the values they would have run with are destroyed.
TEST_F(GoTickTest, TimerGC) {
  using weft_test::counted;
  everywhere([] {
    for (int i = 0; i < scaled(500); ++i) {
      static_cast<void>(weft::timer(1h));
      static_cast<void>(weft::ticker(1h));
      static_cast<void>(weft::after(1h));
      const weft::timer call = weft::after_func(1h, [v = counted(i)] {});
      EXPECT_TRUE(call.stop());
    }
    EXPECT_EQ(counted::alive(), 0);
  });
}

// A timer on which somebody waits is kept, though there is no handle of it any more.
TEST_F(GoTickTest, TimerGCKeepsWhatIsWaitedFor) {
  everywhere([] {
    weft::wait_group all;
    for (int i = 0; i < 50; ++i) {
      all.go([i] { weft::after(std::chrono::microseconds(10 * i)).recv(); });
      all.go([i] {
        EXPECT_EQ(weft::select(weft::on_recv(weft::after(std::chrono::microseconds(10 * i))),
                               weft::on_recv(weft::chan<int>())),
                  0U);
      });
    }
    all.wait();
  });
}

// The matrix of timer channels, with several that wait while the timer is set anew and stopped.
TEST_F(GoTickTest, ChanOfATickerWithConcurrentWaiters) {
  on_goroutine([] {
    const weft::ticker t(1h);
    const weft::chan<void> give_up;
    std::atomic<int> received{0};
    weft::wait_group all;
    for (int g = 0; g < 5; ++g)
      all.go([&, t, give_up] {
        while (weft::select(weft::on_recv(t.channel()), weft::on_recv(give_up)) == 0) ++received;
      });
    let_others_run();
    EXPECT_EQ(received, 0);
    t.reset(100us);
    EXPECT_TRUE(eventually([&] { return received >= 5; }));
    t.stop();
    let_others_run();
    const int after_stop = received;
    let_others_run();
    EXPECT_EQ(received, after_stop) << "a tick after stop";
    give_up.close();
    all.wait();
  });
}

TEST_F(GoTickTest, ChanReceivedInASelectWithDefault) {
  everywhere([] {
    const weft::timer t(1ms);
    int polls = 0;
    while (weft::select(weft::on_recv(t.channel()), weft::on_default()) != 0) {
      ++polls;
      weft::yield();
    }
    EXPECT_EQ(t.channel().size(), 0U);
    EXPECT_FALSE(t.stop()) << "its value was received, in " << polls << " polls";
  });
}

}  // namespace
