// One claim wins; the reasons have Go's words.
#include "fiber/waiter.hpp"

#include <array>
#include <set>
#include <string>
#include <utility>

#include "unit_support.hpp"

namespace {

using weft::detail::atomic;
using weft::detail::wait_claim;
using weft::detail::wait_reason;
using weft_test::scaled;

class wait_claims : public unit::at_counts {};
WEFT_AT_COUNTS(wait_claims);

TEST(wait_claim, the_first_wins_and_stays) {
  wait_claim claim;
  EXPECT_EQ(claim.winner(), wait_claim::nobody);
  EXPECT_TRUE(claim.try_claim(7));
  EXPECT_FALSE(claim.try_claim(8));
  EXPECT_FALSE(claim.try_claim(7));
  EXPECT_EQ(claim.winner(), 7U);
}

/// Everyone claims the same claims, each in the same order: every one has one winner, whose plain
/// write is seen by whoever reads the winner.
TEST_P(wait_claims, of_many_at_once_exactly_one_wins) {
  struct contest {
    wait_claim claim;
    int prize = -1;
    atomic<int> wins{0};
  };
  std::vector<contest> contests(static_cast<std::size_t>(scaled(40'000)));
  unit::on_threads(GetParam(), [&](int self) {
    for (contest& c : contests)
      if (c.claim.try_claim(static_cast<std::uint32_t>(self))) {
        c.prize = self;
        ++c.wins;
      }
  });
  for (const contest& c : contests) {
    ASSERT_EQ(c.wins.load(), 1);
    ASSERT_EQ(c.claim.winner(), static_cast<std::uint32_t>(c.prize));
  }
}

TEST(wait_reason, has_the_words_of_go) {
  const std::pair<wait_reason, std::string> table[] = {
      {wait_reason::none, ""},
      {wait_reason::chan_receive, "chan receive"},
      {wait_reason::chan_send, "chan send"},
      {wait_reason::chan_receive_nil, "chan receive (nil chan)"},
      {wait_reason::chan_send_nil, "chan send (nil chan)"},
      {wait_reason::select, "select"},
      {wait_reason::select_no_cases, "select (no cases)"},
      {wait_reason::sleep, "sleep"},
      {wait_reason::wait_group, "sync.WaitGroup.Wait"},
  };
  for (const auto& [reason, expected] : table) EXPECT_EQ(words(reason), expected);
}

TEST(wait_reason, has_words_for_whatever_comes) {
  EXPECT_STREQ(words(static_cast<wait_reason>(200)), "");
}

}  // namespace
