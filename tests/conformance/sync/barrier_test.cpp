// The rules of barriers: std::barrier's, for goroutines and threads together.

#include <atomic>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::everywhere;
using weft_test::scaled;
using weft_test::what_thrown;

using Barrier = weft_test::fixture;

TEST_F(Barrier, NobodyIsAPhaseAhead) {
  everywhere([] {
    constexpr int n = 6;
    weft::barrier b(n + 1);
    std::vector<int> phase(n + 1);  // plain: the barrier is what orders them
    const auto work = [&](std::size_t me) {
      for (int round = 1; round <= scaled(100); ++round) {
        phase[me] = round;
        b.arrive_and_wait();
        for (const int p : phase) ASSERT_EQ(p, round);
        b.arrive_and_wait();
      }
    };
    const weft::wait_group wg;
    for (std::size_t i = 0; i < n; ++i) wg.go([&, i] { work(i); });
    std::thread plain([&] { work(n); });
    wg.wait();
    plain.join();
  });
}

TEST_F(Barrier, TheLastOneRunsTheCompletionBeforeAnybodyGoesOn) {
  everywhere([] {
    constexpr int n = 4;
    int completed = 0;
    std::atomic<int> arrived{0};
    weft::barrier b(n, [&]() noexcept {
      EXPECT_EQ(arrived, n * (completed + 1));
      weft::yield();  // it may block
      ++completed;
    });
    const weft::wait_group wg;
    for (int i = 0; i < n; ++i)
      wg.go([&] {
        for (int round = 1; round <= scaled(100); ++round) {
          ++arrived;
          b.arrive_and_wait();
          ASSERT_EQ(completed, round);
        }
      });
    wg.wait();
  });
}

TEST_F(Barrier, ArriveDoesNotWait) {
  everywhere([] {
    weft::barrier b(3);
    const auto token = b.arrive(2);
    EXPECT_FALSE(b.wait_for(token, 0s));
    EXPECT_FALSE(b.wait_for(token, 1ms));
    b.arrive_and_wait();
    b.wait(token);
    EXPECT_TRUE(b.wait_for(token, -1s));
    const auto next = b.arrive();
    b.wait(token);
    EXPECT_FALSE(b.wait_for(next, 0s)) << "that is the next phase";
    b.wait(b.arrive(2));
    b.wait(next);
  });
}

TEST_F(Barrier, WhoDropsOutIsNotExpectedAgain) {
  everywhere([] {
    weft::barrier b(3);
    int phases = 0;
    const weft::wait_group wg;
    wg.go([&] { b.arrive_and_drop(); });
    for (int i = 0; i < 2; ++i)
      wg.go([&, i] {
        for (int round = 0; round < 10; ++round) {
          b.arrive_and_wait();
          if (i == 0) ++phases;
        }
        b.arrive_and_drop();
      });
    wg.wait();
    EXPECT_EQ(phases, 10);
    EXPECT_THROW(b.arrive_and_drop(), std::logic_error) << "nobody is expected any more";
  });
}

TEST_F(Barrier, MoreArrivalsThanExpectedThrowAndChangeNothing) {
  everywhere([] {
    const std::string words = "barrier: more arrivals than expected";
    weft::barrier b(3);
    EXPECT_EQ(what_thrown<std::logic_error>([&] { (void)b.arrive(4); }), words);
    const auto token = b.arrive(2);
    EXPECT_EQ(what_thrown<std::logic_error>([&] { (void)b.arrive(2); }), words);
    EXPECT_FALSE(b.wait_for(token, 0s));
    b.arrive_and_wait();
    b.wait(token);
    weft::barrier none(0);
    EXPECT_EQ(what_thrown<std::logic_error>([&] { none.arrive_and_wait(); }), words);
  });
}

TEST_F(Barrier, NobodyCanArriveWhileTheCompletionRuns) {
  everywhere([] {
    struct late {
      weft::barrier<late>** b;
      int* refused;
      void operator()() noexcept {
        try {
          (*b)->arrive_and_drop();
        } catch (const std::logic_error&) {
          ++*refused;
        }
      }
    };
    int refused = 0;
    weft::barrier<late>* self = nullptr;
    weft::barrier<late> b(1, late{&self, &refused});
    self = &b;
    b.arrive_and_wait();
    b.arrive_and_wait();
    EXPECT_EQ(refused, 2);
  });
}

TEST_F(Barrier, BadInputIsRefused) {
  EXPECT_THROW(weft::barrier bad(-1), std::invalid_argument);
  weft::barrier b(2);
  weft::barrier other(2);
  EXPECT_THROW((void)b.arrive(0), std::invalid_argument);
  EXPECT_THROW((void)b.arrive(-1), std::invalid_argument);
  const auto token = b.arrive();
  EXPECT_EQ(what_thrown<std::invalid_argument>([&] { other.wait(token); }),
            "barrier: the token is another barrier's");
  (void)b.arrive();
  b.wait(token);
}

TEST_F(Barrier, ItsFaceIsStdBarriers) {
  struct moved_in {
    std::unique_ptr<int> owner;
    void operator()() noexcept { ++*owner; }
  };
  weft::barrier<moved_in> b(1, moved_in{std::make_unique<int>(1)});
  b.wait(b.arrive());
  static_assert(!std::is_copy_constructible_v<weft::barrier<>>);
  static_assert(weft::barrier<>::max() == std::numeric_limits<std::ptrdiff_t>::max());
}

}  // namespace
