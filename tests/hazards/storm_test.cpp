// Signals at a high rate, with a handler that does not restart system calls, and clocks that jump.
#include <pthread.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <ctime>
#include <mutex>
#include <thread>
#include <vector>

#include "child_program.hpp"
#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using hazards::ending;
using hazards::run_scenario;
using steady = std::chrono::steady_clock;
using weft_test::scaled;

std::atomic<long> handled{0};
void note(int) { handled.fetch_add(1, std::memory_order_relaxed); }

/// Signals to the process, which any of its threads may get, until it is destroyed.
class signal_storm {
 public:
  signal_storm() {
    struct sigaction action {};
    action.sa_handler = note;  // no SA_RESTART
    ::sigaction(SIGUSR1, &action, &before_user_);
    ::sigaction(SIGALRM, &action, &before_alarm_);
    const itimerval every{{0, 500}, {0, 500}};
    ::setitimer(ITIMER_REAL, &every, nullptr);
    sender_ = std::thread([this] {
      while (!stop_.load()) {
        ::kill(::getpid(), SIGUSR1);
        const timespec pause{0, 20'000};
        ::nanosleep(&pause, nullptr);
      }
    });
  }
  signal_storm(const signal_storm&) = delete;
  signal_storm& operator=(const signal_storm&) = delete;
  ~signal_storm() {
    stop_.store(true);
    sender_.join();
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    ::sigaction(SIGUSR1, &before_user_, nullptr);
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;  // one may be pending
    ::sigaction(SIGALRM, &ignore, nullptr);
  }

 private:
  std::atomic<bool> stop_{false};
  std::thread sender_;
  struct sigaction before_user_ {
  }, before_alarm_{};
};

class In_a_signal_storm : public weft_test::fixture {
 protected:
  void SetUp() override {
    fixture::SetUp();
    before_ = handled.load();
  }
  void TearDown() override {
    EXPECT_GT(handled.load(), before_) << "there was no storm";
    fixture::TearDown();
  }
  long before_ = 0;
};

/// The storm has to be there while f runs: f is run again until signals have come. A sanitizer may
/// keep a signal until its thread calls the C library, and drop those that come meanwhile.
template <class F>
void in_the_storm(F f) {
  const signal_storm storm;
  const long enough = handled.load() + (weft_test::sanitized ? 5 : 200);
  do {
    weft_test::everywhere(f);
  } while (handled.load() < enough && !testing::Test::HasFailure());
}

TEST_F(In_a_signal_storm, no_value_is_lost_and_none_comes_twice) {
  in_the_storm([] {
    constexpr int senders = 8;
    const int each = scaled(200);
    const weft::chan<int> c(3);
    const weft::wait_group wg;
    std::vector<std::thread> threads;
    for (int s = 0; s < senders; ++s) {
      const auto send = [c, s, each] {
        for (int i = 0; i < each; ++i) c.send(s * each + i);
      };
      if (s % 4 == 0)
        threads.emplace_back(send);
      else
        wg.go(send);
    }
    std::vector<int> seen(static_cast<std::size_t>(senders * each));
    for (int n = 0; n < senders * each; ++n) ++seen[static_cast<std::size_t>(c.recv().value())];
    for (std::thread& t : threads) t.join();
    wg.wait();
    for (const int count : seen) ASSERT_EQ(count, 1);
  });
}

TEST_F(In_a_signal_storm, nobody_wakes_early) {
  in_the_storm([] {
    std::atomic<int> early{0};
    const auto wait_in_every_way = [&] {
      const weft::chan<int> never;
      for (int n = 0; n < 4; ++n) {
        auto begin = steady::now();
        weft::sleep_for(700us);
        if (steady::now() - begin < 700us) early.fetch_add(1);
        begin = steady::now();
        if (never.recv_for(500us).status() != weft::channel_status::timeout ||
            steady::now() - begin < 500us)
          early.fetch_add(1);
        begin = steady::now();
        weft::select(weft::on_recv(never, [&](std::optional<int>) { early.fetch_add(1); }),
                     weft::on_timeout(500us, [] {}));
        if (steady::now() - begin < 500us) early.fetch_add(1);
        weft::mutex m;
        m.lock();
        if (m.try_lock_for(300us)) early.fetch_add(1);
        m.unlock();
      }
    };
    const weft::wait_group wg;
    for (int i = 0; i < 8; ++i) wg.go(wait_in_every_way);
    std::thread(wait_in_every_way).join();
    wg.wait();
    EXPECT_EQ(early.load(), 0);
  });
}

TEST_F(In_a_signal_storm, locks_groups_and_tasks_hold) {
  in_the_storm([] {
    weft::mutex m;
    int counted = 0;
    const weft::wait_group wg;
    for (int i = 0; i < 16; ++i)
      wg.go([&] {
        for (int n = 0; n < scaled(50); ++n) {
          const std::lock_guard lock(m);
          const int before = counted;
          if (n % 8 == 0) weft::yield();
          counted = before + 1;
        }
      });
    wg.wait();
    EXPECT_EQ(counted, 16 * scaled(50));
    std::atomic<int> sum{0};
    weft::parallel_for(
        0, 500, [&](int i) { sum.fetch_add(i); }, 10);
    EXPECT_EQ(sum.load(), 124'750);
    EXPECT_EQ(weft::spawn([] { return 3; }).get(), 3);
  });
}

TEST_F(In_a_signal_storm, threads_that_block_are_stood_in_for) {
  in_the_storm([] {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const weft::wait_group wg;
    std::atomic<int> done{0};
    for (int i = 0; i < 6; ++i)
      wg.go([&] {
        char byte = 0;
        // The user's own call is interrupted, as ever; weft's are not.
        weft::blocking([&] {
          while (::read(ends[0], &byte, 1) != 1) {
          }
        });
        done.fetch_add(1);
      });
    wg.go([&] {
      for (int i = 0; i < 6; ++i) {
        weft::yield();
        while (::write(ends[1], "x", 1) != 1) {
        }
      }
    });
    wg.wait();
    EXPECT_EQ(done.load(), 6);
    ::close(ends[0]);
    ::close(ends[1]);
  });
}

// Clocks. Nobody can set the steady clock; what other clocks do after a wait has begun is of no
// account, since their times are translated once, when it begins.

using Clock_that_jumps = weft_test::fixture;

struct jumping_clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<jumping_clock>;
  static constexpr bool is_steady = false;
  static time_point now() { return time_point(offset.load() + steady::now().time_since_epoch()); }
  static inline std::atomic<std::chrono::nanoseconds> offset{0ns};
};

TEST_F(Clock_that_jumps, does_not_change_a_wait_that_has_begun) {
  weft_test::everywhere([] {
    for (const std::chrono::nanoseconds jump : {std::chrono::nanoseconds(-1h), 1'000'000'000ns}) {
      jumping_clock::offset.store(0ns);
      const auto begin = steady::now();
      const weft::wait_group wg;
      wg.go([] { weft::sleep_until(jumping_clock::now() + 2ms); });
      wg.go([&] {
        const weft::chan<int> never;
        EXPECT_EQ(never.recv_until(jumping_clock::now() + 2ms).status(),
                  weft::channel_status::timeout);
      });
      weft::yield();
      jumping_clock::offset.store(jump);
      wg.wait();  // an hour later, if it were looked at again
      EXPECT_GE(steady::now() - begin, jump < 0ns ? 2ms : 0ms);
      EXPECT_LT(steady::now() - begin, 30min);
    }
    jumping_clock::offset.store(0ns);
  });
}

TEST_F(Clock_that_jumps, is_asked_when_a_wait_begins) {
  jumping_clock::offset.store(0ns);
  const auto later = jumping_clock::now() + 1h;
  jumping_clock::offset.store(2h);  // it is past that now
  weft::sleep_until(later);
  jumping_clock::offset.store(0ns);
}

TEST_F(Clock_that_jumps, of_the_system_is_another_clock) {
  weft_test::everywhere([] {
    const auto begin = steady::now();
    weft::sleep_until(std::chrono::system_clock::now() + 1ms);
    EXPECT_GT(steady::now() - begin, 0ms);
    weft::sleep_until(std::chrono::system_clock::now() - 1h);
    weft::sleep_until(steady::now() - 1h);
    EXPECT_FALSE(weft::chan<int>().recv_until(std::chrono::system_clock::now() - 1h));
  });
}

/// In a time namespace the steady clock of a new process starts elsewhere.
TEST(steady_clock, may_begin_anywhere) {
  for (const char* offset : {"--monotonic=1000000000", "--monotonic=3"}) {
    const ending e = run_scenario("clock_works", {}, {"unshare", "--time", offset, "--fork"});
    if (e.status == -1 || e.says("unshare")) GTEST_SKIP() << "no time namespaces here: " << e;
    EXPECT_EQ(e.status, 7) << offset << ": " << e;
  }
}

}  // namespace
