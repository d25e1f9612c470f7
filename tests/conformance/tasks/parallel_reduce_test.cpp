// The rules of parallel_reduce and parallel_map.
#include <weft/tasks/parallel_reduce.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

using weft_test::counted;
using weft_test::everywhere;
using weft_test::scaled;
using weft_test::what_thrown;

class ParallelReduce : public weft_test::fixture {
 protected:
  void TearDown() override {
    fixture::TearDown();
    EXPECT_EQ(counted::alive(), 0);
    EXPECT_EQ(counted::strays(), 0);
    EXPECT_EQ(weft_test::move_thrower::alive(), 0);
  }
};
using ParallelMap = ParallelReduce;

TEST_F(ParallelReduce, SumsIndices) {
  everywhere([] {
    const auto square = [](std::int64_t i) { return i * i; };
    for (const std::int64_t n : {0, 1, 2, 10, 1'000, scaled(100'000)})
      EXPECT_EQ(weft::parallel_reduce(std::int64_t{0}, n, std::int64_t{5}, std::plus<>{}, square),
                5 + (n - 1) * n * (2 * n - 1) / 6);
  });
}

TEST_F(ParallelReduce, SumsARange) {
  everywhere([] {
    std::vector<int> v(1'000, 3);
    EXPECT_EQ(weft::parallel_reduce(v, 0), 3'000);
    EXPECT_EQ(weft::parallel_reduce(v, 1, [](int a, int b) { return std::max(a, b); }), 3);
    EXPECT_EQ(weft::parallel_reduce(std::views::iota(0, 100), 0L, std::plus<>{},
                                    [](int i) { return 2L * i; }),
              9'900);
  });
}

TEST_F(ParallelReduce, OfNothingIsInit) {
  everywhere([] {
    EXPECT_EQ(weft::parallel_reduce(std::vector<int>(), 7), 7);
    EXPECT_EQ(weft::parallel_reduce(5, 1, 7, std::plus<>{}, std::identity{}), 7);
    EXPECT_EQ(weft::parallel_reduce(std::vector<std::string>(), std::string("init")), "init");
  });
}

/// Text does not commute: every chunk that is put in the wrong place is seen.
TEST_F(ParallelReduce, KeepsTheOrder) {
  everywhere([] {
    std::string expected = "<";
    for (int i = 0; i < 2'000; ++i) expected += std::to_string(i) + ' ';
    for (const std::ptrdiff_t grain : {0, 1, 3, 100, 5'000}) {
      const std::string all = weft::parallel_reduce(
          0, 2'000, std::string("<"), std::plus<>{},
          [](int i) {
            if (i % 97 == 0) weft::yield();
            return std::to_string(i) + ' ';
          },
          grain);
      ASSERT_EQ(all, expected) << "grain " << grain;
    }
  });
}

TEST_F(ParallelReduce, TakesMoveOnlyValues) {
  everywhere([] {
    using number = std::unique_ptr<int>;
    const number sum = weft::parallel_reduce(
        0, 500, std::make_unique<int>(1),
        [](number a, number b) { return std::make_unique<int>(*a + *b); },
        [](int i) { return std::make_unique<int>(i); });
    EXPECT_EQ(*sum, 1 + 499 * 500 / 2);
  });
}

TEST_F(ParallelReduce, AnExceptionAtEachPointLeaksNothing) {
  everywhere([] {
    for (int bad = 0; bad < 60; ++bad) {
      EXPECT_THROW(static_cast<void>(weft::parallel_reduce(
                       0, 60, counted(0),
                       [](counted a, counted b) { return counted(a.value() + b.value()); },
                       [bad](int i) {
                         if (i % 9 == 0) weft::yield();
                         if (i == bad) throw std::runtime_error("transform");
                         return counted(i);
                       })),
                   std::runtime_error);
      ASSERT_EQ(counted::alive(), 0);
      std::atomic<int> reductions{0};
      EXPECT_THROW(static_cast<void>(weft::parallel_reduce(
                       0, 61, counted(0),
                       [&](counted a, counted b) {
                         if (reductions++ == bad) throw std::runtime_error("reduce");
                         return counted(a.value() + b.value());
                       },
                       [](int i) { return counted(i); })),
                   std::runtime_error);
      ASSERT_EQ(counted::alive(), 0);
    }
  });
}

TEST_F(ParallelReduce, AMoveOfTheValueThatThrows) {
  using weft_test::move_thrower;
  everywhere([] {
    bool whole = false;
    for (int at = 1; !whole; ++at) {
      ASSERT_LT(at, 10'000);
      move_thrower::throw_at(at);
      try {
        const move_thrower sum = weft::parallel_reduce(
            0, 20, move_thrower(0),
            [](move_thrower a, move_thrower b) { return move_thrower(a.value() + b.value()); },
            [](int i) { return move_thrower(i); });
        whole = true;
        EXPECT_EQ(sum.value(), 190);
      } catch (const std::runtime_error&) {
      }
      move_thrower::throw_at(0);
      ASSERT_EQ(move_thrower::alive(), 0) << "at move " << at;
    }
  });
}

TEST_F(ParallelReduce, Cancelled) {
  everywhere([] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    const std::vector<int> v(100, 1);
    EXPECT_EQ(weft::parallel_reduce(ctx, v, 0), 100);
    EXPECT_EQ(weft::parallel_reduce(ctx, 0, 1'000'000, 0L, std::plus<>{},
                                    [cancel = cancel](int i) {
                                      if (i == 3) cancel();
                                      return 1L;
                                    }),
              std::nullopt);
    EXPECT_EQ(weft::parallel_reduce(ctx, v, 0), std::nullopt);
  });
}

TEST_F(ParallelReduce, Nests) {
  everywhere([] {
    const int sum = weft::parallel_reduce(0, 50, 0, std::plus<>{}, [](int i) {
      return weft::parallel_reduce(0, i, 0, std::plus<>{}, [](int k) { return k; });
    });
    EXPECT_EQ(sum, 19'600);  // 50 over 3
  });
}

TEST_F(ParallelMap, KeepsTheOrder) {
  everywhere([] {
    std::vector<int> v(scaled(5'000));
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<int>(i);
    const std::vector<std::string> texts = weft::parallel_map(v, [](int i) {
      if (i % 100 == 0) weft::yield();
      return std::to_string(i);
    });
    ASSERT_EQ(texts.size(), v.size());
    for (std::size_t i = 0; i < v.size(); ++i) ASSERT_EQ(texts[i], std::to_string(i));
    EXPECT_TRUE(weft::parallel_map(std::vector<int>(), [](int i) { return i; }).empty());
  });
}

TEST_F(ParallelMap, ResultsOfEveryKind) {
  everywhere([] {
    const auto range = std::views::iota(0, 300);
    const auto owners = weft::parallel_map(range, [](int i) { return std::make_unique<int>(i); });
    EXPECT_EQ(*owners[299], 299);
    const std::vector<bool> odd = weft::parallel_map(range, [](int i) { return i % 2 == 1; });
    for (std::size_t i = 0; i < 300; ++i) ASSERT_EQ(odd[i], i % 2 == 1);
    struct no_default {
      explicit no_default(int i) : value(i) {}
      int value;
    };
    const auto made = weft::parallel_map(range, [](int i) { return no_default(i); });
    EXPECT_EQ(made[150].value, 150);
    std::vector<int> data(10, 4);
    const auto copies = weft::parallel_map(data, [](int& i) -> int& { return i; });
    static_assert(std::is_same_v<decltype(copies), const std::vector<int>>);
    EXPECT_EQ(copies[3], 4);
  });
}

TEST_F(ParallelMap, AnExceptionAtEachPointLeaksNothing) {
  everywhere([] {
    const auto range = std::views::iota(0, 50);
    for (int bad = 0; bad < 50; ++bad) {
      EXPECT_EQ(what_thrown<std::runtime_error>([&] {
                  weft::parallel_map(range, [bad](int i) {
                    if (i == bad) throw std::runtime_error("map");
                    return counted(i);
                  });
                }),
                "map");
      ASSERT_EQ(counted::alive(), 0);
    }
  });
}

TEST_F(ParallelMap, Cancelled) {
  everywhere([] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    const auto range = std::views::iota(0, 1'000'000);
    const auto stops = [cancel = cancel](int i) {
      if (i == 3) cancel();
      return i;
    };
    EXPECT_EQ(weft::parallel_map(ctx, range, stops), std::nullopt);
    EXPECT_EQ(weft::parallel_map(weft::background(), std::views::iota(0, 2), stops),
              (std::vector<int>{0, 1}));
  });
}

}  // namespace
