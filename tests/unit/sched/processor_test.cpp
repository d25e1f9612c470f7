// The order of service, that nothing starves, and that thieves take only what has aged.
#include "sched/processor.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "port/clock.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::batch;
using weft::detail::goroutine;
using weft::detail::processor;
using weft_test::scaled;

class processors : public testing::Test {
 protected:
  void SetUp() override { weft::detail::prepare_barriers(); }

  goroutine* at(int number) { return &blocks_[static_cast<std::size_t>(number)]; }
  int number_of(const goroutine* g) const { return g ? static_cast<int>(g - blocks_.get()) : -1; }

  int pick() { return number_of(p_.pick_owner()); }
  std::vector<int> pick_all() {
    std::vector<int> all;
    for (int n = pick(); n >= 0; n = pick()) all.push_back(n);
    return all;
  }
  void push_fresh(int from, int to) {
    for (int i = from; i < to; ++i) p_.push_fresh_owner(at(i));
  }
  void push_started(int from, int to) {
    for (int i = from; i < to; ++i) p_.push_started_owner(at(i));
  }
  std::vector<int> numbers(batch b) {
    std::vector<int> all;
    while (auto* w = b.started.pop_front()) all.push_back(number_of(static_cast<goroutine*>(w)));
    while (goroutine* g = b.fresh.pop_back()) all.push_back(number_of(g));
    return all;
  }
  std::vector<int> steal() { return numbers(p_.steal_aged()); }

  static constexpr int blocks_count = 2'000;
  std::unique_ptr<goroutine[]> blocks_{new goroutine[blocks_count]};
  processor p_{3};
};

using list = std::vector<int>;

list range(int from, int to) {
  list all;
  for (int i = from; i < to; ++i) all.push_back(i);
  return all;
}

TEST_F(processors, an_empty_one_has_nothing) {
  EXPECT_EQ(p_.number(), 3);
  EXPECT_EQ(pick(), -1);
  EXPECT_FALSE(p_.has_work());
  p_.sample();
  EXPECT_TRUE(p_.steal_aged().empty());
  EXPECT_TRUE(p_.take_all_owner().empty());
}

TEST_F(processors, started_ones_are_served_first_in_first_out) {
  push_started(0, 10);
  EXPECT_TRUE(p_.has_work());
  EXPECT_EQ(pick_all(), range(0, 10));
  EXPECT_FALSE(p_.has_work());
}

TEST_F(processors, fresh_ones_are_served_newest_first) {
  push_fresh(0, 4);
  EXPECT_TRUE(p_.has_work());
  EXPECT_EQ(pick_all(), (list{3, 2, 1, 0}));
  EXPECT_FALSE(p_.has_work());
}

TEST_F(processors, started_ones_come_before_fresh_ones_and_the_next_slot_before_both) {
  push_fresh(0, 2);
  push_started(2, 4);
  p_.set_next_owner(at(4));
  EXPECT_EQ(pick_all(), (list{4, 2, 3, 1, 0}));
}

TEST_F(processors, whoever_is_pushed_out_of_the_next_slot_queues_with_the_started) {
  push_started(0, 1);
  p_.set_next_owner(at(1));
  p_.set_next_owner(at(2));
  p_.set_next_owner(at(3));
  EXPECT_EQ(pick_all(), (list{3, 0, 1, 2}));
}

TEST_F(processors, who_lets_another_go_first_comes_before_all_but_that_one) {
  push_fresh(0, 1);
  push_started(1, 3);
  p_.set_next_owner(at(3));
  p_.push_first_owner(at(4));
  EXPECT_EQ(pick_all(), (list{3, 4, 1, 2, 0}));
  p_.push_first_owner(at(5));
  push_started(6, 7);
  EXPECT_EQ(pick_all(), (list{5, 6}));
  EXPECT_FALSE(p_.has_work());
}

TEST_F(processors, what_cannot_run_now_comes_last) {
  push_fresh(0, 2);
  p_.push_oldest_owner(at(2));
  EXPECT_EQ(pick_all(), (list{1, 0, 2}));
  EXPECT_FALSE(p_.has_work());
}

/// A pair that makes each other ready for ever would keep everybody else waiting.
TEST_F(processors, the_next_slot_is_inherited_so_many_times_and_no_more) {
  push_started(0, 1);
  int turns = 0;
  for (;; ++turns) {
    ASSERT_LE(turns, 64) << "the started one starves";
    p_.set_next_owner(at(1 + turns % 2));
    if (pick() == 0) break;
  }
  EXPECT_EQ(turns, 64);
  EXPECT_NE(pick(), -1) << "the one that had to give way is lost";
  EXPECT_EQ(pick(), -1);
}

/// Returns: after how many picks, while newer ones come.
int picks_until_oldest(processor& p, goroutine* oldest, goroutine* newer) {
  p.push_fresh_owner(oldest);
  for (int picks = 1; picks < 10'000; ++picks) {
    p.push_fresh_owner(newer);
    if (p.pick_owner() == oldest) return picks;
  }
  return -1;
}

