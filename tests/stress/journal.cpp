// The book-keeper of the random programs.
#include <algorithm>

#include "exchange.hpp"

namespace stress {

namespace {

struct fate {
  bool sent = false;
  bool received = false;
  std::size_t channel = 0;
};

using fates = std::vector<std::vector<fate>>;  // by sender, then by sequence

fates fates_of_the_sent(const std::vector<journal>& journals) {
  fates all(journals.size());
  for (std::size_t sender = 0; sender < journals.size(); ++sender) {
    for (const auto& [what, channel] : journals[sender].sent) {
      auto& mine = all[sender];
      if (mine.size() <= what.sequence) mine.resize(what.sequence + 1);
      mine[what.sequence] = {true, false, channel};
    }
  }
  return all;
}

std::string describe(const journal::entry& e) {
  return "sender " + std::to_string(e.what.sender) + ", sequence " +
         std::to_string(e.what.sequence) + ", channel " + std::to_string(e.channel);
}

void enter_arrival(fates& all, const journal::entry& e) {
  const bool known = e.what.sender < all.size() && e.what.sequence < all[e.what.sender].size() &&
                     all[e.what.sender][e.what.sequence].sent;
  ASSERT_TRUE(known) << "arrived, but its send did not succeed: " << describe(e);
  fate& f = all[e.what.sender][e.what.sequence];
  EXPECT_EQ(f.channel, e.channel) << "arrived on another channel: " << describe(e);
  EXPECT_FALSE(f.received) << "arrived twice: " << describe(e);
  f.received = true;
}

/// What one receiver took from one channel came from each sender in the order it was sent.
void check_order(const journal& book, std::size_t senders, std::size_t channels) {
  std::vector<std::int64_t> last(senders * channels, -1);
  for (const auto& e : book.received) {
    if (e.what.sender >= senders) continue;  // reported by enter_arrival()
    std::int64_t& before = last[e.what.sender * channels + e.channel];
    EXPECT_LT(before, static_cast<std::int64_t>(e.what.sequence)) << "overtaken: " << describe(e);
    before = e.what.sequence;
  }
}

}  // namespace

void check_journals(const std::vector<journal>& journals, std::size_t channels) {
  fates all = fates_of_the_sent(journals);
  for (const journal& book : journals) {
    for (const auto& e : book.received) enter_arrival(all, e);
    check_order(book, journals.size(), channels);
    if (testing::Test::HasFailure()) return;  // one journal of failures says enough
  }
  for (std::size_t sender = 0; sender < all.size(); ++sender)
    for (std::size_t sequence = 0; sequence < all[sender].size(); ++sequence) {
      const fate& f = all[sender][sequence];
      EXPECT_EQ(f.sent, f.received)
          << "lost: sender " << sender << ", sequence " << sequence << ", channel " << f.channel;
    }
}

}  // namespace stress
