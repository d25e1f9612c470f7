// The rules of pools, and what Go's own pool_test asserts, as far as it is not about garbage.

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

using weft_test::everywhere;
using weft_test::on_one_processor;
using weft_test::scaled;
using weft_test::what_thrown;

using Pool = weft_test::fixture;
using GoPoolTest = weft_test::fixture;

TEST_F(Pool, MakesWhatItDoesNotHave) {
  everywhere([] {
    weft::pool<std::vector<int>> plain;
    EXPECT_TRUE(plain.get().empty());
    int made = 0;
    weft::pool<int> counting([&] { return ++made; });
    EXPECT_EQ(counting.get(), 1);
    EXPECT_EQ(*counting.borrow(), 2);
  });
}

TEST_F(Pool, ABorrowedObjectComesBackAsItIs) {
  on_one_processor([] {
    weft::pool<std::string> p;
    const std::string* where = nullptr;
    {
      const weft::pooled<std::string> s = p.borrow();
      *s += "used";
      EXPECT_EQ(s->size(), 4U);
      where = &*s;
    }
    const auto again = p.borrow();
    EXPECT_EQ(*again, "used");
    EXPECT_EQ(&*again, where) << "it is not moved";
  });
}

TEST_F(Pool, HandlesAreMovedAndGivenBackOnce) {
  on_one_processor([] {
    weft::pool<weft_test::counted> p([] { return weft_test::counted(1); });
    auto a = p.borrow();
    EXPECT_TRUE(a);
    auto b = std::move(a);
    EXPECT_FALSE(a);  // NOLINT: the moved-from state is the test
    a = std::move(b);
    a = p.borrow();  // the first goes back
    EXPECT_EQ(weft_test::counted::alive(), 2);
    a.give_back();
    a.give_back();
    EXPECT_FALSE(a);
    b = p.borrow();
    b.discard();
    b.discard();
    EXPECT_EQ(weft_test::counted::alive(), 1);
    p.trim();
    EXPECT_EQ(weft_test::counted::alive(), 0);
    weft::pooled<int> empty;
    empty.give_back();
  });
}

TEST_F(Pool, LendsWhatCannotBeMoved) {
  on_one_processor([] {
    struct fixed {
      fixed() = default;
      fixed(const fixed&) = delete;
      fixed& operator=(const fixed&) = delete;
      std::array<char, 4096> bytes{};
    };
    weft::pool<fixed> p;
    p.borrow()->bytes[7] = 'x';
    EXPECT_EQ(p.borrow()->bytes[7], 'x');
  });
}

TEST_F(Pool, KeepsNoMoreThanItsLimit) {
  on_one_processor([] {
    weft::pool<weft_test::counted> p([] { return weft_test::counted(1); }, 3);
    for (int i = 0; i < 10; ++i) p.put(weft_test::counted(i));
    EXPECT_EQ(weft_test::counted::alive(), 3);
    std::vector<weft::pooled<weft_test::counted>> borrowed;
    for (int i = 0; i < 10; ++i) borrowed.push_back(p.borrow());
    borrowed.clear();
    EXPECT_EQ(weft_test::counted::alive(), 3);
  });
  EXPECT_EQ(weft_test::counted::alive(), 0);
  EXPECT_EQ(weft_test::counted::strays(), 0);
}