TEST_F(processors, the_oldest_fresh_one_is_served_when_the_coarse_clock_has_ticked) {
  using weft::detail::coarse_clock;
  coarse_clock.write(coarse_clock.read() + 1);
  EXPECT_EQ(picks_until_oldest(p_, at(0), at(1)), 61);
}

TEST_F(processors, the_oldest_fresh_one_is_served_now_and_then_by_a_clock_that_stands_still) {
  using weft::detail::coarse_clock;
  coarse_clock.write(coarse_clock.read() + 1);
  picks_until_oldest(p_, at(0), at(1));
  p_.take_all_owner();
  const int picks = picks_until_oldest(p_, at(0), at(1));
  EXPECT_GT(picks, 61) << "put off: newer ones were served";
  EXPECT_LE(picks, 61 * 64);
}

TEST_F(processors, fresh_ones_do_not_starve_behind_started_ones) {
  push_fresh(0, 1);
  push_started(1, 3);
  for (int picks = 1;; ++picks) {
    ASSERT_LE(picks, 61) << "the fresh one starves";
    const int picked = pick();
    if (picked == 0) break;
    p_.push_started_owner(at(picked));
  }
}

TEST_F(processors, take_all_empties_every_place_and_keeps_the_orders) {
  push_fresh(0, 3);
  push_started(3, 6);
  p_.set_next_owner(at(6));
  EXPECT_EQ(numbers(p_.take_all_owner()), (list{3, 4, 5, 6, 0, 1, 2}));
  EXPECT_EQ(pick(), -1);
  EXPECT_FALSE(p_.has_work());
}

TEST_F(processors, a_batch_keeps_its_orders) {
  push_fresh(0, 3);
  push_started(3, 6);
  processor other(4);
  other.push_batch_owner(p_.take_all_owner());
  list picked;
  while (goroutine* g = other.pick_owner()) picked.push_back(number_of(g));
  EXPECT_EQ(picked, (list{3, 4, 5, 2, 1, 0}));
}

TEST_F(processors, the_newest_fresh_one_can_be_taken_back) {
  push_fresh(0, 3);
  at(2)->id = 7;
  EXPECT_TRUE(p_.take_back_owner(at(2), 7));
  EXPECT_EQ(pick_all(), (list{1, 0}));
  EXPECT_FALSE(p_.has_work());
}

TEST_F(processors, what_is_not_the_newest_or_not_the_same_any_more_is_not_taken_back) {
  EXPECT_FALSE(p_.take_back_owner(at(0), 0)) << "nothing is here";
  push_fresh(0, 2);
  push_started(2, 3);
  at(1)->id = 7;
  EXPECT_FALSE(p_.take_back_owner(at(0), 0));
  EXPECT_FALSE(p_.take_back_owner(at(1), 6));
  EXPECT_FALSE(p_.take_back_owner(at(2), 0));
  EXPECT_EQ(pick_all(), (list{2, 1, 0}));
}

TEST_F(processors, who_invites_is_robbed_at_once_and_only_once) {
  p_.invite_owner();
  EXPECT_TRUE(p_.steal_aged().empty());
  push_fresh(0, 4);
  p_.set_next_owner(at(4));
  EXPECT_EQ(steal(), (list{0, 1}));
  EXPECT_TRUE(p_.steal_aged().empty());
  EXPECT_EQ(pick_all(), (list{4, 3, 2}));
}

TEST_F(processors, nothing_is_stolen_that_was_not_seen_waiting_before) {
  push_fresh(0, 5);
  push_started(5, 10);
  p_.set_next_owner(at(10));
  EXPECT_TRUE(p_.steal_aged().empty());
  EXPECT_EQ(pick_all().size(), 11U);
}

TEST_F(processors, what_came_after_the_sample_is_not_stolen) {
  p_.sample();
  push_fresh(0, 5);
  push_started(5, 10);
  p_.set_next_owner(at(10));
  EXPECT_TRUE(p_.steal_aged().empty());
}

TEST_F(processors, what_was_served_since_the_sample_does_not_count_as_aged) {
  push_started(0, 3);
  push_fresh(3, 4);
  p_.set_next_owner(at(4));
  p_.sample();
  EXPECT_EQ(pick_all().size(), 5U);
  push_started(0, 3);
  push_fresh(5, 6);
  p_.set_next_owner(at(4));  // the same one, anew
  EXPECT_TRUE(p_.steal_aged().empty());
}

/// Blocks are used again at once: batch after batch begins with the same one.
TEST_F(processors, a_goroutine_in_a_block_that_was_seen_waiting_before_has_not_aged) {
  push_fresh(0, 3);
  p_.sample();
  EXPECT_EQ(pick_all().size(), 3U);
  push_fresh(0, 3);
  EXPECT_TRUE(p_.steal_aged().empty());
  p_.sample();
  EXPECT_EQ(steal(), (list{0, 1}));
}

