// Crowds that sleep and yield: nobody wakes early, nobody is forgotten, nobody starves.
#include <atomic>

#include "support.hpp"

namespace {

using namespace std::chrono_literals;

class sleep_storm : public stress::at_processors {};
WEFT_AT_PROCESSORS(sleep_storm);

TEST_P(sleep_storm, nobody_wakes_early_and_everybody_wakes) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    std::atomic<int> woke{0};
    std::atomic<int> early{0};
    constexpr int sleepers = stress::crowd / 2;
    weft::wait_group all;
    for (int i = 0; i < sleepers; ++i)
      all.go([&, delay = std::chrono::nanoseconds(random.below(5'000'000))] {
        const auto start = weft::clock::now();
        weft::sleep_for(delay);
        if (weft::clock::now() - start < delay) early.fetch_add(1);
        woke.fetch_add(1);
      });
    all.wait();
    EXPECT_EQ(early.load(), 0);
    EXPECT_EQ(woke.load(), sleepers);
  });
}

TEST_P(sleep_storm, one_instant_for_all) {
  stress::repeat([](std::uint64_t) {
    const auto instant = weft::clock::now() + 2ms;
    std::atomic<int> early{0};
    stress::crew crew;
    for (int i = 0; i < stress::crowd / 10; ++i)
      crew.start(i < 8, [&early, instant] {
        weft::sleep_until(instant);
        if (weft::clock::now() < instant) early.fetch_add(1);
      });
    crew.join();
    EXPECT_EQ(early.load(), 0);
  });
}

TEST_P(sleep_storm, many_short_sleeps_in_a_row_of_goroutines_and_threads) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    stress::crew crew;
    for (int i = 0; i < 40; ++i)
      crew.start(i < 6, [own = random.next()] {
        stress::random_source choice(own);
        for (int n = 0; n < 50 / stress::slowdown + 1; ++n) {
          const auto delay = choice.tiny_wait();
          const auto start = weft::clock::now();
          weft::sleep_for(delay);
          EXPECT_GE(weft::clock::now() - start, delay);
        }
      });
    crew.join();
  });
}

TEST_P(sleep_storm, yielders_all_get_to_their_end) {
  stress::repeat([](std::uint64_t) {
    constexpr int yielders = stress::crowd / 10;
    constexpr int times = 100;
    std::atomic<long> steps{0};
    weft::wait_group all;
    for (int i = 0; i < yielders; ++i)
      all.go([&steps] {
        for (int n = 0; n < times; ++n) {
          weft::yield();
          steps.fetch_add(1);
        }
      });
    all.wait();
    EXPECT_EQ(steps.load(), long{yielders} * times);
  });
}

/// Pairs that always have each other to run, while one goroutine needs a single turn and another
/// waits for a timer: both must come to their end before the pairs do.
TEST_P(sleep_storm, busy_pairs_do_not_starve_a_newcomer_or_a_timer) {
  std::atomic<bool> over{false};
  weft::wait_group pairs;
  for (int i = 0; i < 8; ++i) {
    const weft::chan<int> there;
    const weft::chan<int> back;
    pairs.go([=, &over] {
      for (int n = 0; !over.load(); ++n) {
        there.send(n);
        back.recv();
      }
      there.close();
    });
    pairs.go([=] {
      for (int n : there) back.send(n);
    });
  }
  weft::wait_group others;
  others.go([] {});
  others.go([] { weft::sleep_for(20us); });
  others.go([] {
    for (int n = 0; n < 100; ++n) weft::yield();
  });
  others.wait();
  over.store(true);
  pairs.wait();
}

TEST_P(sleep_storm, processors_come_and_go_while_all_sleep_and_yield) {
  stress::repeat([](std::uint64_t seed) {
    stress::processor_shaker shaker(seed);
    stress::random_source random(seed);
    std::atomic<int> woke{0};
    constexpr int sleepers = stress::crowd / 20;
    stress::crew crew;
    for (int i = 0; i < sleepers; ++i)
      crew.start(i < 4, [&woke, own = random.next()] {
        stress::random_source choice(own);
        for (int n = 0; n < 10; ++n) {
          weft::sleep_for(choice.tiny_wait());
          weft::yield();
        }
        woke.fetch_add(1);
      });
    crew.join();
    EXPECT_EQ(woke.load(), sleepers);
  });
}

}  // namespace
