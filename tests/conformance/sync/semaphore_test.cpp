// The rules of semaphores, and what the tests of golang.org/x/sync/semaphore and the semaphore part
// of Go's mutex_test assert.

#include <atomic>
#include <chrono>
#include <limits>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::on_one_processor;
using weft_test::scaled;
using weft_test::what_thrown;

using Semaphore = weft_test::fixture;
using GoSemaphoreTest = weft_test::fixture;

constinit weft::semaphore at_load_time{3};

/// Takes what is free, one by one, and gives it back.
int free_permits(weft::semaphore& s) {
  int n = 0;
  while (s.try_acquire()) ++n;
  s.release(n);
  return n;
}

/// Returns when a request stands in the line: an acquire that would fit is refused then.
void wait_for_a_waiter(weft::semaphore& s) {
  EXPECT_TRUE(eventually([&] { return !s.try_acquire(0); }));
}

TEST_F(Semaphore, IsMadeByTheCompiler) {
  at_load_time.acquire(3);
  EXPECT_FALSE(at_load_time.try_acquire());
  at_load_time.release(3);
}

TEST_F(Semaphore, BadCountsAreRefusedAndChangeNothing) {
  everywhere([] {
    weft::semaphore s(2);
    const std::string words = "semaphore: negative count";
    EXPECT_EQ(what_thrown<std::invalid_argument>([&] { s.acquire(-1); }), words);
    EXPECT_EQ(what_thrown<std::invalid_argument>([&] { (void)s.try_acquire(-1); }), words);
    EXPECT_EQ(what_thrown<std::invalid_argument>([&] { (void)s.try_acquire_for(1s, -1); }), words);
    EXPECT_EQ(what_thrown<std::invalid_argument>([&] { (void)s.acquire(std::stop_token(), -1); }),
              words);
    EXPECT_EQ(what_thrown<std::invalid_argument>([&] { s.release(-1); }), words);
    constexpr auto least = std::numeric_limits<std::ptrdiff_t>::min();
    EXPECT_EQ(what_thrown<std::invalid_argument>([&] { s.release(least); }), words);
    EXPECT_EQ(free_permits(s), 2);
    EXPECT_EQ(what_thrown<std::invalid_argument>([] { weft::semaphore bad(-1); }),
              "semaphore: negative size");
    EXPECT_THROW(weft::semaphore bad(std::numeric_limits<std::ptrdiff_t>::max()),
                 std::invalid_argument);
  });
}

TEST_F(Semaphore, HoldsAsMuchAsItSays) {
  weft::semaphore s(weft::semaphore::max());
  EXPECT_TRUE(s.try_acquire(weft::semaphore::max()));
  EXPECT_FALSE(s.try_acquire());
  s.release(weft::semaphore::max());
  EXPECT_THROW(s.release(), std::logic_error);
  EXPECT_FALSE(s.try_acquire(std::numeric_limits<std::ptrdiff_t>::max()));
}

TEST_F(Semaphore, ReleaseOfMoreThanHeldThrowsAlsoWhileSomebodyWaits) {
  everywhere([] {
    const std::string words = "semaphore: released more than held";
    weft::semaphore s(3);
    s.acquire(2);
    EXPECT_EQ(what_thrown<std::logic_error>([&] { s.release(3); }), words);
    const weft::wait_group wg;
    wg.go([&] { s.acquire(3); });
    wait_for_a_waiter(s);
    EXPECT_EQ(what_thrown<std::logic_error>([&] { s.release(3); }), words);
    s.release(2);
    wg.wait();
    s.release(3);
    EXPECT_EQ(free_permits(s), 3);
  });
}

TEST_F(Semaphore, ServesInTheOrderOfComing) {
  on_one_processor([] {
    weft::semaphore s(1);
    s.acquire();
    std::vector<int> came;
    std::vector<int> order;
    const weft::wait_group wg;
    for (int i = 0; i < 20; ++i) {
      wg.go([&, i] {
        came.push_back(i);
        s.acquire();
        order.push_back(i);
        s.release();
      });
      weft::yield();
    }
    s.release();
    wg.wait();
    EXPECT_EQ(order, came);
  });
}

TEST_F(Semaphore, SmallOnesQueueBehindALargeOneThatDoesNotFit) {
  everywhere([] {
    weft::semaphore s(10);
    s.acquire(5);
    std::atomic<bool> large{false};
    std::atomic<int> small{0};
    const weft::wait_group wg;
    wg.go([&] {
      s.acquire(10);
      large = true;
      EXPECT_EQ(small, 0);
      s.release(10);
    });
    wait_for_a_waiter(s);
    for (int i = 0; i < 3; ++i)
      wg.go([&] {
        s.acquire();
        EXPECT_TRUE(large);
        ++small;
        s.release();
      });
    let_others_run();
    EXPECT_EQ(small, 0) << "though five are free";
    EXPECT_FALSE(s.try_acquire()) << "nor may this";
    s.release(5);
    wg.wait();
    EXPECT_EQ(free_permits(s), 10);
  });
}

