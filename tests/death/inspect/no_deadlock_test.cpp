// What looks like a deadlock and is none: somebody could still act, and does. A false report would
// end the process with status 2.
#include "fresh_process.hpp"

#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <random>
#include <thread>
#include <vector>

#include <weft/weft.hpp>

namespace {

using namespace std::chrono_literals;
using death::all_is_well;
using ::testing::ExitedWithCode;

using no_deadlock = death::in_a_fresh_process;
WEFT_DEATHS_AT_COUNTS(no_deadlock);

// Longer than the detector takes to look, several times over.
constexpr auto a_while = 120ms;

TEST_P(no_deadlock, while_a_goroutine_sleeps) {
  const auto body = [] {
    const weft::chan<int> c;
    weft::go([c] {
      weft::sleep_for(a_while);
      c.send(1);
    });
    c.recv();
    all_is_well();
  };
  EXPECT_EXIT(body(), ExitedWithCode(0), "");
}

TEST_P(no_deadlock, while_a_timer_is_set) {
  const auto body = [] {
    weft::after(a_while).recv();
    const weft::chan<int> c;
    weft::after_func(a_while, [c] { c.send(1); });
    c.recv();
    const auto [ctx, cancel] = weft::with_timeout(weft::background(), a_while);
    ctx.done().recv();
    all_is_well();
  };
  EXPECT_EXIT(body(), ExitedWithCode(0), "");
}

TEST_P(no_deadlock, while_a_plain_thread_waits_with_a_deadline) {
  const auto body = [] {
    const weft::chan<int> c;
    std::thread([c] {
      static_cast<void>(weft::chan<int>().recv_for(a_while));
      c.send(1);
    }).detach();
    c.recv();
    all_is_well();
  };
  EXPECT_EXIT(body(), ExitedWithCode(0), "");
}

TEST_P(no_deadlock, while_a_thread_is_elsewhere) {
  const auto body = [] {
    const weft::chan<int> c;
    std::thread([c] {
      ::usleep(150'000);
      c.send(1);
    }).detach();
    weft::go([c] { c.recv(); });
    weft::chan<void> never;
    static_cast<void>(never);
    while (weft::num_goroutines() > 0) ::usleep(1000);
    all_is_well();
  };
  EXPECT_EXIT(body(), ExitedWithCode(0), "");
}

TEST_P(no_deadlock, while_a_goroutine_is_in_a_blocking_call) {
  const auto body = [] {
    const weft::chan<int> c;
    weft::go([c] {
      ::usleep(150'000);
      c.send(1);
    });
    c.recv();
    weft::go([c] {
      weft::blocking([] { ::usleep(150'000); });
      c.send(1);
    });
    c.recv();
    all_is_well();
  };
  EXPECT_EXIT(body(), ExitedWithCode(0), "");
}

TEST_P(no_deadlock, while_a_signal_is_awaited) {
  const auto body = [] {
    const auto [ctx, stop] = weft::notify_context(weft::background(), {SIGALRM});
    itimerval once{};
    once.it_value.tv_usec = 150'000;
    ::setitimer(ITIMER_REAL, &once, nullptr);
    ctx.done().recv();
    all_is_well();
  };
  EXPECT_EXIT(body(), ExitedWithCode(0), "");
}

/// A token goes round plain threads, goroutines and main, all of which wait in weft; whoever has it
/// dawdles for a random time, now and then longer than the detector's pauses.
void pass_a_token_round() {
  constexpr int members = 7;
  constexpr int rounds = 300;
  static std::array<weft::chan<int>, members> seats;
  const auto member = [](int number) {
    std::minstd_rand random(static_cast<unsigned>(number));
    for (;;) {
      const int token = *seats[static_cast<std::size_t>(number)].recv();
      const unsigned what = static_cast<unsigned>(random()) % 64;
      if (what == 0) ::usleep(14'000);
      if (what == 1) weft::sleep_for(12ms);
      if (what == 2)
        for (const auto end = std::chrono::steady_clock::now() + 8ms;
             std::chrono::steady_clock::now() < end;) {
        }
      if (token == members * rounds) all_is_well();
      seats[static_cast<std::size_t>((number + 1) % members)].send(token + 1);
    }
  };
  for (int i = 1; i < members; ++i) {
    if (i % 2 == 0)
      weft::go(member, i);
    else
      std::thread(member, i).detach();
  }
  weft::go([] { seats[0].send(0); });
  member(0);
}

TEST_P(no_deadlock, while_a_token_goes_round) {
  for (int i = 0; i < 5; ++i) EXPECT_EXIT(pass_a_token_round(), ExitedWithCode(0), "");
}

}  // namespace
