// The rules of when_all and when_any.
#include <weft/tasks/when.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::scaled;
using weft_test::what_thrown;

using When = weft_test::fixture;

weft::task<int> number(int n) {
  return weft::spawn([n] {
    if (n % 3 == 0) weft::yield();
    return n;
  });
}

TEST_F(When, AllGivesATupleInOrder) {
  everywhere([] {
    auto a = number(3);
    auto nothing = weft::spawn([] {});
    auto [x, y, z, w] = weft::when_all(a, weft::spawn([] { return std::string("text"); }), nothing,
                                       weft::spawn([] { return std::make_unique<int>(9); }));
    static_assert(std::is_same_v<decltype(z), std::monostate>);
    EXPECT_EQ(x, 3);
    EXPECT_EQ(y, "text");
    EXPECT_EQ(*w, 9);
  });
}

TEST_F(When, AllKeepsReferences) {
  everywhere([] {
    int there = 1;
    auto t = weft::spawn([&]() -> int& { return there; });
    std::tuple<int&> all = weft::when_all(t);
    EXPECT_EQ(&std::get<0>(all), &there);
    std::vector<weft::task<int&>> many;
    many.push_back(weft::spawn([&]() -> int& { return there; }));
    EXPECT_EQ(&weft::when_all(many).front().get(), &there);
  });
}

TEST_F(When, AllOfAVectorGivesAVectorInOrder) {
  everywhere([] {
    std::vector<weft::task<int>> tasks;
    for (int i = 0; i < scaled(1'000); ++i) tasks.push_back(number(i));
    const std::vector<int> results = weft::when_all(std::move(tasks));
    for (int i = 0; i < scaled(1'000); ++i) EXPECT_EQ(results[static_cast<std::size_t>(i)], i);
  });
}

TEST_F(When, AllOfNothingIsNothing) {
  EXPECT_TRUE(weft::when_all(std::vector<weft::task<int>>()).empty());
  std::vector<weft::task<void>> none;
  weft::when_all(none);
}

TEST_F(When, AllTakesArraysAndVoid) {
  everywhere([] {
    std::atomic<int> ran{0};
    std::array<weft::task<void>, 3> tasks;
    for (auto& each : tasks) each = weft::spawn([&] { ++ran; });
    weft::when_all(tasks);
    EXPECT_EQ(ran, 3);
  });
}

TEST_F(When, AllThrowsTheFirstInOrderAfterAllHaveEnded) {
  everywhere([] {
    std::atomic<int> ended{0};
    const weft::chan<void> gate;
    std::vector<weft::task<int>> tasks;
    tasks.push_back(number(0));
    tasks.push_back(weft::spawn([&, gate]() -> int {
      gate.recv();
      ++ended;
      throw std::runtime_error("second");
    }));
    tasks.push_back(weft::spawn([&, gate]() -> int {
      ++ended;
      gate.close();
      throw std::runtime_error("third");
    }));
    tasks.push_back(weft::spawn([&] {
      let_others_run();
      return ++ended;
    }));
    EXPECT_EQ(what_thrown<std::runtime_error>([&] { weft::when_all(std::move(tasks)); }), "second");
    EXPECT_EQ(ended, 3);
  });
}

TEST_F(When, AllWithinABoundTakesNothingWhenItIsOver) {
  everywhere([] {
    const weft::chan<void> gate;
    auto quick = number(1);
    auto slow = weft::spawn([=] {
      gate.recv();
      return 2;
    });
    EXPECT_FALSE(weft::when_all_for(1ms, quick, slow));
    EXPECT_FALSE(weft::when_all_until(std::chrono::steady_clock::now() - 1s, quick, slow));
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    weft::go([cancel = cancel] {
      let_others_run();
      cancel();
    });
    EXPECT_FALSE(weft::when_all(ctx, quick, slow));
    gate.close();
    const auto both = weft::when_all_for(1h, quick, slow);
    ASSERT_TRUE(both);
    EXPECT_EQ(*both, std::tuple(1, 2));
  });
}

TEST_F(When, AnyGivesTheIndexOfOneThatIsReadyAndTakesNothing) {
  everywhere([] {
    const weft::chan<void> gate;
    std::vector<weft::task<int>> tasks;
    for (int i = 0; i < 20; ++i)
      tasks.push_back(weft::spawn([=] {
        if (i != 13) gate.recv();
        return i;
      }));
    EXPECT_EQ(weft::when_any(tasks), 13U);
    EXPECT_EQ(weft::when_any(tasks), 13U);
    gate.close();
    const std::vector<int> all = weft::when_all(tasks);
    EXPECT_EQ(all[13], 13);
    EXPECT_EQ(all[19], 19);
  });
}

TEST_F(When, AnyTakesTasksOfDifferentTypes) {
  everywhere([] {
    const weft::chan<void> gate;
    auto blocked = weft::spawn([=] { gate.recv(); });
    auto text = weft::spawn([] { return std::string("x"); });
    EXPECT_EQ(weft::when_any(blocked, text), 1U);
    gate.close();
    blocked.join();
  });
}

TEST_F(When, AnyCountsAnExceptionAsReady) {
  everywhere([] {
    const weft::chan<void> gate;
    auto blocked = weft::spawn([=] { gate.recv(); });
    auto failed = weft::spawn([] { throw std::runtime_error("bad"); });
    EXPECT_EQ(weft::when_any(blocked, failed), 1U);
    EXPECT_THROW(failed.get(), std::runtime_error);
    gate.close();
    blocked.join();
  });
}

TEST_F(When, AnyPrefersTheLowestOfThoseReady) {
  everywhere([] {
    auto a = number(1);
    auto b = number(2);
    a.join();
    b.join();
    EXPECT_EQ(weft::when_any(a, b), 0U);
    EXPECT_EQ(weft::when_any(b, a), 0U);
  });
}

TEST_F(When, AnyWithinABound) {
  everywhere([] {
    const weft::chan<void> gate;
    std::vector<weft::task<void>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(weft::spawn([=] { gate.recv(); }));
    EXPECT_EQ(weft::when_any_for(1ms, tasks), std::nullopt);
    EXPECT_EQ(weft::when_any_until(std::chrono::steady_clock::now() - 1s, tasks), std::nullopt);
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    weft::go([cancel = cancel] {
      let_others_run();
      cancel();
    });
    EXPECT_EQ(weft::when_any(ctx, tasks), std::nullopt);
    gate.close();
    EXPECT_NE(weft::when_any_for(1h, tasks), std::nullopt);
    weft::when_all(tasks);
  });
}

TEST_F(When, AnyOfNothingIsNamed) {
  EXPECT_EQ(
      what_thrown<std::invalid_argument>([] { weft::when_any(std::vector<weft::task<int>>()); }),
      "weft::when_any: there are no tasks");
}

TEST_F(When, AnyRacesManyEnds) {
  everywhere([] {
    for (int round = 0; round < scaled(200); ++round) {
      std::vector<weft::task<int>> tasks;
      for (int i = 0; i < 12; ++i)
        tasks.push_back(weft::spawn([i, round] {
          if ((i + round) % 4 != 0) weft::yield();
          return i;
        }));
      for (int left = 12; left > 0; --left) {
        const std::size_t first = weft::when_any(tasks);
        ASSERT_LT(first, tasks.size());
        EXPECT_TRUE(tasks[first].ready());
        static_cast<void>(tasks[first].get());
        tasks.erase(tasks.begin() + static_cast<std::ptrdiff_t>(first));
      }
    }
  });
}

}  // namespace
