// The rules of parallel_for.
#include <weft/tasks/parallel.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::everywhere;
using weft_test::on_goroutine;
using weft_test::on_one_processor;
using weft_test::scaled;
using weft_test::what_thrown;

using ParallelFor = weft_test::fixture;

/// How often each index was visited.
class visits {
 public:
  explicit visits(std::size_t count) : seen_(count) {}
  void operator()(std::size_t i) { seen_.at(i).fetch_add(1); }
  void expect_each(int times) const {
    for (std::size_t i = 0; i < seen_.size(); ++i) ASSERT_EQ(seen_[i], times) << "index " << i;
  }
  int sum() const {
    int all = 0;
    for (const auto& each : seen_) all += each;
    return all;
  }

 private:
  std::vector<std::atomic<int>> seen_;
};

TEST_F(ParallelFor, EveryIndexOnce) {
  everywhere([] {
    for (const int n : {0, 1, 2, 3, 7, 64, 1'000, scaled(100'000)}) {
      visits seen(static_cast<std::size_t>(n));
      weft::parallel_for(0, n, [&](int i) { seen(static_cast<std::size_t>(i)); });
      seen.expect_each(1);
    }
  });
}

TEST_F(ParallelFor, EveryIndexOnceWithSlowBodies) {
  everywhere([] {
    visits seen(200);
    weft::parallel_for(std::size_t{0}, std::size_t{200}, [&](std::size_t i) {
      if (i % 3 == 0) weft::yield();
      if (i % 50 == 0) weft::sleep_for(100us);
      seen(i);
    });
    seen.expect_each(1);
  });
}

