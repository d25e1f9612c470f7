// How much of a stack was ever in use.
#include <alloca.h>

#include <cstring>

#include "fiber/stack.hpp"
#include "fiber/stack_pool.hpp"
#include "port/stack_memory.hpp"
#include "unit_support.hpp"

namespace {

using namespace weft::detail;

constexpr stack_class size = default_stack_class;

class high_water : public unit::in_a_fresh_process {};

TEST_F(high_water, of_an_unused_stack_is_nothing) {
  stack_pool pool;
  EXPECT_EQ(stack_high_water(pool.acquire(size), size), 0U);
  EXPECT_EQ(stack_high_water({}, size), 0U);
}

TEST_F(high_water, is_the_lowest_page_that_was_touched) {
  stack_pool pool;
  const stack s = pool.acquire(size);
  const std::size_t page = page_bytes();
  std::byte* const end = s.low() + stack_class_bytes(size);
  end[-1] = std::byte{1};
  EXPECT_EQ(stack_high_water(s, size), page);
  *(end - 10 * page) = std::byte{1};  // with nine pages between that were not touched
  EXPECT_EQ(stack_high_water(s, size), 10 * page);
  end[-1] = std::byte{2};
  EXPECT_EQ(stack_high_water(s, size), 10 * page);
  s.low()[page] = std::byte{1};
  EXPECT_EQ(stack_high_water(s, size), stack_class_bytes(size) - page);
  discard_stack_memory(s.low() + page, stack_class_bytes(size) - page);
  EXPECT_EQ(stack_high_water(s, size), 0U);
}

TEST_F(high_water, of_a_large_stack_is_found_too) {
  stack_pool pool;
  constexpr stack_class large = stack_class_for(std::size_t{64} << 20);
  const stack s = pool.acquire(large);
  std::byte* const end = s.low() + stack_class_bytes(large);
  *(end - (std::size_t{20} << 20)) = std::byte{1};
  EXPECT_EQ(stack_high_water(s, large), std::size_t{20} << 20);
}

TEST_F(high_water, without_a_guard_does_not_count_the_canary) {
  EXPECT_EXIT(
      {
        ::setenv("WEFT_GUARDS", "none", 1);
        stack_pool pool;
        const stack s = pool.acquire(size);
        const bool unused = !s.guarded() && stack_high_water(s, size) == 0;
        s.low()[0] = std::byte{0};
        unit::end_with(unused && stack_high_water(s, size) == stack_class_bytes(size));
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
