// Stacks: their sizes, tops and guards, and that the pool neither loses nor doubles one.
#include "fiber/stack_pool.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <span>
#include <thread>
#include <vector>

#include "port/stack_memory.hpp"
#include "unit_support.hpp"

namespace {

using namespace std::chrono_literals;
using weft::detail::deadline_ns;
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

/// `count` stacks, each with a 7 in its top page.
std::vector<stack> take_and_touch(stack_pool& pool, std::size_t count, stack_class size = 0) {
  std::vector<stack> held(count);
  for (stack& s : held) {
    s = pool.acquire(size);
    s.top(size)[-1] = std::byte{7};
  }
  return held;
}

void release_all(stack_pool& pool, const std::vector<stack>& held, stack_class size = 0) {
  for (const stack s : held) pool.release(s, size);
}

bool is_warm(const stack& s, stack_class size = 0) {
  return weft::detail::stack_high_water(s, size) != 0;
}

/// What the monitor does, with a clock of its own.
class trimmer {
 public:
  explicit trimmer(stack_pool& pool) : pool_(pool) {}

  /// Lets time pass. Returns: how many stacks have given their memory back meanwhile.
  std::size_t pass(std::chrono::nanoseconds time) {
    const std::size_t before = pool_.given_back();
    for (const deadline_ns end = now_ + time.count(); now_ < end; now_ += 5'000'000)
      static_cast<void>(pool_.trim(now_));
    return pool_.given_back() - before;
  }
  /// Until there is nothing left to do. Returns: in how many calls.
  int finish() {
    int calls = 1;
    for (deadline_ns next; (next = pool_.trim(now_)) != weft::detail::never_ns; ++calls)
      now_ = std::max(now_, next);
    return calls;
  }