/// A burst leaves sixty behind; a use of one at a time does not need them.
TEST_F(Pool, DropsWhatLiesUnused) {
  on_one_processor([] {
    weft::pool<weft_test::counted> p([] { return weft_test::counted(1); });
    for (int i = 0; i < 60; ++i) p.put(weft_test::counted(i));
    for (int i = 0; i < 20'000; ++i) *p.borrow();
    EXPECT_EQ(weft_test::counted::alive(), 1);
  });
}

TEST_F(Pool, KeepsWhatIsUsed) {
  on_one_processor([] {
    int made = 0;
    weft::pool<int> p([&] { return ++made; });
    for (int round = 0; round < 3'000; ++round) {
      std::vector<weft::pooled<int>> burst;
      for (int i = 0; i < 20; ++i) burst.push_back(p.borrow());
    }
    EXPECT_EQ(made, 20);
  });
}

TEST_F(Pool, AFactoryThatThrowsLeavesItIntact) {
  everywhere([] {
    bool fails = true;
    weft::pool<int> p([&] { return fails ? throw std::runtime_error("no more") : 1; });
    EXPECT_EQ(what_thrown<std::runtime_error>([&] { (void)p.get(); }), "no more");
    EXPECT_EQ(what_thrown<std::runtime_error>([&] { (void)p.borrow(); }), "no more");
    fails = false;
    EXPECT_EQ(*p.borrow(), 1);
  });  // were the failed one still lent, the destructor would end the program
}

TEST_F(Pool, AMoveThatThrowsLeavesItIntact) {
  using weft_test::move_thrower;
  on_one_processor([] {
    {
      weft::pool<move_thrower> p([] { return move_thrower(0); });
      move_thrower object(5);
      move_thrower::throw_at(1);
      EXPECT_THROW(p.put(std::move(object)), std::runtime_error);
      EXPECT_EQ(object.value(), 5);  // NOLINT: it was not moved
      p.put(std::move(object));
      move_thrower::throw_at(1);
      EXPECT_THROW((void)p.get(), std::runtime_error);
      move_thrower::throw_at(0);
      EXPECT_EQ(p.get().value(), 0) << "what could not be moved is gone";
    }
    EXPECT_EQ(move_thrower::alive(), 0);
  });
}

TEST_F(Pool, BadInputIsRefused) {
  EXPECT_THROW(weft::pool<int>([] { return 1; }, 0), std::invalid_argument);
  EXPECT_THROW(weft::pool<int>([] { return 1; }, 1'000'000), std::invalid_argument);
  EXPECT_EQ(what_thrown<std::invalid_argument>([] { weft::pool<int> p{std::function<int()>()}; }),
            "pool: nil function");
}

TEST_F(Pool, HoldsOverAlignedObjects) {
  on_one_processor([] {
    weft::pool<weft_test::over_aligned> p;
    p.put(weft_test::over_aligned(3));
    const auto o = p.borrow();
    EXPECT_EQ(o->value, 3);
    EXPECT_TRUE(o->at_home());
  });
}

/// Differs: Go gives a, then b. Here the newest comes first, because it is warm.
TEST_F(GoPoolTest, Pool) {
  on_one_processor([] {
    weft::pool<std::string> p([] { return std::string("made"); });
    EXPECT_EQ(p.get(), "made");
    p.put("a");
    p.put("b");
    EXPECT_EQ(p.get(), "b");
    EXPECT_EQ(p.get(), "a");
    EXPECT_EQ(p.get(), "made");
    for (int i = 0; i < 50; ++i) p.put("c");
    for (int i = 0; i < 50; ++i) EXPECT_EQ(p.get(), "c");
    for (int i = 0; i < 50; ++i) p.put("d");
    p.trim();
    EXPECT_EQ(p.get(), "made");
  });
}

TEST_F(GoPoolTest, PoolNew) {
  on_one_processor([] {
    int i = 0;
    weft::pool p([&] { return ++i; });
    EXPECT_EQ(p.get(), 1);
    EXPECT_EQ(p.get(), 2);
    p.put(42);
    EXPECT_EQ(p.get(), 42);
    EXPECT_EQ(p.get(), 3);
  });
}

/// Go: what was put can be collected. Here: trim, and the end of the pool, destroy it.
TEST_F(GoPoolTest, PoolRelease) {
  everywhere([] {
    {
      weft::pool<weft_test::counted> p([] { return weft_test::counted(1); });
      for (int i = 0; i < 100; ++i) p.put(weft_test::counted(i));
      EXPECT_GT(weft_test::counted::alive(), 0);
      p.trim();
      EXPECT_EQ(weft_test::counted::alive(), 0);
      for (int i = 0; i < 100; ++i) p.put(weft_test::counted(i));
    }
    EXPECT_EQ(weft_test::counted::alive(), 0);
    EXPECT_EQ(weft_test::counted::strays(), 0);
  });
}

/// Never a foreign value, never one with two users.
TEST_F(GoPoolTest, PoolStress) {
  everywhere([] {
    struct object {
      std::atomic<bool> used{false};
    };
    weft::pool<std::unique_ptr<object>> p([] { return std::make_unique<object>(); });
    const auto work = [&](int seed) {
      for (int i = 0; i < scaled(5'000); ++i) {
        if ((i + seed) % 2 == 0) {
          auto mine = p.get();
          ASSERT_NE(mine, nullptr);
          ASSERT_FALSE(mine->used.exchange(true));
          if (i % 64 == 0) weft::yield();
          ASSERT_TRUE(mine->used.exchange(false));
          p.put(std::move(mine));
        } else {
          const auto mine = p.borrow();
          ASSERT_NE(*mine, nullptr);
          ASSERT_FALSE((*mine)->used.exchange(true));
          if (i % 64 == 1) weft::yield();
          ASSERT_TRUE((*mine)->used.exchange(false));
        }
        if (i % 1024 == 77) p.trim();
      }
    };
    const weft::wait_group wg;
    for (int i = 0; i < 8; ++i) wg.go([&, i] { work(i); });
    std::thread plain([&] { work(9); });
    wg.wait();
    plain.join();
  });
}

/// Go's TestPoolDequeue and TestPoolChain, of what its pool is made of: one puts, many take, and
/// no value comes out twice.
TEST_F(GoPoolTest, PoolChain) {
  everywhere([] {
    constexpr int n = 5'000;
    weft::pool<int> p([] { return -1; }, 65'536);
    std::vector<std::atomic<int>> seen(n);
    std::atomic<bool> all_put{false};
    const weft::wait_group wg;
    const auto take = [&] {
      for (;;) {
        const bool last = all_put;
        const int v = p.get();
        if (v >= 0)
          ++seen[static_cast<std::size_t>(v)];
        else if (last)
          return;
        else
          weft::yield();
      }
    };
    for (int i = 0; i < 4; ++i) wg.go(take);
    for (int i = 0; i < n; ++i) p.put(int{i});
    all_put = true;
    wg.wait();
    int taken = 0;
    for (const auto& s : seen) {
      ASSERT_LE(s, 1) << "handed out twice";
      taken += s;
    }
    EXPECT_GT(taken, n / 2) << "what was put in vain for long may go, not the rest";
  });
}

}  // namespace
