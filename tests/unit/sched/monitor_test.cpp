// A goroutine that is stuck, in the kernel or in a loop, stops nobody but itself.
#include <fcntl.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <thread>

#include <weft/detail/atomic.hpp>

#include "port/thread.hpp"
#include "unit_support.hpp"

namespace {

using namespace std::chrono_literals;
using weft::detail::atomic;
using weft_test::everywhere;
using weft_test::on_thread;

/// Blocks readers until something is written.
class pipe_of_bytes {
 public:
  pipe_of_bytes() {
    if (::pipe2(ends_, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  }
  pipe_of_bytes(const pipe_of_bytes&) = delete;
  pipe_of_bytes& operator=(const pipe_of_bytes&) = delete;
  ~pipe_of_bytes() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  /// A blocking call that weft knows nothing of.
  void read_one() const {
    char byte = 0;
    while (::read(ends_[0], &byte, 1) != 1) {
    }
  }
  void write(int count) const {
    const std::string bytes(static_cast<std::size_t>(count), 'x');
    ASSERT_EQ(::write(ends_[1], bytes.data(), bytes.size()), count);
  }

 private:
  int ends_[2];
};

/// A loop that never calls weft.
void spin_until(const atomic<bool>& flag) {
  while (!flag.load()) {
  }
}

using monitor = weft_test::fixture;

TEST_F(monitor, lets_others_run_behind_a_blocking_call) {
  everywhere([] {
    const pipe_of_bytes pipe;
    const weft::wait_group wg;
    for (int i = 0; i <= weft::max_procs(); ++i) wg.go([&] { pipe.read_one(); });
    wg.go([&] {
      weft::sleep_for(1ms);  // goes on only if its timer is looked after
      pipe.write(weft::max_procs() + 1);
    });
    wg.wait();
  });
}

TEST_F(monitor, lets_others_run_behind_endless_loops) {
  everywhere([] {
    atomic<bool> enough{false};
    const weft::wait_group wg;
    for (int i = 0; i <= weft::max_procs(); ++i) wg.go([&] { spin_until(enough); });
    wg.go([&] {
      weft::sleep_for(1ms);
      enough.store(true);
    });
    wg.wait();
  });
}

TEST_F(monitor, hands_on_what_a_stuck_goroutine_makes_runnable) {
  everywhere([] {
    const weft::chan<int> c(1);
    const weft::wait_group wg;
    atomic<bool> displaced{false};
    wg.go([&] { displaced.store(*c.recv() == 1); });
    wg.go([&] {
      atomic<bool> others_ran{false};
      weft::go([&] { others_ran.store(true); });
      spin_until(others_ran);  // from here on its processor is another's, at one processor
      c.send(1);
      spin_until(displaced);
    });
    wg.wait();
  });
}

TEST_F(monitor, hands_on_what_a_stuck_goroutine_starts) {
  everywhere([] {
    weft::wait_group wg;
    wg.go([&] {
      for (int i = 0; i < 3; ++i) {
        atomic<bool> started{false};
        weft::go([&] { started.store(true); });
        spin_until(started);
      }
    });
    wg.wait();
  });
}

TEST_F(monitor, looks_after_the_timers_of_a_stuck_goroutine) {
  everywhere([] {
    weft::wait_group wg;
    wg.go([&] {
      atomic<bool> first{false}, second{false};
      weft::after_func(1ms, [&] { first.store(true); });
      spin_until(first);
      weft::after_func(1ms, [&] { second.store(true); });
      spin_until(second);
      weft::sleep_for(1ms);
    });
    wg.wait();
  });
}

TEST_F(monitor, stands_in_for_a_crowd_of_blocked_threads) {
  on_thread([] {
    constexpr int crowd = 200;
    const pipe_of_bytes pipe;
    const weft::wait_group blocked;
    for (int i = 0; i < crowd; ++i) blocked.go([&] { pipe.read_one(); });
    const weft::wait_group others;
    const weft::chan<int> c;
    others.go([&] {
      for (int i = 0; i < 1000; ++i) c.send(i);
      c.close();
    });
    int sum = 0;
    others.go([&] {
      for (const int v : c) sum += v;
    });
    others.wait();
    EXPECT_EQ(sum, 999 * 1000 / 2);
    pipe.write(crowd);
    blocked.wait();
  });
}

TEST_F(monitor, leaves_a_tied_goroutine_on_its_thread) {
  everywhere([] {
    const pipe_of_bytes pipe;
    const weft::wait_group wg;
    wg.go([&] {
      weft::lock_os_thread();
      const int before = weft::detail::this_thread_number();
      pipe.read_one();
      weft::sleep_for(1ms);
      EXPECT_EQ(weft::detail::this_thread_number(), before);
      weft::unlock_os_thread();
    });
    wg.go([&] {
      weft::sleep_for(1ms);
      pipe.write(1);
    });
    wg.wait();
  });
}

TEST_F(monitor, blocking_runs_others_meanwhile_and_returns_what_f_does) {
  everywhere([] {
    const pipe_of_bytes pipe;
    const weft::wait_group wg;
    for (int i = 0; i <= weft::max_procs(); ++i)
      wg.go([&] {
        const int answer = weft::blocking([&] {
          pipe.read_one();
          return 42;
        });
        EXPECT_EQ(answer, 42);
      });
    wg.go([&] { pipe.write(weft::max_procs() + 1); });
    wg.wait();
    int place = 7;
    EXPECT_EQ(&weft::blocking([&]() -> int& { return place; }), &place);
  });
}

TEST_F(monitor, blocking_passes_exceptions_on) {
  everywhere([] {
    EXPECT_EQ(weft_test::what_thrown<std::runtime_error>(
                  [] { weft::blocking([] { throw std::runtime_error("lost"); }); }),
              "lost");
    EXPECT_EQ(weft_test::what_thrown<std::runtime_error>([] {
                weft::blocking([] { weft::blocking([] { throw std::runtime_error("in"); }); });
              }),
              "in");
  });
}

TEST_F(monitor, says_so_when_threads_are_used_up_and_goes_on_when_they_are_back) {
  const int before = weft::set_max_threads(1);
  EXPECT_EQ(weft::set_max_threads(0), 1);
  EXPECT_EQ(weft::set_max_threads(-1), 1);
  {
    const weft_test::procs_scope one(1);
    const pipe_of_bytes pipe;
    const weft::wait_group wg;
    for (int i = 0; i < 3; ++i) wg.go([&] { pipe.read_one(); });
    pipe.write(3);
    wg.wait();
  }
  weft::set_max_threads(before);
}

TEST_F(monitor, and_set_max_procs_at_the_same_time) {
  const int before = weft::max_procs();
  {
    const pipe_of_bytes pipe;
    const weft::wait_group wg;
    constexpr int rounds = 40;
    for (int i = 0; i < rounds; ++i) {
      weft::set_max_procs(1 + i % 4);
      wg.go([&] { pipe.read_one(); });
      wg.go([&] { weft::blocking([&] { pipe.read_one(); }); });
      wg.go([] { weft::sleep_for(1ms); });
      if (i % 3 == 2) pipe.write(4);
    }
    pipe.write(2 * rounds - 4 * (rounds / 3));
    wg.wait();
  }
  weft::set_max_procs(before);
}

}  // namespace
