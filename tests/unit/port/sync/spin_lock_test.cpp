// Mutual exclusion, shown by plain data.
#include "port/sync/spin_lock.hpp"

#include <atomic>
#include <mutex>

#include "port/thread.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::spin_lock;
using weft_test::scaled;

class spin_lock_by_threads : public unit::at_counts {};
WEFT_AT_COUNTS(spin_lock_by_threads);

TEST(spin_lock, try_lock_takes_a_free_one_only) {
  spin_lock lock;
  EXPECT_TRUE(lock.try_lock());
  EXPECT_FALSE(lock.try_lock());
  lock.unlock();
  EXPECT_TRUE(lock.try_lock());
  lock.unlock();
}

TEST_P(spin_lock_by_threads, lets_in_one_at_a_time) {
  spin_lock lock;
  long long counter = 0;
  bool inside = false;
  const int each = scaled(100'000);
  unit::on_threads(GetParam(), [&](int) {
    for (int i = 0; i < each; ++i) {
      std::lock_guard guard(lock);
      ASSERT_FALSE(std::exchange(inside, true));
      ++counter;
      inside = false;
    }
  });
  EXPECT_EQ(counter, static_cast<long long>(GetParam()) * each);
}

TEST_P(spin_lock_by_threads, try_lock_lets_in_one_at_a_time) {
  spin_lock lock;
  long long counter = 0;
  std::atomic<long long> entered{0};
  unit::on_threads(GetParam(), [&](int) {
    for (int i = 0; i < scaled(100'000); ++i) {
      if (!lock.try_lock()) continue;
      ++counter;
      lock.unlock();
      ++entered;
    }
  });
  EXPECT_EQ(counter, entered.load());
}

/// As a select does: whoever has the first waits for the second without standing back.
TEST_P(spin_lock_by_threads, two_at_once_are_held_by_one_at_a_time) {
  spin_lock first;
  spin_lock second;
  long long both = 0;
  long long one = 0;
  const int each = scaled(100'000);
  unit::on_threads(GetParam(), [&](int) {
    for (int i = 0; i < each; ++i) {
      first.lock();
      second.lock_beside();
      ++both;
      ++one;
      second.unlock();
      first.unlock();
      std::lock_guard guard(second);
      ++one;
    }
  });
  EXPECT_EQ(both, static_cast<long long>(GetParam()) * each);
  EXPECT_EQ(one, 2 * both);
}

/// The holder loses its CPU again and again: the others must yield and nap, and still get in.
TEST_P(spin_lock_by_threads, survives_holders_that_lose_their_cpu) {
  spin_lock lock;
  int counter = 0;
  unit::on_threads(GetParam() + 1, [&](int number) {
    for (int i = 0; i < 50; ++i) {
      std::lock_guard guard(lock);
      ++counter;
      for (int pause = 0; number == 0 && pause < 200; ++pause) weft::detail::yield_thread();
    }
  });
  EXPECT_EQ(counter, 50 * (GetParam() + 1));
}

TEST(spin_lock, may_be_unlocked_by_another_thread) {
  spin_lock lock;
  int data = 0;
  for (int i = 0; i < 100; ++i) {
    lock.lock();
    ++data;
    unit::on_threads(1, [&](int) {
      ++data;
      lock.unlock();
    });
  }
  EXPECT_TRUE(lock.try_lock());
  EXPECT_EQ(data, 200);
}

}  // namespace
