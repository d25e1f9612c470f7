// First come, first served; whoever was claimed by somebody else is passed over.
#include "wait/wait_queue.hpp"

#include <array>
#include <deque>
#include <vector>

#include "unit_support.hpp"

namespace {

using weft::detail::wait_claim;
using weft::detail::wait_node;
using weft::detail::wait_queue;
using weft::detail::waiter;
using weft::detail::wake_list;
using weft_test::scaled;

struct person : waiter {
  person() : waiter(kind::thread) { node.who = this; }
  wait_node node;
  wait_claim claim;
};

TEST(wait_queue, serves_who_came_first) {
  std::array<person, 3> people;
  wait_queue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.pop_claimed_locked(), nullptr);
  for (person& p : people) {
    queue.push_locked(p.node);
    EXPECT_TRUE(p.node.queued);
  }
  for (person& p : people) {
    EXPECT_EQ(queue.pop_claimed_locked(), &p.node);
    EXPECT_FALSE(p.node.queued);
  }
  EXPECT_TRUE(queue.empty());
}

TEST(wait_queue, leaving_twice_or_without_having_come_changes_nothing) {
  std::array<person, 3> people;
  wait_queue queue;
  queue.remove_locked(people[0].node);
  for (person& p : people) queue.push_locked(p.node);
  queue.remove_locked(people[1].node);
  queue.remove_locked(people[1].node);
  EXPECT_FALSE(people[1].node.queued);
  EXPECT_EQ(queue.pop_claimed_locked(), &people[0].node);
  queue.remove_locked(people[0].node);  // it was taken out by its waker already
  EXPECT_EQ(queue.pop_claimed_locked(), &people[2].node);
  EXPECT_TRUE(queue.empty());
}

TEST(wait_queue, claims_in_the_name_of_the_node) {
  person p;
  p.node.claim = &p.claim;
  p.node.index = 4;
  wait_queue queue;
  queue.push_locked(p.node);
  EXPECT_EQ(queue.pop_claimed_locked(), &p.node);
  EXPECT_EQ(p.claim.winner(), 4U);
}

TEST(wait_queue, passes_over_who_was_claimed_elsewhere_and_lets_them_go) {
  std::array<person, 3> people;
  wait_queue queue;
  for (person& p : people) {
    p.node.claim = &p.claim;
    queue.push_locked(p.node);
  }
  ASSERT_TRUE(people[0].claim.try_claim(9));
  EXPECT_EQ(queue.pop_claimed_locked(), &people[1].node);
  EXPECT_FALSE(people[0].node.queued);
  ASSERT_TRUE(people[2].claim.try_claim(9));
  EXPECT_EQ(queue.pop_claimed_locked(), nullptr);
  EXPECT_TRUE(queue.empty());
}

/// A select that offers two cases on one channel has two nodes with one claim.
TEST(wait_queue, wakes_a_waiter_with_two_nodes_once) {
  person p;
  wait_node second;
  second.who = &p;
  for (wait_node* node : {&p.node, &second}) node->claim = &p.claim;
  wait_queue queue;
  queue.push_locked(p.node);
  queue.push_locked(second);
  wake_list woken;
  queue.take_all_locked(woken);
  EXPECT_EQ(woken.pop_front(), &p);
  EXPECT_EQ(woken.pop_front(), nullptr);
  EXPECT_TRUE(queue.empty());
}

TEST(wait_queue, take_all_wakes_in_order_all_that_can_be_claimed) {
  std::array<person, 5> people;
  wait_queue queue;
  for (person& p : people) {
    if (&p != &people[2]) p.node.claim = &p.claim;
    queue.push_locked(p.node);
  }
  ASSERT_TRUE(people[1].claim.try_claim(0));
  wake_list woken;
  queue.take_all_locked(woken);
  for (const std::size_t i : {0U, 2U, 3U, 4U}) EXPECT_EQ(woken.pop_front(), &people[i]);
  EXPECT_TRUE(woken.empty());
  for (const person& p : people) EXPECT_FALSE(p.node.queued);
}

/// Random arrivals, departures, claims and wakes.
class walk {
 public:
  void step(unit::sequence& s) {
    person& p = people_[static_cast<std::size_t>(unit::below(s, count))];
    switch (unit::below(s, 4)) {
      case 0:
        arrive(p, s);
        break;
      case 1:
        queue_.remove_locked(p.node);
        std::erase(expected_, &p);
        break;
      case 2:
        if (p.node.claim) static_cast<void>(p.claim.try_claim(1));
        break;
      default:
        serve();
    }
    ASSERT_EQ(queue_.empty(), expected_.empty());
  }

 private:
  static constexpr int count = 10;

  void arrive(person& p, unit::sequence& s) {
    if (p.node.queued) return;
    // Safety: it is in no queue; a claim is for one wait.
    std::destroy_at(&p.claim);
    std::construct_at(&p.claim);
    p.node.claim = unit::below(s, 2) == 0 ? &p.claim : nullptr;
    queue_.push_locked(p.node);
    expected_.push_back(&p);
  }
  void serve() {
    wait_node* served = queue_.pop_claimed_locked();
    while (!expected_.empty()) {
      person* first = expected_.front();
      expected_.pop_front();
      ASSERT_FALSE(first->node.queued);
      if (first->node.claim && first->claim.winner() != 0) continue;  // claimed elsewhere
      ASSERT_EQ(served, &first->node);
      return;
    }
    ASSERT_EQ(served, nullptr);
  }

  std::array<person, count> people_;
  wait_queue queue_;
  std::deque<person*> expected_;
};

TEST(wait_queue, does_what_a_deque_with_claims_does) {
  unit::sequence s(5);
  walk w;
  for (int i = 0; i < scaled(300'000) && !HasFailure(); ++i) w.step(s);
}

}  // namespace
