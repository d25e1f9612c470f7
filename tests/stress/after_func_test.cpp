// Functions that a timer starts: each setting runs the function once, or says that it will not.
#include <atomic>
#include <memory>

#include "support.hpp"

namespace {

using namespace std::chrono_literals;

class after_func_race : public stress::at_processors {};
WEFT_AT_PROCESSORS(after_func_race);

std::chrono::nanoseconds short_delay(stress::random_source& random) {
  return std::chrono::nanoseconds(random.below(150'000));
}

/// Waits for calls that have been started but not counted yet: a hang makes it fail.
void await(const std::atomic<int>& value, int wanted) {
  const auto until = std::chrono::steady_clock::now() + 60s;
  while (value.load() < wanted && std::chrono::steady_clock::now() < until) weft::yield();
}

TEST_P(after_func_race, stop_tells_whether_the_function_runs) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    constexpr int parties = 4;
    constexpr int each = 500 / stress::slowdown;
    constexpr int count = parties * each;
    std::atomic<int> ran{0};
    std::atomic<int> stopped{0};
    stress::crew crew;
    for (int party = 0; party < parties; ++party)
      crew.start(party == 0, [&, own = random.next()] {
        stress::random_source choice(own);
        for (int i = 0; i < each; ++i) {
          const weft::timer t = weft::after_func(short_delay(choice), [&ran] { ran.fetch_add(1); });
          if (choice.percent(30)) weft::sleep_for(short_delay(choice));
          if (choice.percent(70) && t.stop()) stopped.fetch_add(1);
        }
      });
    crew.join();
    await(ran, count - stopped.load());
    stress::expect_no_goroutines();
    EXPECT_EQ(ran.load() + stopped.load(), count);
  });
}

/// Stopped once for all with the answer true, a function must not run, however late one looks.
TEST_P(after_func_race, never_runs_after_stop_returned_true) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    std::vector<std::shared_ptr<std::atomic<int>>> forbidden;
    for (int i = 0; i < 500 / stress::slowdown; ++i) {
      auto runs = std::make_shared<std::atomic<int>>(0);
      const weft::timer t = weft::after_func(short_delay(random), [runs] { runs->fetch_add(1); });
      if (random.percent(50)) weft::yield();
      if (t.stop()) {
        EXPECT_EQ(runs->load(), 0);
        EXPECT_FALSE(t.stop()) << "there was nothing left to stop";
        forbidden.push_back(std::move(runs));
      }
    }
    weft::sleep_for(300us);
    stress::expect_no_goroutines();
    for (const auto& runs : forbidden) EXPECT_EQ(runs->load(), 0);
  });
}

TEST_P(after_func_race, each_setting_runs_once_or_is_prevented_once) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    std::atomic<int> set{1};
    std::atomic<int> prevented{0};
    std::atomic<int> ran{0};
    const weft::timer t = weft::after_func(short_delay(random), [&ran] { ran.fetch_add(1); });
    stress::crew crew;
    for (int party = 0; party < 5; ++party)
      crew.start(party == 0, [&, t, own = random.next()] {
        stress::random_source choice(own);
        for (int step = 0; step < 100 / stress::slowdown + 5; ++step) {
          if (choice.percent(40)) {
            if (t.stop()) prevented.fetch_add(1);
          } else {
            set.fetch_add(1);
            if (t.reset(short_delay(choice))) prevented.fetch_add(1);
          }
          if (choice.percent(30)) weft::sleep_for(short_delay(choice));
        }
      });
    crew.join();
    if (t.stop()) prevented.fetch_add(1);
    await(ran, set.load() - prevented.load());
    stress::expect_no_goroutines();
    EXPECT_EQ(set.load(), ran.load() + prevented.load());
  });
}

/// Two functions that set each other anew without end must not starve the others.
TEST_P(after_func_race, functions_that_rearm_each_other_do_not_starve_the_rest) {
  const weft::chan<void> first(1);
  const weft::chan<void> second(1);
  std::atomic<bool> over{false};
  std::atomic<long> turns{0};
  const auto rearm = [&](const weft::chan<void>& mine) {
    return [&over, &turns, mine] {
      turns.fetch_add(1);
      if (!over.load()) static_cast<void>(mine.try_send());
    };
  };
  const weft::timer a = weft::after_func(0ns, rearm(first));
  const weft::timer b = weft::after_func(0ns, rearm(second));
  weft::wait_group pumps;
  pumps.go([&] {
    while (first.recv()) b.reset(0ns);
  });
  pumps.go([&] {
    while (second.recv()) a.reset(0ns);
  });
  weft::wait_group others;
  for (int i = 0; i < 20; ++i)
    others.go([] {
      for (int n = 0; n < 200; ++n) weft::yield();
    });
  others.wait();
  over.store(true);
  a.stop();
  b.stop();
  first.close();
  second.close();
  pumps.wait();
  a.stop();
  b.stop();
  stress::expect_no_goroutines();
  EXPECT_GE(turns.load(), 2);
}

TEST_P(after_func_race, functions_may_park_and_set_timers_themselves) {
  stress::repeat([](std::uint64_t) {
    constexpr int count = 300 / stress::slowdown;
    const weft::chan<int> results(8);
    for (int i = 0; i < count; ++i)
      weft::after_func(std::chrono::microseconds(i % 50), [results, i] {
        weft::sleep_for(10us);
        weft::after_func(5us, [results, i] { results.send(i); });
      });
    std::vector<int> seen(count, 0);
    for (int i = 0; i < count; ++i) ++seen[static_cast<std::size_t>(*results.recv())];
    for (int times : seen) EXPECT_EQ(times, 1);
  });
}

}  // namespace
