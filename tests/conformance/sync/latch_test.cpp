// The rules of latches: std::latch's, for goroutines and threads together.

#include <array>
#include <atomic>
#include <limits>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::scaled;
using weft_test::what_thrown;

using Latch = weft_test::fixture;

constinit weft::latch at_load_time{1};

TEST_F(Latch, IsMadeByTheCompiler) {
  EXPECT_FALSE(at_load_time.try_wait());
  at_load_time.count_down();
  at_load_time.wait();
}

TEST_F(Latch, OpensAtZeroAndStaysOpen) {
  everywhere([] {
    weft::latch l(5);
    l.count_down(2);
    l.count_down(0);
    EXPECT_FALSE(l.try_wait());
    l.count_down(3);
    EXPECT_TRUE(l.try_wait());
    for (int i = 0; i < 2; ++i) {
      l.wait();
      EXPECT_TRUE(l.wait_for(-1s));
      EXPECT_TRUE(l.wait(std::stop_token()));
    }
    weft::latch none(0);
    none.wait();
    none.count_down(0);
  });
}

TEST_F(Latch, CountingBelowZeroThrowsAndCountsNothing) {
  everywhere([] {
    const std::string words = "latch: counted down below zero";
    weft::latch l(2);
    EXPECT_EQ(what_thrown<std::logic_error>([&] { l.count_down(3); }), words);
    EXPECT_EQ(what_thrown<std::logic_error>([&] { l.arrive_and_wait(3); }), words);
    const weft::wait_group wg;
    wg.go([&] { l.wait(); });
    let_others_run();
    EXPECT_EQ(what_thrown<std::logic_error>([&] { l.count_down(3); }), words);
    l.count_down(2);
    wg.wait();
    EXPECT_EQ(what_thrown<std::logic_error>([&] { l.count_down(); }), words);
  });
}

TEST_F(Latch, BadCountsAreRefused) {
  EXPECT_THROW(weft::latch bad(-1), std::invalid_argument);
  EXPECT_THROW(weft::latch bad(std::numeric_limits<std::ptrdiff_t>::max()), std::invalid_argument);
  weft::latch l(weft::latch::max());
  EXPECT_THROW(l.count_down(-1), std::invalid_argument);
  EXPECT_THROW(l.count_down(std::numeric_limits<std::ptrdiff_t>::min()), std::invalid_argument);
  EXPECT_THROW(l.count_down(std::numeric_limits<std::ptrdiff_t>::max()), std::logic_error);
  l.count_down(weft::latch::max());
  l.wait();
}

TEST_F(Latch, ArriveAndWaitMeetsTheOthers) {
  everywhere([] {
    for (int round = 0; round < scaled(200); ++round) {
      constexpr int n = 6;
      weft::latch l(n + 1);
      std::atomic<int> arrived{0};
      const weft::wait_group wg;
      for (int i = 0; i < n; ++i)
        wg.go([&] {
          ++arrived;
          l.arrive_and_wait();
          EXPECT_EQ(arrived, n + 1);
        });
      std::thread plain([&] {
        ++arrived;
        l.arrive_and_wait();
        EXPECT_EQ(arrived, n + 1);
      });
      wg.wait();
      plain.join();
    }
  });
}

/// What is written before a count_down is seen after the wait. TSan sees it if not.
TEST_F(Latch, EveryCountDownHappensBeforeTheWait) {
  everywhere([] {
    for (int round = 0; round < scaled(300); ++round) {
      auto l = std::make_unique<weft::latch>(4);
      std::array<int, 4> written{};
      const weft::wait_group wg;
      for (int& w : written)
        wg.go([&w, raw = l.get()] {
          w = 1;
          raw->count_down();
        });
      l->wait();
      l.reset();  // the last count_down may still be on its way out
      for (const int w : written) ASSERT_EQ(w, 1);
      wg.wait();
    }
  });
}

}  // namespace
