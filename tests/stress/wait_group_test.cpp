// Wait groups under load: nobody is released early, nobody is forgotten, and they can be reused.
#include <atomic>

#include "support.hpp"

namespace {

using namespace std::chrono_literals;

class wait_group_hammer : public stress::at_processors {};
WEFT_AT_PROCESSORS(wait_group_hammer);

/// Go's two-phase barrier: 16 parties report to one group and wait for it, then to the other.
void two_phases(const weft::wait_group& first, const weft::wait_group& second, int threads) {
  constexpr int parties = 16;
  first.add(parties);
  second.add(parties);
  std::atomic<int> arrived{0};
  std::atomic<int> left{0};
  stress::crew crew;
  for (int i = 0; i < parties; ++i)
    crew.start(i < threads, [&, first, second] {
      arrived.fetch_add(1);
      first.done();
      first.wait();
      EXPECT_EQ(arrived.load(), parties) << "the first phase was released early";
      left.fetch_add(1);
      second.done();
      second.wait();
      EXPECT_EQ(left.load(), parties) << "the second phase was released early";
    });
  crew.join();
}

TEST_P(wait_group_hammer, a_two_phase_barrier_of_goroutines_and_threads) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    const weft::wait_group first;
    const weft::wait_group second;
    for (int round = 0; round < 8; ++round)
      two_phases(first, second, static_cast<int>(random.below(6)));
  });
}

TEST_P(wait_group_hammer, reused_for_many_rounds) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    const weft::wait_group all;
    std::size_t plain = 0;  // ordered by the group alone
    for (int round = 0; round < 300 / stress::slowdown; ++round) {
      const std::size_t tasks = 1 + random.below(40);
      std::vector<std::size_t> results(tasks, 0);
      for (std::size_t i = 0; i < tasks; ++i)
        all.go([&results, i, pause = random.percent(10)] {
          if (pause) weft::yield();
          results[i] = i + 1;
        });
      all.wait();
      for (std::size_t i = 0; i < tasks; ++i) plain += results[i] == i + 1 ? 1 : 1'000'000;
      ASSERT_LT(plain, 1'000'000U) << "wait returned before a task had written its result";
    }
  });
}

TEST_P(wait_group_hammer, many_wait_and_all_are_released) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    const weft::wait_group work;
    std::atomic<bool> finished{false};
    std::atomic<int> released{0};
    work.add();
    {
      stress::crew waiters;
      constexpr int count = 24;
      for (int i = 0; i < count; ++i)
        waiters.start(i % 6 == 0, [&, work] {
          work.wait();
          EXPECT_TRUE(finished.load());
          released.fetch_add(1);
        });
      weft::sleep_for(random.tiny_wait());
      finished.store(true);
      work.done();
      waiters.join();
      EXPECT_EQ(released.load(), count);
    }
  });
}

TEST_P(wait_group_hammer, waits_that_run_out_of_time_leave_no_trace) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    const weft::wait_group work;
    std::atomic<bool> finished{false};
    work.add(3);
    stress::crew crew;
    for (int i = 0; i < 12; ++i)
      crew.start(i % 4 == 0, [&, work, own = random.next()] {
        stress::random_source waits(own);
        while (!work.wait_for(waits.tiny_wait()))
          if (waits.percent(10)) weft::yield();
        EXPECT_TRUE(finished.load()) << "released before the last done";
      });
    weft::sleep_for(random.tiny_wait());
    work.done();
    work.add(2);
    work.add(-3);
    weft::sleep_for(random.tiny_wait());
    finished.store(true);
    work.done();
    crew.join();
    EXPECT_TRUE(work.wait_for(-1s)) << "a count of zero needs no time";
  });
}

/// A waiter that gave up leaves its mark in the group; it must not end a later round's wait.
TEST_P(wait_group_hammer, a_wait_that_timed_out_does_not_end_the_next_round) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    stress::crew crew;
    for (int party = 0; party < 8; ++party)
      crew.start(party % 2 == 0, [own = random.next()] {
        stress::random_source choice(own);
        const weft::wait_group work;
        for (int round = 0; round < 200 / stress::slowdown; ++round) {
          std::atomic<bool> finished{false};
          work.go([&finished, yields = choice.below(3)] {
            for (std::size_t i = 0; i < yields; ++i) weft::yield();
            finished.store(true);
          });
          static_cast<void>(work.wait_for(std::chrono::nanoseconds(1 + choice.below(4'000))));
          work.wait();
          EXPECT_TRUE(finished.load()) << "released by the round before";
        }
      });
    crew.join();
  });
}

/// The handle that wait was called on is the last one that stays; the others go with the closures.
TEST_P(wait_group_hammer, handles_die_while_the_last_done_is_still_running) {
  stress::repeat([](std::uint64_t) {
    for (int i = 0; i < 500 / stress::slowdown; ++i) {
      weft::wait_group all;
      all.go([] {});
      all.go([all] { static_cast<void>(all); });
      all.wait();
    }
  });
}

}  // namespace
