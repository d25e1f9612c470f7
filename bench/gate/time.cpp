// Timers, sleeps and contexts. What is waited for is due at once: how long never matters.
#include <chrono>

#include "gate.hpp"

namespace {

using namespace std::chrono_literals;

const gate::row stopped("timer_start_stop", [](std::int64_t n) {
  std::int64_t stops = 0;
  for (std::int64_t i = 0; i < n; ++i) stops += weft::timer(1h).stop() ? 1 : 0;
  gate::expect_equal(stops, n, "timers stopped");
});

const gate::row put_off("timer_reset", [](std::int64_t n) {
  const weft::timer t(1h);
  std::int64_t resets = 0;
  for (std::int64_t i = 0; i < n; ++i) resets += t.reset(1h) ? 1 : 0;
  gate::expect_equal(resets, n, "timers put off");
});

/// gate.py leaves it out of the sum, under this name: how long it takes is not the question.
extern "C" [[gnu::noinline]] void gate_wait_for_clock(std::chrono::steady_clock::time_point until) {
  while (std::chrono::steady_clock::now() <= until) {
  }
}

/// While one sleeps, the other sees to it that the time is over when the worker looks for work: it
/// never sleeps itself. A buffered value goes to the other and wakes it.
const gate::row slept(
    "sleep_fired",
    [](std::int64_t n) {
      using clock = std::chrono::steady_clock;
      const weft::chan<clock::time_point> asleep(1);
      weft::go([asleep, n] {
        for (std::int64_t i = 0; i < n; ++i) {
          const clock::time_point due = clock::now() + 200us;
          asleep.send(due);
          weft::sleep_until(due);
        }
        asleep.close();
      });
      std::int64_t sleeps = 0;
      for (const clock::time_point due : asleep) {
        gate_wait_for_clock(due);
        ++sleeps;
      }
      gate::expect_equal(sleeps, n, "sleeps");
    },
    200);

const gate::row after("after_fired", [](std::int64_t n) {
  std::int64_t fired = 0;
  for (std::int64_t i = 0; i < n; ++i) fired += weft::after(1ns).recv() ? 1 : 0;
  gate::expect_equal(fired, n, "timers fired");
});

/// 64 timers that are stopped in the order in which they were started.
const gate::row crowd(
    "timers_64_start_stop",
    [](std::int64_t n) {
      std::vector<weft::timer> all;
      all.reserve(64);
      std::int64_t stops = 0;
      for (std::int64_t done = 0; done < n; done += 64) {
        for (std::int64_t i = 0; i < 64; ++i) all.emplace_back(1h + 1min * (i * 37 % 64));
        for (const weft::timer& t : all) stops += t.stop() ? 1 : 0;
        all.clear();
      }
      gate::expect_equal(stops, n, "timers stopped");
    },
    1'280);

const gate::row cancelled("context_with_cancel", [](std::int64_t n) {
  const auto parent = weft::with_cancel(weft::background());
  for (std::int64_t i = 0; i < n; ++i) {
    auto [ctx, cancel] = weft::with_cancel(parent.ctx);
    cancel();
  }
});

const gate::row bounded("context_with_timeout", [](std::int64_t n) {
  const auto parent = weft::with_cancel(weft::background());
  for (std::int64_t i = 0; i < n; ++i) {
    auto [ctx, cancel] = weft::with_timeout(parent.ctx, 1h);
    cancel();
  }
});

const gate::row waited("context_recv_ready", [](std::int64_t n) {
  const weft::chan<std::int64_t> c(1);
  const auto made = weft::with_cancel(weft::background());
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    c.send(1);
    sum += *c.recv(made.ctx);
  }
  gate::expect_equal(sum, n, "received");
});

}  // namespace