TEST_F(Semaphore, OneReleaseServesAllThatFit) {
  everywhere([] {
    weft::semaphore s(6);
    s.acquire(6);
    std::atomic<int> served{0};
    const weft::wait_group wg;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      wg.go([&] {
        s.acquire(2);
        ++served;
      });
      threads.emplace_back([&] {
        s.acquire(1);
        ++served;
      });
    }
    let_others_run();
    EXPECT_EQ(served, 0);
    s.release(6);
    EXPECT_TRUE(eventually([&] { return served >= 3; }));
    s.release(3);
    wg.wait();
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(served, 6);
    s.release(6);
    EXPECT_EQ(free_permits(s), 6);
  });
}

TEST_F(Semaphore, AcquireOfNothingWaitsForItsTurnOnly) {
  everywhere([] {
    weft::semaphore none(0);
    none.acquire(0);
    none.release(0);
    EXPECT_TRUE(none.try_acquire(0));
    EXPECT_FALSE(none.try_acquire(1));
    EXPECT_FALSE(none.try_acquire_for(1ms, 1));
  });
}

/// Those behind one that gives up go on at once, if they now fit; by time and by cancellation.
TEST_F(Semaphore, OneThatGivesUpLetsThoseBehindItGoOn) {
  everywhere([] {
    for (int round = 0; round < scaled(200); ++round) {
      weft::semaphore s(4);
      s.acquire(2);
      std::stop_source source;
      const weft::wait_group wg;
      wg.go([&] {
        if (round % 2 == 0)
          EXPECT_FALSE(s.acquire(source.get_token(), 3));
        else
          EXPECT_FALSE(s.try_acquire_for(200us, 3));
      });
      if (round % 2 == 0) wait_for_a_waiter(s);
      for (int i = 0; i < 2; ++i) wg.go([&] { s.acquire(); });
      if (round % 3 == 0) weft::yield();
      source.request_stop();
      wg.wait();  // nobody released anything
      ASSERT_FALSE(s.try_acquire());
      s.release(4);
      ASSERT_EQ(free_permits(s), 4);
    }
  });
}

/// Permits are neither lost nor doubled, whatever races with what.
TEST_F(Semaphore, WaitsThatGiveUpLoseNoPermit) {
  everywhere([] {
    weft::semaphore s(5);
    std::atomic<int> held{0};
    const weft::wait_group wg;
    const auto use = [&](std::ptrdiff_t n) {
      EXPECT_LE(held += static_cast<int>(n), 5);
      weft::yield();
      held -= static_cast<int>(n);
      s.release(n);
    };
    const auto work = [&](int i) {
      for (int k = 0; k < scaled(300); ++k) {
        const std::ptrdiff_t n = 1 + (i + k) % 5;
        if (k % 3 == 0) {
          s.acquire(n);
          use(n);
        } else if (k % 3 == 1) {
          if (s.try_acquire_for(std::chrono::microseconds(k % 30), n)) use(n);
        } else {
          std::stop_source source;
          weft::go([source]() mutable { source.request_stop(); });
          if (s.acquire(source.get_token(), n)) use(n);
        }
      }
    };
    for (int i = 0; i < 6; ++i) wg.go([&, i] { work(i); });
    wg.add();
    std::thread plain([&] {
      work(7);
      wg.done();
    });
    wg.wait();
    plain.join();  // not before: it needs goroutines that this processor runs
    EXPECT_EQ(free_permits(s), 5);
  });
}

