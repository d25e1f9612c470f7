// Stacks: their sizes, tops and guards, and that the pool neither loses nor doubles one.
#include "fiber/stack_pool.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <vector>

#include "port/stack_memory.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::default_stack_class;
using weft::detail::stack;
using weft::detail::stack_bytes_max;
using weft::detail::stack_bytes_min;
using weft::detail::stack_class;
using weft::detail::stack_class_bytes;
using weft::detail::stack_class_for;
using weft::detail::stack_pool;
using weft_test::scaled;

static_assert(stack_class_for(1) == 0 && stack_class_for(stack_bytes_min) == 0);
static_assert(stack_class_for(stack_bytes_min + 1) == 1);
static_assert(stack_class_for(stack_bytes_max) == weft::detail::stack_class_count - 1);
static_assert(stack_class_bytes(weft::detail::stack_class_count - 1) == stack_bytes_max);
static_assert(stack_class_bytes(default_stack_class) == weft::detail::stack_bytes_default);

std::uintptr_t number(const std::byte* address) {
  return reinterpret_cast<std::uintptr_t>(address);
}

/// The pool's stacks stay mapped as long as the process, so the pools of these tests may as well.
stack_pool& fresh_pool() {
  static std::vector<std::unique_ptr<stack_pool>> pools;
  return *pools.emplace_back(std::make_unique<stack_pool>());
}

TEST(stack_class, is_the_smallest_that_is_large_enough) {
  for (std::size_t bytes = 1; bytes <= stack_bytes_max; bytes = bytes * 3 / 2 + 1) {
    const stack_class size = stack_class_for(bytes);
    EXPECT_GE(stack_class_bytes(size), bytes);
    EXPECT_TRUE(size == 0 || stack_class_bytes(static_cast<stack_class>(size - 1)) < bytes);
  }
}

TEST(stack, tops_are_aligned_near_the_end_and_coloured) {
  stack_pool& pool = fresh_pool();
  std::set<std::uintptr_t> colours;
  for (int i = 0; i < 16; ++i) {
    const stack s = pool.acquire(default_stack_class);
    const std::size_t bytes = stack_class_bytes(default_stack_class);
    ASSERT_TRUE(s);
    ASSERT_EQ(number(s.top(default_stack_class)) % 16, 0U);
    ASSERT_LE(s.top(default_stack_class), s.low() + bytes);
    ASSERT_GE(s.top(default_stack_class), s.low() + bytes - 1024);
    colours.insert(number(s.top(default_stack_class)) % weft::detail::page_bytes());
  }
  EXPECT_EQ(colours.size(), 16U) << "neighbours share a cache set";
}

TEST(stack, an_empty_one_is_false) { EXPECT_FALSE(stack()); }

class stack_guards : public unit::in_a_fresh_process {};

TEST_F(stack_guards, a_stack_can_be_used_down_to_its_guard) {
  stack_pool& pool = fresh_pool();
  for (const stack_class size : {stack_class{0}, stack_class{1}, default_stack_class}) {
    const stack s = pool.acquire(size);
    ASSERT_TRUE(s && s.guarded());
    const std::size_t page = weft::detail::page_bytes();
    std::memset(s.low() + page, 1, static_cast<std::size_t>(s.top(size) - s.low()) - page);
    EXPECT_DEATH(s.low()[page - 1] = std::byte{1}, "");
  }
}

void find_canaries() {
  stack_pool& pool = fresh_pool();
  const stack s = pool.acquire(0);
  bool good = s && !s.guarded() && s.canary_is_intact();
  s.low()[5] = std::byte{1};
  good = good && !s.canary_is_intact();
  pool.release(s, 0);
  const stack again = pool.acquire(0);
  unit::end_with(good && again.low() == s.low() && again.canary_is_intact());
}

TEST_F(stack_guards, a_canary_stands_in_for_a_guard_and_is_planted_anew) {
  ::setenv("WEFT_GUARDS", "none", 1);
  EXPECT_EXIT(find_canaries(), testing::ExitedWithCode(0), "");
  ::unsetenv("WEFT_GUARDS");
}

/// More stacks than the kernel allows mappings: every one must be given, guarded or not.
void take_more_than_mappings() {
  long mappings_max = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> mappings_max;
  stack_pool& pool = fresh_pool();
  long guarded = 0;
  const long wanted = mappings_max + 10'000;
  for (long i = 0; i < wanted; ++i) {
    const stack s = pool.acquire(0);
    if (!s || (!s.guarded() && !s.canary_is_intact())) {
      std::fprintf(stderr, "stack %ld of %ld was refused\n", i, wanted);
      unit::end_with(false);
    }
    guarded += s.guarded();
  }
  unit::end_with(guarded > 0 && guarded < wanted);
}

