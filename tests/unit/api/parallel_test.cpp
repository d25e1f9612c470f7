// The core of parallel loops: chunks cover the range once, parts are handed over, helpers are few.
#include <weft/detail/tasks/parallel_core.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

#include <weft/tasks/parallel.hpp>

#include "sched/scheduler.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::parallel_loop;
using weft::detail::parallel_part;
using weft::detail::parallel_run;
using weft_test::everywhere;
using weft_test::on_goroutine;
using weft_test::on_one_processor;

using parallel = weft_test::fixture;
using chunk = std::pair<std::size_t, std::size_t>;

struct recorded {
  std::mutex lock;
  std::vector<chunk> chunks;
  std::vector<const void*> where;

  static void run(void* raw, std::size_t first, std::size_t last, parallel_part*&) {
    auto& self = *static_cast<recorded*>(raw);
    const std::lock_guard guard(self.lock);
    self.chunks.emplace_back(first, last);
    const void* here = &weft::detail::this_waiter();
    if (std::find(self.where.begin(), self.where.end(), here) == self.where.end())
      self.where.push_back(here);
  }
  void expect_whole(std::size_t count) {
    std::sort(chunks.begin(), chunks.end());
    std::size_t next = 0;
    for (const chunk& each : chunks) {
      ASSERT_EQ(each.first, next);
      ASSERT_LT(each.first, each.second);
      next = each.second;
    }
    EXPECT_EQ(next, count);
  }
};

TEST_F(parallel, chunks_cover_the_range_once_and_are_no_smaller_than_the_grain) {
  everywhere([] {
    for (const std::size_t count : {1U, 2U, 10U, 1'000U, 100'000U})
      for (const std::ptrdiff_t grain : {-1, 0, 1, 7, 1'000}) {
        recorded r;
        EXPECT_TRUE(parallel_run({recorded::run, &r, count, grain}, nullptr));
        r.expect_whole(count);
        const auto least = static_cast<std::size_t>(std::max<std::ptrdiff_t>(grain, 1));
        for (const chunk& each : r.chunks)
          EXPECT_TRUE(each.second == count || each.second - each.first >= least);
      }
  });
}

TEST_F(parallel, one_chunk_is_not_everything) {
  everywhere([] {
    recorded r;
    EXPECT_TRUE(parallel_run({recorded::run, &r, 1'000'000, 0}, nullptr));
    EXPECT_GT(r.chunks.size(), 1U);
  });
}

TEST_F(parallel, one_processor_and_no_blocking_means_one_goroutine) {
  on_one_processor([] {
    recorded r;
    EXPECT_TRUE(parallel_run({recorded::run, &r, 10'000, 0}, nullptr));
    EXPECT_EQ(r.where.size(), 1U);
  });
}

TEST_F(parallel, parts_are_handed_over_whatever_happens) {
  struct body {
    static void run(void* raw, std::size_t first, std::size_t last, parallel_part*& parts) {
      weft::yield();
      if (first <= 500 && 500 < last && *static_cast<bool*>(raw))
        throw std::runtime_error("in the middle");
      parts = new parallel_part{parts, first, last};
    }
  };
  everywhere([] {
    for (bool fails : {false, true}) {
      parallel_part* parts = nullptr;
      const parallel_loop loop{body::run, &fails, 1'000, 1, &parts};
      if (fails)
        EXPECT_THROW(parallel_run(loop, nullptr), std::runtime_error);
      else
        EXPECT_TRUE(parallel_run(loop, nullptr));
      std::size_t covered = 0;
      while (parallel_part* part = parts) {
        covered += part->last - part->first;
        parts = part->next;
        delete part;
      }
      if (fails)
        EXPECT_LT(covered, 1'000U);
      else
        EXPECT_EQ(covered, 1'000U);
    }
  });
}

TEST_F(parallel, no_helper_is_left_waiting_when_a_quick_loop_ends) {
  on_one_processor([] {
    const std::size_t before = weft::num_goroutines();
    for (int i = 0; i < 100; ++i) weft::parallel_for(0, 10, [](int) {});
    EXPECT_EQ(weft::num_goroutines(), before);
  });
}

TEST_F(parallel, invite_is_harmless_where_nothing_waits) {
  weft::detail::invite();
  on_goroutine([] {
    for (int i = 0; i < 100; ++i) {
      weft::detail::invite();
      if (i % 10 == 0) weft::yield();
    }
  });
}

}  // namespace