TEST_F(GoSemaphoreTest, Semaphore) {
  everywhere([] {
    weft::semaphore s(1);
    int count = 0;
    const weft::wait_group wg;
    for (int i = 0; i < 10; ++i)
      wg.go([&] {
        for (int k = 0; k < 1000; ++k) {
          s.acquire();
          ++count;
          s.release();
        }
      });
    wg.wait();
    EXPECT_EQ(count, 10'000);
  });
}

TEST_F(GoSemaphoreTest, Weighted) {
  everywhere([] {
    constexpr int n = 8;
    weft::semaphore s(n);
    const weft::wait_group wg;
    for (int i = 0; i < n; ++i)
      wg.go([&, i] {
        for (int k = 0; k < scaled(1000); ++k) {
          s.acquire(i);
          if (k % 16 == 0) weft::sleep_for(std::chrono::microseconds(k % 50));
          s.release(i);
        }
      });
    wg.wait();
    EXPECT_EQ(free_permits(s), n);
  });
}

TEST_F(GoSemaphoreTest, WeightedPanic) {
  weft::semaphore s(1);
  EXPECT_EQ(what_thrown<std::logic_error>([&] { s.release(1); }),
            "semaphore: released more than held");
}

TEST_F(GoSemaphoreTest, WeightedTryAcquire) {
  everywhere([] {
    weft::semaphore s(2);
    s.acquire(1);
    EXPECT_TRUE(s.try_acquire(1));
    EXPECT_FALSE(s.try_acquire(1));
    s.release(2);
    EXPECT_TRUE(s.try_acquire(1));
    s.acquire(1);
    EXPECT_FALSE(s.try_acquire(1));
  });
}

TEST_F(GoSemaphoreTest, WeightedAcquire) {
  everywhere([] {
    weft::semaphore s(2);
    const auto try_for_10ms = [&] {
      const auto [ctx, cancel] = weft::with_timeout(weft::background(), 10ms);
      return s.acquire(ctx, 1);
    };
    s.acquire(1);
    EXPECT_TRUE(try_for_10ms());
    EXPECT_FALSE(try_for_10ms());
    s.release(2);
    EXPECT_TRUE(try_for_10ms());
    s.acquire(1);
    EXPECT_FALSE(try_for_10ms());
  });
}

TEST_F(GoSemaphoreTest, WeightedDoesntBlockIfTooBig) {
  everywhere([] {
    weft::semaphore s(2);
    std::stop_source source;
    const weft::wait_group wg;
    wg.go([&] { EXPECT_FALSE(s.acquire(source.get_token(), 3)); });
    std::thread plain([&] { EXPECT_FALSE(s.acquire(source.get_token(), 3)); });
    EXPECT_FALSE(s.try_acquire_for(1ms, 3));
    EXPECT_FALSE(s.try_acquire(3));
    let_others_run();
    for (int i = 0; i < 3; ++i)
      wg.go([&] {
        for (int k = 0; k < 100; ++k) {
          s.acquire(1);
          weft::yield();
          s.release(1);
        }
      });
    s.acquire(2);
    s.release(2);
    source.request_stop();
    wg.wait();
    plain.join();
  });
}

/// Once a large request waits, those who take one permit again and again do not keep it waiting.
TEST_F(GoSemaphoreTest, LargeAcquireDoesntStarve) {
  everywhere([] {
    constexpr int n = 4;
    weft::semaphore s(n);
    std::atomic<bool> running{true};
    const weft::wait_group wg;
    for (int i = 0; i < n; ++i) {
      s.acquire(1);
      wg.go([&] {
        while (running) {
          weft::yield();
          s.release(1);
          s.acquire(1);
        }
        s.release(1);
      });
    }
    s.acquire(n);
    running = false;
    s.release(n);
    wg.wait();
  });
}

TEST_F(GoSemaphoreTest, AllocCancelDoesntStarve) {
  everywhere([] {
    weft::semaphore s(10);
    s.acquire(1);  // so that a request for all waits
    std::stop_source source;
    const weft::wait_group wg;
    wg.go([&] { EXPECT_FALSE(s.acquire(source.get_token(), 10)); });
    wait_for_a_waiter(s);
    wg.go([&] {
      let_others_run();
      source.request_stop();
    });
    s.acquire(1);  // queues behind it, and goes on when it is cancelled
    wg.wait();
    s.release(2);
  });
}

/// A context that is done wins over permits that are free.
TEST_F(GoSemaphoreTest, WeightedAcquireAlreadyDone) {
  everywhere([] {
    weft::semaphore s(1);
    std::stop_source source;
    source.request_stop();
    for (int i = 0; i < 100; ++i) ASSERT_FALSE(s.acquire(source.get_token(), 1));
    EXPECT_EQ(free_permits(s), 1);
  });
}

/// Cancelled while it waits, it fails also if what it waits for is released afterwards.
TEST_F(GoSemaphoreTest, WeightedAcquireCanceled) {
  everywhere([] {
    weft::semaphore s(2);
    std::stop_source source;
    s.acquire(1);
    const weft::wait_group wg;
    wg.go([&] { EXPECT_FALSE(s.acquire(source.get_token(), 2)); });
    wait_for_a_waiter(s);
    source.request_stop();
    s.release(1);
    wg.wait();
    EXPECT_EQ(free_permits(s), 2);
  });
}

}  // namespace
