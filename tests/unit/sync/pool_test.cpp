// The pool's shards: order, limits, what is dropped, and other processors' nodes.
#include <weft/detail/sync/pool_core.hpp>

#include <array>
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "sync/gates/thread_slot.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::pool_core;
using weft::detail::pool_node;
using weft::detail::thread_slot;
using weft::detail::thread_slots_max;

using pool_cores = weft_test::fixture;

TEST_F(pool_cores, give_the_newest_first) {
  pool_core p(4);
  std::array<pool_node, 5> nodes;
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(p.put_full(nodes[i]), nullptr);
  EXPECT_EQ(p.put_full(nodes[4]), &nodes[4]) << "there is no room";
  EXPECT_EQ(nodes[4].next, nullptr);
  EXPECT_EQ(p.take_full(), &nodes[3]);
  EXPECT_EQ(p.put_full(nodes[4]), nullptr);
  for (const std::size_t i : {4U, 2U, 1U, 0U}) EXPECT_EQ(p.take_full(), &nodes[i]);
  EXPECT_EQ(p.take_full(), nullptr);
}

TEST_F(pool_cores, keep_hollow_nodes_apart) {
  pool_core p(2);
  std::array<pool_node, 3> nodes;
  EXPECT_TRUE(p.put_hollow(nodes[0]));
  EXPECT_TRUE(p.put_hollow(nodes[1]));
  EXPECT_FALSE(p.put_hollow(nodes[2]));
  EXPECT_EQ(p.take_full(), nullptr);
  EXPECT_EQ(p.take_hollow(), &nodes[1]);
  const auto all = p.take_all();
  EXPECT_EQ(all.full, nullptr);
  EXPECT_EQ(all.hollow, &nodes[0]);
  EXPECT_EQ(all.hollow->next, nullptr);
}

TEST_F(pool_cores, drop_half_of_what_was_not_needed_in_a_period) {
  pool_core p(8);
  std::array<pool_node, 8> nodes;
  for (pool_node& n : nodes) EXPECT_EQ(p.put_full(n), nullptr);
  std::vector<std::size_t> dropped;
  for (int i = 0; i < 10 * 1024; ++i) {
    pool_node* node = p.take_full();
    ASSERT_NE(node, nullptr);
    std::size_t count = 0;
    for (pool_node* d = p.put_full(*node); d; d = d->next) {
      ++count;
      ASSERT_NE(d, &nodes[7]) << "that is the one in use";
    }
    if (count != 0) dropped.push_back(count);
  }
  // The first period began with an empty ring.
  EXPECT_EQ(dropped, (std::vector<std::size_t>{4, 2, 1}));
  EXPECT_EQ(p.take_full(), &nodes[7]);
  EXPECT_EQ(p.take_full(), nullptr);
}

TEST_F(pool_cores, count_what_is_lent_wherever_it_comes_back) {
  pool_core p(4);
  pool_node node;
  EXPECT_EQ(p.lend(), nullptr);
  weft::run([&] { EXPECT_EQ(p.put_lent(node), nullptr); });
  p.expect_nothing_lent();
  EXPECT_EQ(p.lend(), &node);
  p.forget_lent();
  p.expect_nothing_lent();
}

TEST_F(pool_cores, take_the_oldest_half_of_another_thread_before_none) {
  pool_core p(8);
  std::array<pool_node, 5> nodes;
  for (pool_node& n : nodes) EXPECT_EQ(p.put_full(n), nullptr);
  std::thread([&] {
    EXPECT_EQ(p.take_full(), &nodes[0]);
    EXPECT_EQ(p.take_full(), &nodes[2]);
    EXPECT_EQ(p.take_full(), &nodes[1]);
    EXPECT_EQ(p.take_full(), &nodes[3]) << "half of what is left";
  }).join();
  EXPECT_EQ(p.take_full(), &nodes[4]);
  EXPECT_EQ(p.take_full(), nullptr);
}

TEST_F(pool_cores, inherit_what_a_thread_leaves_behind) {
  pool_core p(8);
  pool_node node;
  std::thread([&] { EXPECT_EQ(p.put_full(node), nullptr); }).join();
  std::thread([&] { EXPECT_EQ(p.take_full(), &node); }).join();
}

TEST_F(pool_cores, give_room_to_more_threads_than_they_have_shards) {
  pool_core p(64);
  std::array<pool_node, 40> nodes;
  weft::latch all(40);  // so that there are forty at the same time
  unit::on_threads(40, [&](int i) {
    all.arrive_and_wait();
    EXPECT_EQ(p.put_full(nodes[static_cast<std::size_t>(i)]), nullptr);
  });
  int count = 0;
  for (pool_node* n = p.take_all().full; n; n = n->next) ++count;
  EXPECT_EQ(count, 40);
}

TEST_F(pool_cores, thread_slots_are_one_each_and_given_back) {
  const int mine = thread_slot();
  EXPECT_LT(mine, thread_slots_max);
  EXPECT_EQ(thread_slot(), mine);
  std::array<std::atomic<int>, thread_slots_max> users{};
  weft::latch all(20);
  for (int round = 0; round < 50; ++round)
    unit::on_threads(20, [&](int) {
      const int slot = thread_slot();
      ASSERT_LT(slot, thread_slots_max);
      ASSERT_NE(slot, mine);
      ASSERT_EQ(users[static_cast<std::size_t>(slot)]++, 0);
      if (round == 0) all.arrive_and_wait();
      --users[static_cast<std::size_t>(slot)];
    });
}

class pool_at : public unit::at_counts {};

TEST_P(pool_at, threads_never_share_a_node) {
  pool_core p(64);
  struct marked : pool_node {
    std::atomic<bool> used{false};
  };
  std::array<marked, 32> nodes;
  for (marked& n : nodes) EXPECT_EQ(p.put_full(n), nullptr);
  unit::on_threads(GetParam(), [&](int) {
    for (int i = 0; i < weft_test::scaled(20'000); ++i) {
      auto* node = static_cast<marked*>(p.take_full());
      if (!node) continue;
      ASSERT_FALSE(node->used.exchange(true));
      ASSERT_TRUE(node->used.exchange(false));
      // What it drops (they lie on this test's stack) comes back by the same door.
      for (pool_node* d = p.put_full(*node); d;) d = p.put_full(*std::exchange(d, d->next));
    }
  });
}
WEFT_AT_COUNTS(pool_at);

}  // namespace