/// The owner of a long queue takes the oldest now and then: what is oldest then waited, too.
TEST_F(processors, where_something_fresh_waited_all_the_time_the_oldest_half_is_stolen_once) {
  push_fresh(0, 100);
  p_.sample();
  weft::detail::coarse_clock.write(weft::detail::coarse_clock.read() + 1);
  for (int i = 0; i < 61; ++i) EXPECT_NE(pick(), -1);
  EXPECT_EQ(steal(), range(1, 21));
  EXPECT_TRUE(p_.steal_aged().empty()) << "what is left has to wait for another look";
}

TEST_F(processors, the_oldest_half_of_the_fresh_is_stolen) {
  push_fresh(0, 9);
  p_.sample();
  EXPECT_EQ(steal(), range(0, 5));
  EXPECT_EQ(pick_all(), (list{8, 7, 6, 5}));
}

TEST_F(processors, the_oldest_half_of_the_started_is_stolen) {
  push_started(0, 8);
  p_.sample();
  EXPECT_EQ(steal(), range(0, 4));
  EXPECT_EQ(pick_all(), range(4, 8));
}

TEST_F(processors, a_forgotten_next_slot_is_stolen) {
  p_.set_next_owner(at(1));
  p_.sample();
  EXPECT_EQ(steal(), list{1});
  EXPECT_EQ(pick(), -1);
}

TEST_F(processors, the_next_slot_is_stolen_if_nobody_has_sat_down_since) {
  p_.set_next_owner(at(0));
  const weft::detail::next_slot seen = p_.look_at_next();
  EXPECT_EQ(number_of(seen.held), 0);
  EXPECT_EQ(pick(), 0);
  EXPECT_EQ(p_.steal_next(seen), nullptr);
  p_.set_next_owner(at(0));  // the same one again
  EXPECT_NE(p_.look_at_next(), seen);
  EXPECT_EQ(p_.steal_next(seen), nullptr);
  EXPECT_EQ(number_of(p_.steal_next(p_.look_at_next())), 0);
  EXPECT_EQ(p_.look_at_next().held, nullptr);
  EXPECT_EQ(pick(), -1);
}

TEST_F(processors, fresh_ones_are_stolen_first) {
  push_fresh(0, 1);
  push_started(1, 2);
  p_.set_next_owner(at(2));
  p_.sample();
  EXPECT_EQ(steal(), list{0});
  EXPECT_EQ(steal(), list{1});
  EXPECT_EQ(steal(), list{2});
  EXPECT_TRUE(steal().empty());
}

TEST_F(processors, a_theft_is_bounded) {
  push_started(0, 2'000);
  p_.sample();
  EXPECT_EQ(steal().size(), 256U);
}

TEST_F(processors, stolen_fresh_ones_keep_their_order_at_the_thief) {
  push_fresh(0, 8);
  p_.sample();
  processor thief(4);
  thief.push_batch_owner(p_.steal_aged());
  list picked;
  while (goroutine* g = thief.pick_owner()) picked.push_back(number_of(g));
  EXPECT_EQ(picked, (list{3, 2, 1, 0}));
}

class processors_by_thieves : public unit::at_counts {
 protected:
  void SetUp() override { weft::detail::prepare_barriers(); }
};
WEFT_AT_COUNTS(processors_by_thieves);

/// The owner of one processor: adds every block once, in every way, and serves now and then.
template <class Serve>
void own(processor& p, goroutine* blocks, int count, Serve serve) {
  unit::sequence s(11);
  for (int i = 0; i < count;) {
    switch (unit::below(s, 4)) {
      case 0:
        p.push_fresh_owner(&blocks[i++]);
        break;
      case 1:
        p.push_started_owner(&blocks[i++]);
        break;
      case 2:
        p.set_next_owner(&blocks[i++]);
        break;
      default:
        serve(p.pick_owner());
    }
  }
}

/// Every block must be served exactly once, by the owner or by the lookout. As in the runtime there
/// is one lookout at a time; with more thieves the role goes round.
TEST_P(processors_by_thieves, every_goroutine_is_served_once) {
  const int count = scaled(100'000);
  const std::unique_ptr<goroutine[]> blocks(new goroutine[static_cast<std::size_t>(count)]);
  processor p(0);
  weft::detail::atomic<int> served{0};
  weft::detail::spin_lock lookout;
  const auto serve = [&](goroutine* g) {
    if (!g) return;
    ++g->id;  // plain: two at once, or twice, is seen by TSan or at the end
    ++served;
  };
  unit::on_threads(GetParam() + 1, [&](int me) {
    if (me == 0) {
      own(p, blocks.get(), count, serve);
      while (served.load() < count) serve(p.pick_owner());
      return;
    }
    while (served.load() < count) {
      if (!lookout.try_lock()) continue;
      p.sample();
      std::this_thread::yield();
      batch loot = p.steal_aged();
      lookout.unlock();
      while (auto* w = loot.started.pop_front()) serve(static_cast<goroutine*>(w));
      while (goroutine* g = loot.fresh.pop_back()) serve(g);
    }
  });
  for (int i = 0; i < count; ++i) ASSERT_EQ(blocks[static_cast<std::size_t>(i)].id, 1U);
  EXPECT_FALSE(p.has_work());
}

}  // namespace