TEST_F(ParallelFor, AnyGrain) {
  everywhere([] {
    for (const std::ptrdiff_t grain :
         {std::ptrdiff_t{-5}, std::ptrdiff_t{0}, std::ptrdiff_t{1}, std::ptrdiff_t{7},
          std::ptrdiff_t{999}, std::ptrdiff_t{1'000}, std::ptrdiff_t{5'000},
          std::numeric_limits<std::ptrdiff_t>::min(), std::numeric_limits<std::ptrdiff_t>::max()}) {
      visits seen(1'000);
      weft::parallel_for(std::size_t{0}, std::size_t{1'000}, std::ref(seen), grain);
      seen.expect_each(1);
    }
  });
}

TEST_F(ParallelFor, EmptyAndReversedRangesDoNothing) {
  everywhere([] {
    const auto never = [](auto) { ADD_FAILURE(); };
    weft::parallel_for(0, 0, never);
    weft::parallel_for(5, -5, never);
    weft::parallel_for(10U, 3U, never);
    weft::parallel_for(std::numeric_limits<int>::max(), std::numeric_limits<int>::min(), never);
    std::vector<int> empty;
    weft::parallel_for(empty, never);
    weft::parallel_for(std::views::iota(3, 3), never);
  });
}

TEST_F(ParallelFor, IndicesOfEveryType) {
  everywhere([] {
    std::atomic<int> sum{0};
    weft::parallel_for(std::int8_t{-128}, std::int8_t{127}, [&](std::int8_t i) { sum += i; });
    EXPECT_EQ(sum, -128 - 127);
    std::atomic<std::uint64_t> top{0};
    constexpr std::uint64_t end = std::numeric_limits<std::uint64_t>::max();
    weft::parallel_for(end - 10, end, [&](std::uint64_t i) { top += end - i; });
    EXPECT_EQ(top, 55U);
    constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
    std::atomic<int> count{0};
    weft::parallel_for(least, least + 10, [&](std::int64_t i) {
      EXPECT_LT(i, least + 10);
      ++count;
    });
    EXPECT_EQ(count, 10);
    const std::vector<int> v(7);
    std::atomic<std::size_t> mixed{0};
    weft::parallel_for(0, v.size(), [&](std::size_t i) { mixed += i; });
    EXPECT_EQ(mixed, 21U);
  });
}

TEST_F(ParallelFor, ARangeFromTheLeastToTheGreatestIsAbandonedInTime) {
  everywhere([] {
    std::atomic<int> calls{0};
    EXPECT_THROW(
        weft::parallel_for(std::numeric_limits<int>::min(), std::numeric_limits<int>::max(),
                           [&](int) {
                             if (++calls == 1'000) throw std::runtime_error("enough");
                           }),
        std::runtime_error);
  });
}

TEST_F(ParallelFor, ElementsOfARange) {
  everywhere([] {
    std::vector<int> v(scaled(10'000), 1);
    weft::parallel_for(v, [](int& x) { x += 1; });
    for (const int x : v) ASSERT_EQ(x, 2);
    std::deque<std::string> texts(100, "a");
    weft::parallel_for(texts, [](std::string& s) { s += "b"; });
    for (const auto& s : texts) ASSERT_EQ(s, "ab");
    int plain[10] = {};
    weft::parallel_for(plain, [](int& x) { x = 5; });
    EXPECT_EQ(plain[9], 5);
    std::atomic<int> sum{0};
    weft::parallel_for(std::views::iota(0, 100), [&](int i) { sum += i; });
    EXPECT_EQ(sum, 4950);
    const std::vector<std::unique_ptr<int>> none(3);
    weft::parallel_for(none, [](const std::unique_ptr<int>& p) { EXPECT_FALSE(p); });
    std::vector<bool> bits(10);
    weft::parallel_for(bits | std::views::take(1), [](auto bit) { bit = true; });
    EXPECT_TRUE(bits[0]);
  });
}

TEST_F(ParallelFor, InOrderOnOneProcessor) {
  on_one_processor([] {
    std::vector<int> order;
    weft::parallel_for(0, 1'000, [&](int i) { order.push_back(i); });
    ASSERT_EQ(order.size(), 1'000U);
    for (int i = 0; i < 1'000; ++i) ASSERT_EQ(order[static_cast<std::size_t>(i)], i);
  });
}

/// The range has no end: only the other goroutine's turn can end the loop.
TEST_F(ParallelFor, OthersRunNowAndThenOnOneProcessor) {
  on_one_processor([] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    weft::go([cancel = cancel] { cancel(); });
    std::atomic<std::int64_t> calls{0};  // so that no compiler leaves the calls out
    EXPECT_FALSE(weft::parallel_for(ctx, std::int64_t{0}, std::numeric_limits<std::int64_t>::max(),
                                    [&](std::int64_t) { ++calls; }));
  });
}

TEST_F(ParallelFor, TheFunctionIsNotCopied) {
  everywhere([] {
    struct only_here {
      std::atomic<int> calls{0};
      void operator()(int) { ++calls; }
    } f;
    weft::parallel_for(0, 1'000, f);
    EXPECT_EQ(f.calls, 1'000);
    const weft_test::copy_thrower bad(2);
    const auto holds = [&bad](int) { EXPECT_EQ(bad.value, 2); };
    weft::parallel_for(0, 10, holds);
  });
}

TEST_F(ParallelFor, AnExceptionAtEachPointReachesTheCaller) {
  everywhere([] {
    for (int bad = 0; bad < 100; ++bad) {
      std::atomic<int> running{0};
      EXPECT_EQ(what_thrown<std::runtime_error>([&] {
                  weft::parallel_for(0, 100, [&](int i) {
                    ++running;
                    const weft::defer out([&] { --running; });
                    if (i == bad) throw std::runtime_error(std::to_string(i));
                  });
                }),
                std::to_string(bad));
      EXPECT_EQ(running, 0) << "a body outlived the loop";
    }
  });
}

TEST_F(ParallelFor, AnExceptionAbandonsTheRest) {
  everywhere([] {
    visits seen(1'000'000);
    EXPECT_THROW(weft::parallel_for(0, 1'000'000,
                                    [&](int i) {
                                      seen(static_cast<std::size_t>(i));
                                      if (i == 0) throw std::runtime_error("at once");
                                      if (i % 100 == 0) weft::yield();
                                    }),
                 std::runtime_error);
    EXPECT_LT(seen.sum(), 1'000'000);
  });
}

TEST_F(ParallelFor, ExceptionsOfManyBodiesAreOne) {
  everywhere([] {
    for (int i = 0; i < scaled(100); ++i)
      EXPECT_THROW(weft::parallel_for(0, 100,
                                      [](int k) {
                                        weft::yield();
                                        throw std::runtime_error(std::to_string(k));
                                      }),
                   std::runtime_error);
  });
}

TEST_F(ParallelFor, ExitGoroutineInABodyIsATaskThatExited) {
  on_goroutine([] {
    EXPECT_THROW(weft::parallel_for(0, 100,
                                    [](int i) {
                                      if (i == 50) weft::exit_goroutine();
                                    }),
                 weft::task_exited);
  });
}

TEST_F(ParallelFor, CancelledBeforeItBeginsItDoesNothing) {
  everywhere([] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    cancel();
    const auto never = [](auto) { ADD_FAILURE(); };
    EXPECT_FALSE(weft::parallel_for(ctx, 0, 100, never));
    EXPECT_FALSE(weft::parallel_for(ctx, 0, 0, never));
    std::vector<int> v(10);
    EXPECT_FALSE(weft::parallel_for(ctx, v, never));
    std::stop_source stop;
    stop.request_stop();
    EXPECT_FALSE(weft::parallel_for(stop.get_token(), 0, 100, never));
  });
}

TEST_F(ParallelFor, CancelledInTheMiddleItHandsOutNothingMore) {
  everywhere([] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    visits seen(1'000'000);
    std::atomic<int> running{0};
    EXPECT_FALSE(weft::parallel_for(ctx, 0, 1'000'000, [&, cancel = cancel](int i) {
      ++running;
      seen(static_cast<std::size_t>(i));
      if (i == 5) cancel();
      --running;
    }));
    EXPECT_EQ(running, 0);
    EXPECT_LT(seen.sum(), 1'000'000);
  });
}

TEST_F(ParallelFor, CancelledAfterTheLastWasHandedOutItIsWhole) {
  everywhere([] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    visits seen(1);
    EXPECT_TRUE(weft::parallel_for(ctx, 0, 1, [&, cancel = cancel](int) {
      seen(0);
      cancel();
    }));
    seen.expect_each(1);
    EXPECT_TRUE(weft::parallel_for(weft::background(), 0, 100, [](int) {}));
  });
}

TEST_F(ParallelFor, Nested) {
  everywhere([] {
    visits seen(20 * 30 * 5);
    weft::parallel_for(0, 20, [&](int a) {
      weft::parallel_for(0, 30, [&](int b) {
        weft::parallel_for(0, 5,
                           [&](int c) { seen(static_cast<std::size_t>((a * 30 + b) * 5 + c)); });
      });
    });
    seen.expect_each(1);
  });
}

TEST_F(ParallelFor, NestedInTasksInTaskGroups) {
  everywhere([] {
    visits seen(4 * 4 * 100);
    weft::task_group g;
    for (std::size_t a = 0; a < 4; ++a)
      g.go([&, a] {
        std::vector<weft::task<void>> tasks;
        for (std::size_t b = 0; b < 4; ++b)
          tasks.push_back(weft::spawn([&, a, b] {
            weft::parallel_for(std::size_t{0}, std::size_t{100}, [&](std::size_t c) {
              if (c % 10 == 0) weft::yield();
              seen((a * 4 + b) * 100 + c);
            });
          }));
        weft::when_all(tasks);
      });
    g.wait();
    seen.expect_each(1);
  });
}

TEST_F(ParallelFor, ANestedExceptionPassesThrough) {
  everywhere([] {
    EXPECT_EQ(what_thrown<std::runtime_error>([] {
                weft::parallel_for(0, 10, [](int a) {
                  weft::parallel_for(0, 10, [a](int b) {
                    if (a == 5 && b == 5) throw std::runtime_error("inner");
                  });
                });
              }),
              "inner");
  });
}

TEST_F(ParallelFor, BodiesOfTwoLoopsTalkToEachOther) {
  everywhere([] {
    const weft::chan<int> c;
    const int count = scaled(1'000);
    std::atomic<std::int64_t> sum{0};
    const auto sender =
        weft::spawn([&] { weft::parallel_for(0, count, [&](int i) { c.send(i); }); });
    weft::parallel_for(0, count, [&](int) { sum += *c.recv(); });
    sender.join();
    EXPECT_EQ(sum, std::int64_t{count} * (count - 1) / 2);
  });
}

/// What a pool of threads cannot do: more bodies wait than there are processors.
TEST_F(ParallelFor, WhileBodiesBlockOthersRun) {
  everywhere([] {
    std::atomic<int> begun{0};
    const weft::chan<void> gate;
    const auto opener = weft::spawn([&] {
      EXPECT_TRUE(weft_test::eventually([&] { return begun == 50; }));
      gate.close();
    });
    weft::parallel_for(0, 50, [&](int) {
      ++begun;
      gate.recv();
    });
    opener.join();
  });
}

TEST_F(ParallelFor, ManyLoopsAtOnce) {
  everywhere([] {
    std::vector<weft::task<void>> loops;
    visits seen(20 * 500);
    for (std::size_t l = 0; l < 20; ++l)
      loops.push_back(weft::spawn([&, l] {
        weft::parallel_for(std::size_t{0}, std::size_t{500},
                           [&](std::size_t i) { seen(l * 500 + i); });
      }));
    weft::when_all(loops);
    seen.expect_each(1);
  });
}

TEST_F(ParallelFor, WhatBodiesWroteIsSeenAfterwards) {
  everywhere([] {
    for (int round = 0; round < scaled(50); ++round) {
      std::vector<int> plain(300);
      weft::parallel_for(0, 300, [&](int i) {
        if (i % 7 == 0) weft::yield();
        plain[static_cast<std::size_t>(i)] = i + round;
      });
      for (int i = 0; i < 300; ++i) ASSERT_EQ(plain[static_cast<std::size_t>(i)], i + round);
    }
  });
}

TEST_F(ParallelFor, TheNumberOfProcessorsMayChangeMeanwhile) {
  const weft_test::procs_scope scope(4);
  visits seen(2'000);
  weft::parallel_for(std::size_t{0}, std::size_t{2'000}, [&](std::size_t i) {
    if (i % 100 == 0) weft::set_max_procs(static_cast<int>(i / 100 % 4) + 1);
    seen(i);
  });
  seen.expect_each(1);
}

}  // namespace