TEST_F(stack_guards, when_guards_run_out_canaries_take_over_and_no_stack_is_refused) {
  ::setenv("WEFT_GUARDS", "mprotect", 1);
  EXPECT_EXIT(take_more_than_mappings(), testing::ExitedWithCode(0), "");
  ::unsetenv("WEFT_GUARDS");
}

void run_out_of_address_space() {
  stack_pool& pool = fresh_pool();
  const rlimit tight{std::size_t{512} << 20, RLIM_INFINITY};
  ::setrlimit(RLIMIT_AS, &tight);
  std::vector<stack> held;
  while (const stack s = pool.acquire(default_stack_class)) held.push_back(s);
  const bool some = !held.empty() && !pool.acquire(default_stack_class);
  pool.release(held.back(), default_stack_class);
  const bool reused = pool.acquire(default_stack_class).low() == held.back().low();
  const rlimit wide{RLIM_INFINITY, RLIM_INFINITY};
  ::setrlimit(RLIMIT_AS, &wide);
  unit::end_with(some && reused && pool.acquire(default_stack_class));
}

TEST_F(stack_guards, without_address_space_the_answer_is_empty_and_what_was_made_still_serves) {
  if (weft_test::sanitized) GTEST_SKIP() << "a sanitizer needs all address space";
  EXPECT_EXIT(run_out_of_address_space(), testing::ExitedWithCode(0), "");
}

TEST(stack_pool, serves_every_size) {
  stack_pool& pool = fresh_pool();
  for (int i = 0; i < weft::detail::stack_class_count; ++i) {
    const auto size = static_cast<stack_class>(i);
    const stack s = pool.acquire(size);
    ASSERT_TRUE(s) << stack_class_bytes(size) << " bytes";
    s.top(size)[-1] = std::byte{1};
    pool.release(s, size);
    EXPECT_EQ(pool.acquire(size).low(), s.low());
  }
  EXPECT_EQ(pool.created(), std::size_t{weft::detail::stack_class_count});
}

TEST(stack_pool, gives_the_warmest_first) {
  stack_pool& pool = fresh_pool();
  const stack a = pool.acquire(0);
  const stack b = pool.acquire(0);
  pool.release(a, 0);
  pool.release(b, 0);
  EXPECT_EQ(pool.acquire(0).low(), b.low());
  EXPECT_EQ(pool.acquire(0).low(), a.low());
}

/// More than the pool keeps warm, twice: the second time none is made, and what went cold owns no
/// memory of its past.
TEST(stack_pool, reuses_all_and_gives_the_memory_of_the_surplus_back) {
  constexpr std::size_t count = 1'500;
  stack_pool& pool = fresh_pool();
  std::set<std::byte*> lows;
  std::vector<stack> held;
  for (std::size_t i = 0; i < count; ++i) {
    held.push_back(pool.acquire(0));
    ASSERT_TRUE(lows.insert(held.back().low()).second);
    held.back().top(0)[-1] = std::byte{7};
  }
  for (const stack s : held) pool.release(s, 0);
  int cold = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const stack s = pool.acquire(0);
    ASSERT_EQ(lows.erase(s.low()), 1U) << "a stack that was not released, or twice";
    cold += s.top(0)[-1] == std::byte{0};
  }
  EXPECT_EQ(pool.created(), count);
  EXPECT_GT(cold, 0);
  EXPECT_LT(cold, 1'000);
}

class stack_pool_by_threads : public unit::at_counts {};
WEFT_AT_COUNTS(stack_pool_by_threads);

TEST_P(stack_pool_by_threads, never_gives_one_stack_to_two) {
  stack_pool& pool = fresh_pool();
  unit::on_threads(GetParam(), [&](int me) {
    unit::sequence s(static_cast<unsigned>(me));
    std::vector<std::pair<stack, stack_class>> held;
    for (int i = 0; i < scaled(20'000); ++i) {
      if (unit::below(s, 2) == 0 || held.empty()) {
        const auto size = static_cast<stack_class>(unit::below(s, 3));
        held.emplace_back(pool.acquire(size), size);
        held.back().first.top(size)[-1] = static_cast<std::byte>(me);
      } else {
        const auto [mine, size] = held.back();
        ASSERT_EQ(mine.top(size)[-1], static_cast<std::byte>(me));
        pool.release(mine, size);
        held.pop_back();
      }
    }
  });
}

}  // namespace
