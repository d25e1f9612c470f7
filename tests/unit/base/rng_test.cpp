// The generator: splitmix64's own numbers, bounds, and no visible favourite.
#include "base/rng.hpp"

#include <array>
#include <cstdint>
#include <set>

#include "unit_support.hpp"

namespace {

using weft::detail::rng;

TEST(rng, gives_the_published_numbers_of_splitmix64) {
  rng r(1234567);
  EXPECT_EQ(r.next(), 6457827717110365317U);
  EXPECT_EQ(r.next(), 3203168211198807973U);
  EXPECT_EQ(r.next(), 9817491932198370423U);
  EXPECT_EQ(r.next(), 4593380528125082431U);
}

TEST(rng, stays_below_its_bound_and_reaches_both_ends) {
  for (const std::uint32_t bound : {1U, 2U, 3U, 4U, 7U, 61U}) {
    rng r(bound);
    std::set<std::uint32_t> seen;
    for (int i = 0; i < 5'000; ++i) seen.insert(r.below(bound));
    EXPECT_EQ(seen.size(), bound);
    EXPECT_EQ(*seen.begin(), 0U);
    EXPECT_EQ(*seen.rbegin(), bound - 1);
  }
}

TEST(rng, uses_the_whole_range_of_a_large_bound) {
  constexpr std::uint32_t bound = UINT32_MAX;
  rng r(3);
  int low = 0;
  int high = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::uint32_t n = r.below(bound);
    ASSERT_LT(n, bound);
    low += n < bound / 8;
    high += n > bound - bound / 8;
  }
  EXPECT_NEAR(low, 1'250, 200);
  EXPECT_NEAR(high, 1'250, 200);
}

/// Pearson's statistic of `kinds` equally likely outcomes.
template <std::size_t kinds, class Draw>
double chi_squared(int draws, Draw draw) {
  std::array<int, kinds> counts{};
  for (int i = 0; i < draws; ++i) ++counts.at(draw());
  const double expected = static_cast<double>(draws) / static_cast<double>(kinds);
  double sum = 0;
  for (const int n : counts) sum += (n - expected) * (n - expected) / expected;
  return sum;
}

TEST(rng, prefers_nothing) {
  // 9 degrees of freedom: 27.9 is exceeded once in a thousand. The seeds are fixed, so is the
  // result.
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    rng r(seed);
    EXPECT_LT(chi_squared<10>(100'000, [&] { return r.below(10); }), 27.9) << "seed " << seed;
  }
}

TEST(rng, shows_no_pattern_between_successive_numbers) {
  // 63 degrees of freedom: 103.4 is exceeded once in a thousand.
  rng r(99);
  EXPECT_LT(chi_squared<64>(200'000, [&] { return r.below(8) * 8 + r.below(8); }), 103.4);
}

TEST(rng, differs_from_seed_to_seed) {
  std::set<std::uint64_t> firsts;
  for (std::uint64_t seed = 0; seed < 1'000; ++seed) firsts.insert(rng(seed).next());
  EXPECT_EQ(firsts.size(), 1'000U);
}

}  // namespace