 private:
  stack_pool& pool_;
  deadline_ns now_ = 1;
};

TEST(stack_pool, keeps_a_crowd_warm_that_comes_back_at_once) {
  constexpr std::size_t count = 5'000;
  stack_pool& pool = fresh_pool();
  const std::vector<stack> held = take_and_touch(pool, count);
  std::set<std::byte*> lows;
  for (const stack s : held) ASSERT_TRUE(lows.insert(s.low()).second);
  release_all(pool, held);
  for (std::size_t i = 0; i < count; ++i) {
    const stack s = pool.acquire(0);
    ASSERT_EQ(lows.erase(s.low()), 1U) << "a stack that was not released, or twice";
    ASSERT_EQ(s.top(0)[-1], std::byte{7}) << "its memory was given back";
  }
  EXPECT_EQ(pool.created(), count);
  EXPECT_EQ(pool.given_back(), 0U);
}

TEST(stack_pool, gives_some_at_once_with_the_warmest_last) {
  stack_pool& pool = fresh_pool();
  const std::vector<stack> held = take_and_touch(pool, 40);
  pool.release_some(held, 0);
  std::array<stack, 16> some;
  ASSERT_EQ(pool.acquire_some(some, 0), some.size());
  for (std::size_t i = 0; i < some.size(); ++i)
    EXPECT_EQ(some[i].low(), held[held.size() - some.size() + i].low());
  EXPECT_EQ(pool.acquire(0).low(), held[held.size() - some.size() - 1].low());
}

TEST(stack_pool, gives_the_memory_of_a_crowd_back_when_it_stays_away) {
  constexpr std::size_t count = 20'000;
  stack_pool& pool = fresh_pool();
  release_all(pool, take_and_touch(pool, count));
  trimmer monitor(pool);
  EXPECT_EQ(monitor.pass(900ms), 0U) << "it may come back";
  EXPECT_GT(monitor.pass(2s), count / 4);
  EXPECT_LT(monitor.finish(), 100) << "the monitor is woken for nothing";
  EXPECT_EQ(pool.given_back(), count);
  for (std::size_t i = 0; i < count; ++i) ASSERT_FALSE(is_warm(pool.acquire(0))) << i;
  EXPECT_EQ(pool.created(), count);
  EXPECT_EQ(pool.trim(1), weft::detail::never_ns) << "nothing is left to do";
}

TEST(stack_pool, gives_back_no_more_than_a_batch_at_once) {
  stack_pool& pool = fresh_pool();
  release_all(pool, take_and_touch(pool, 5'000));
  std::size_t before = 0;
  for (deadline_ns now = 1; pool.given_back() < 5'000; now += 5'000'000) {
    static_cast<void>(pool.trim(now));
    ASSERT_LE(pool.given_back() - before, 1'024U);
    before = pool.given_back();
  }
}

/// The upper half comes and goes; the lower one is only needed once.
TEST(stack_pool, gives_back_what_lies_unused_and_spares_what_comes_and_goes) {
  stack_pool& pool = fresh_pool();
  release_all(pool, take_and_touch(pool, 8'000));
  trimmer monitor(pool);
  for (int burst = 0; burst < 60; ++burst) {
    const std::vector<stack> held = take_and_touch(pool, 4'000);
    static_cast<void>(monitor.pass(100ms));
    release_all(pool, held);
    static_cast<void>(monitor.pass(100ms));
  }
  EXPECT_EQ(pool.given_back(), 4'000U);
}

TEST(stack_pool, does_not_thrash_when_a_crowd_comes_and_goes) {
  stack_pool& pool = fresh_pool();
  trimmer monitor(pool);
  for (int burst = 0; burst < 100; ++burst) {
    release_all(pool, take_and_touch(pool, 3'000));
    ASSERT_EQ(monitor.pass(700ms), 0U);
  }
  EXPECT_EQ(pool.created(), 3'000U);
}

/// Each may have touched megabytes.
TEST(stack_pool, keeps_few_large_ones_warm) {
  constexpr stack_class large = stack_class_for(std::size_t{64} << 20);
  stack_pool& pool = fresh_pool();
  release_all(pool, take_and_touch(pool, 6, large), large);
  EXPECT_EQ(pool.given_back(), 2U);
  EXPECT_EQ(trimmer(pool).pass(3s), 4U);
}

/// Neighbours, whose memory was given back in one call.
std::vector<stack> take_after_trim(stack_pool& pool) {
  release_all(pool, take_and_touch(pool, 64));
  static_cast<void>(trimmer(pool).finish());
  std::vector<stack> again;
  for (int i = 0; i < 64; ++i) again.push_back(pool.acquire(0));
  std::sort(again.begin(), again.end(), [](stack a, stack b) { return a.low() < b.low(); });
  return again;
}

TEST_F(stack_guards, stay_when_the_memory_of_neighbours_is_given_back) {
  const std::size_t page = weft::detail::page_bytes();
  for (const char* kind : {"", "mprotect"}) {
    ::setenv("WEFT_GUARDS", kind, 1);
    for (const std::size_t i : {std::size_t{0}, std::size_t{1}, std::size_t{30}, std::size_t{63}})
      EXPECT_DEATH(
          {
            stack_pool& pool = fresh_pool();
            const stack s = take_after_trim(pool)[i];
            if (pool.given_back() != 64 || is_warm(s)) std::_Exit(0);
            s.low()[page] = std::byte{1};
            s.low()[page - 1] = std::byte{1};
            std::_Exit(0);
          },
          "")
          << kind << ' ' << i;
  }
  ::unsetenv("WEFT_GUARDS");
}

TEST_F(stack_guards, are_planted_anew_as_canaries_after_memory_was_given_back) {
  ::setenv("WEFT_GUARDS", "none", 1);
  EXPECT_EXIT(
      {
        bool good = true;
        for (const stack& s : take_after_trim(fresh_pool()))
          good = good && !s.guarded() && s.canary_is_intact() && !is_warm(s);
        unit::end_with(good);
      },
      testing::ExitedWithCode(0), "");
  ::unsetenv("WEFT_GUARDS");
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

/// A thief of memory that does not wait for periods to pass.
TEST_P(stack_pool_by_threads, gives_back_no_memory_that_is_in_use) {
  stack_pool& pool = fresh_pool();
  std::atomic<bool> over{false};
  std::thread monitor([&] {
    for (deadline_ns now = 1; !over.load(); now += weft::detail::stack_shelf::trim_period_ns)
      static_cast<void>(pool.trim(now));
  });
  unit::on_threads(GetParam(), [&](int me) {
    unit::sequence s(static_cast<unsigned>(me));
    for (int i = 0; i < scaled(2'000); ++i) {
      std::array<stack, 32> mine;
      const auto wanted = static_cast<std::size_t>(1 + unit::below(s, 32));
      const std::size_t count = pool.acquire_some(std::span(mine).first(wanted), 0);
      ASSERT_GT(count, 0U);
      for (std::size_t k = 0; k < count; ++k) mine[k].top(0)[-1] = static_cast<std::byte>(me + 1);
      std::this_thread::yield();
      for (std::size_t k = 0; k < count; ++k)
        ASSERT_EQ(mine[k].top(0)[-1], static_cast<std::byte>(me + 1));
      pool.release_some(std::span(mine).first(count), 0);
    }
  });
  over.store(true);
  monitor.join();
  EXPECT_LE(pool.created(), 4 * 32U + 1'024U);
}

}  // namespace
