// The rules of parallel_sort.
#include <weft/tasks/parallel_sort.hpp>

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

using weft_test::counted;
using weft_test::everywhere;
using weft_test::scaled;

class ParallelSort : public weft_test::fixture {
 protected:
  void TearDown() override {
    fixture::TearDown();
    EXPECT_EQ(counted::alive(), 0);
  }
};

std::vector<int> shaped(const std::string& shape, std::size_t count) {
  std::minstd_rand random(42);
  std::vector<int> v(count);
  for (std::size_t i = 0; i < count; ++i) {
    const int at = static_cast<int>(i);
    const int any = static_cast<int>(random() % 1'000'000);
    v[i] = shape == "random"       ? any
           : shape == "ascending"  ? at
           : shape == "descending" ? -at
           : shape == "equal"      ? 7
           : shape == "few"        ? any % 4
           : shape == "organ pipe" ? std::min(at, static_cast<int>(count) - at)
                                   : (any % 10 == 0 ? any : 5);
  }
  return v;
}

TEST_F(ParallelSort, SortsEveryShape) {
  everywhere([] {
    for (const char* shape :
         {"random", "ascending", "descending", "equal", "few", "organ pipe", "mostly equal"})
      for (const int count : {0, 1, 2, 3, 100, 4'097, 20'000, scaled(200'000)}) {
        std::vector<int> v = shaped(shape, static_cast<std::size_t>(count));
        std::vector<int> expected = v;
        std::sort(expected.begin(), expected.end());
        weft::parallel_sort(v);
        ASSERT_EQ(v, expected) << shape << ' ' << count;
      }
  });
}

TEST_F(ParallelSort, TakesAComparison) {
  everywhere([] {
    std::vector<int> v = shaped("random", 30'000);
    weft::parallel_sort(v, std::greater<>{});
    EXPECT_TRUE(std::is_sorted(v.begin(), v.end(), std::greater<>{}));
    std::deque<std::string> texts;
    for (const int i : shaped("random", 10'000)) texts.push_back(std::to_string(i));
    weft::parallel_sort(texts.begin(), texts.end());
    EXPECT_TRUE(std::is_sorted(texts.begin(), texts.end()));
  });
}

TEST_F(ParallelSort, CopiesNoElement) {
  everywhere([] {
    std::vector<std::unique_ptr<int>> v;
    for (const int i : shaped("random", 20'000)) v.push_back(std::make_unique<int>(i));
    weft::parallel_sort(v, [](const auto& a, const auto& b) { return *a < *b; });
    EXPECT_TRUE(
        std::is_sorted(v.begin(), v.end(), [](const auto& a, const auto& b) { return *a < *b; }));
  });
}

TEST_F(ParallelSort, AComparisonThatThrowsLosesNoElement) {
  everywhere([] {
    for (const int after : {1, 100, 5'000, 50'000, 200'000}) {
      std::vector<counted> v;
      for (const int i : shaped("random", 20'000)) v.emplace_back(i);
      std::atomic<int> left{after};
      const auto less = [&](const counted& a, const counted& b) {
        if (--left == 0) throw std::runtime_error("compare");
        return a.value() < b.value();
      };
      EXPECT_THROW(weft::parallel_sort(v, less), std::runtime_error);
      EXPECT_EQ(counted::alive(), 20'000);
    }
  });
}

TEST_F(ParallelSort, Nests) {
  everywhere([] {
    std::vector<std::vector<int>> rows(8, shaped("random", 10'000));
    weft::parallel_for(rows, [](std::vector<int>& row) { weft::parallel_sort(row); });
    for (const auto& row : rows) EXPECT_TRUE(std::is_sorted(row.begin(), row.end()));
  });
}

}  // namespace
