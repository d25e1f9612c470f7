// Order, fair shares, and nothing lost between many threads.
#include "sched/injection.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "unit_support.hpp"

namespace {

using weft::detail::injection_queue;
using weft::detail::waiter;
using weft::detail::wake_list;
using weft_test::scaled;

struct numbered : waiter {
  numbered() : waiter(kind::goroutine) {}
  int number = 0;
  int taken = 0;
};

std::unique_ptr<numbered[]> make(int count) {
  std::unique_ptr<numbered[]> all(new numbered[static_cast<std::size_t>(count)]);
  for (int i = 0; i < count; ++i) all[static_cast<std::size_t>(i)].number = i;
  return all;
}

std::vector<int> numbers(wake_list share) {
  std::vector<int> all;
  while (waiter* w = share.pop_front()) all.push_back(static_cast<numbered*>(w)->number);
  return all;
}

TEST(injection_queue, an_empty_one_gives_nothing) {
  injection_queue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(queue.take_share(4).empty());
}

TEST(injection_queue, gives_one_of_n_processors_its_share_in_order) {
  const auto all = make(100);
  injection_queue queue;
  for (int i = 0; i < 50; ++i) queue.push(&all[static_cast<std::size_t>(i)]);
  wake_list rest;
  for (std::size_t i = 50; i < 100; ++i) rest.push_back(&all[i]);
  queue.push(std::move(rest));
  EXPECT_EQ(numbers(queue.take_share(4)).size(), 26U);  // 100 / 4 + 1
  const std::vector<int> second = numbers(queue.take_share(2));
  EXPECT_EQ(second.size(), 38U);  // 74 / 2 + 1
  EXPECT_EQ(second.front(), 26);
  EXPECT_TRUE(std::is_sorted(second.begin(), second.end()));
  EXPECT_FALSE(queue.empty());
}

TEST(injection_queue, gives_all_to_the_only_processor_but_never_a_flood) {
  const auto all = make(1'000);
  injection_queue queue;
  for (std::size_t i = 0; i < 1'000; ++i) queue.push(&all[i]);
  std::size_t sum = 0;
  while (!queue.empty()) {
    const std::size_t share = numbers(queue.take_share(1)).size();
    ASSERT_GT(share, 0U);
    ASSERT_LE(share, 128U);
    sum += share;
  }
  EXPECT_EQ(sum, 1'000U);
}

TEST(injection_queue, a_single_one_is_taken_whatever_the_number_of_processors) {
  const auto all = make(1);
  injection_queue queue;
  queue.push(all.get());
  EXPECT_EQ(numbers(queue.take_share(1'024)), std::vector<int>{0});
}

class injection_by_threads : public unit::at_counts {};
WEFT_AT_COUNTS(injection_by_threads);

TEST_P(injection_by_threads, gives_each_to_exactly_one) {
  const int each = scaled(20'000);
  const int pushers = GetParam();
  const auto all = make(pushers * each);
  injection_queue queue;
  weft::detail::atomic<int> taken{0};
  unit::on_threads(2 * pushers, [&](int me) {
    if (me < pushers) {
      for (int i = 0; i < each; ++i) queue.push(&all[static_cast<std::size_t>(me * each + i)]);
      return;
    }
    while (taken.load() < pushers * each) {
      wake_list share = queue.take_share(pushers);
      if (share.empty()) std::this_thread::yield();
      while (waiter* w = share.pop_front()) {
        ++static_cast<numbered*>(w)->taken;
        ++taken;
      }
    }
  });
  for (int i = 0; i < pushers * each; ++i) ASSERT_EQ(all[static_cast<std::size_t>(i)].taken, 1);
  EXPECT_TRUE(queue.empty());
}

}  // namespace
