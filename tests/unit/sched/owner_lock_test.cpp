// Owner and thieves exclude each other, shown by plain data.
#include "sched/owner_lock.hpp"

#include <utility>

#include "unit_support.hpp"

namespace {

using weft::detail::owner_lock;
using weft::detail::owner_section;
using weft_test::scaled;

class owner_lock_test : public testing::Test {
 protected:
  void SetUp() override { weft::detail::prepare_barriers(); }
};
using owner_lock_alone = owner_lock_test;

class owner_lock_by_thieves : public unit::at_counts {
 protected:
  void SetUp() override { weft::detail::prepare_barriers(); }
};
WEFT_AT_COUNTS(owner_lock_by_thieves);

TEST_F(owner_lock_alone, a_thief_gives_up_while_the_owner_is_inside) {
  owner_lock lock;
  {
    const owner_section section(lock);
    unit::on_threads(1, [&](int) { EXPECT_FALSE(lock.try_lock_thief()); });
  }
  unit::on_threads(1, [&](int) {
    ASSERT_TRUE(lock.try_lock_thief());
    lock.unlock_thief();
  });
}

TEST_F(owner_lock_alone, a_thief_gives_up_while_another_is_inside) {
  owner_lock lock;
  ASSERT_TRUE(lock.try_lock_thief());
  unit::on_threads(1, [&](int) { EXPECT_FALSE(lock.try_lock_thief()); });
  lock.unlock_thief();
}

TEST_F(owner_lock_alone, the_owner_gets_in_after_a_thief_that_gave_up) {
  owner_lock lock;
  for (int i = 0; i < 100; ++i) {
    const owner_section section(lock);
    unit::on_threads(1, [&](int) { EXPECT_FALSE(lock.try_lock_thief()); });
  }
  const owner_section section(lock);
}

TEST_F(owner_lock_alone, the_owner_waits_for_a_thief_that_is_inside) {
  for (int i = 0; i < 50; ++i) {
    owner_lock lock;
    int data = 0;
    ASSERT_TRUE(lock.try_lock_thief());
    std::thread owner([&] {
      const owner_section section(lock);
      EXPECT_EQ(data, 1);
    });
    for (int pause = 0; pause < i; ++pause) std::this_thread::yield();
    data = 1;
    lock.unlock_thief();
    owner.join();
  }
}

struct guarded {
  owner_lock lock;
  long long entered = 0;
  bool inside = false;

  void visit() {
    ASSERT_FALSE(std::exchange(inside, true)) << "two at once";
    ++entered;
    inside = false;
  }
};

/// The owner hammers; the thieves try until each has been inside often enough.
void expect_one_at_a_time(guarded& g, int thieves) {
  const int thefts = scaled(2'000);
  weft::detail::atomic<int> at_work{thieves};
  long long by_owner = 0;
  long long by_thieves[4] = {};
  unit::on_threads(thieves + 1, [&](int me) {
    if (me == 0) {
      while (at_work.load() > 0) {
        for (int i = 0; i < 100; ++i, ++by_owner) {
          const owner_section section(g.lock);
          g.visit();
        }
        std::this_thread::yield();
      }
      return;
    }
    while (by_thieves[me - 1] < thefts) {
      if (!g.lock.try_lock_thief()) {
        std::this_thread::yield();
        continue;
      }
      g.visit();
      ++by_thieves[me - 1];
      g.lock.unlock_thief();
    }
    --at_work;
  });
  EXPECT_EQ(g.entered, by_owner + static_cast<long long>(thieves) * thefts);
}

TEST_P(owner_lock_by_thieves, lets_in_one_at_a_time) {
  guarded g;
  expect_one_at_a_time(g, GetParam());
}

/// Without membarrier(2) both sides pay a full fence.
TEST_P(owner_lock_by_thieves, lets_in_one_at_a_time_where_the_owner_pays) {
  const bool free_before = weft::detail::light_barrier_is_free.read();
  weft::detail::light_barrier_is_free.write(false);
  guarded g;
  weft::detail::light_barrier_is_free.write(free_before);  // a lock keeps to what it began with
  expect_one_at_a_time(g, GetParam());
}

/// A processor is handed from worker to worker: the owner changes, one at a time.
TEST_P(owner_lock_by_thieves, the_owner_may_change) {
  guarded g;
  weft::detail::atomic<bool> done{false};
  weft::detail::atomic<int> turn{0};
  long long stolen = 0;
  const int turns = scaled(2'000);
  unit::on_threads(GetParam() + 1, [&](int me) {
    if (me == GetParam()) {
      while (!done.load()) {
        if (!g.lock.try_lock_thief()) continue;
        g.visit();
        ++stolen;
        g.lock.unlock_thief();
        std::this_thread::yield();
      }
      return;
    }
    for (int mine = me; mine < turns; mine += GetParam()) {
      while (turn.load() != mine) std::this_thread::yield();
      {
        const owner_section section(g.lock);
        g.visit();
      }
      turn.store(mine + 1);
      if (mine + 1 == turns) done.store(true);
    }
  });
  EXPECT_EQ(g.entered, turns + stolen);
}

}  // namespace
