// A lock's queue: its order, removal from everywhere, and that who gave up is passed over.
#include "sync/locks/wait_list.hpp"

#include <array>
#include <vector>

#include "unit_support.hpp"

namespace {

using weft::detail::pop_claimed_locked;
using weft::detail::push_back_locked;
using weft::detail::push_front_locked;
using weft::detail::remove_locked;
using weft::detail::wait_claim;
using weft::detail::wait_list;
using weft::detail::wait_node;

std::vector<const wait_node*> drain(wait_list& list) {
  std::vector<const wait_node*> order;
  while (const wait_node* node = pop_claimed_locked(list)) order.push_back(node);
  return order;
}

TEST(wait_lists, keep_the_order_and_let_some_in_front) {
  wait_list list;
  std::array<wait_node, 4> nodes;
  push_back_locked(list, nodes[1]);
  push_back_locked(list, nodes[2]);
  push_front_locked(list, nodes[0]);
  push_back_locked(list, nodes[3]);
  EXPECT_EQ(drain(list),
            (std::vector<const wait_node*>{&nodes[0], &nodes[1], &nodes[2], &nodes[3]}));
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.last, nullptr);
  for (const wait_node& node : nodes) EXPECT_FALSE(node.queued);
}

TEST(wait_lists, lose_a_node_from_every_place) {
  for (std::size_t gone = 0; gone < 3; ++gone) {
    wait_list list;
    std::array<wait_node, 3> nodes;
    for (wait_node& node : nodes) push_back_locked(list, node);
    remove_locked(list, nodes[gone]);
    remove_locked(list, nodes[gone]);  // nothing the second time
    std::vector<const wait_node*> rest;
    for (std::size_t i = 0; i < 3; ++i)
      if (i != gone) rest.push_back(&nodes[i]);
    EXPECT_EQ(drain(list), rest);
  }
}

TEST(wait_lists, pass_over_who_gave_up) {
  wait_list list;
  std::array<wait_node, 3> nodes;
  std::array<wait_claim, 3> claims;
  for (std::size_t i = 0; i < 3; ++i) {
    nodes[i].claim = &claims[i];
    push_back_locked(list, nodes[i]);
  }
  ASSERT_TRUE(claims[0].try_claim(7));
  ASSERT_TRUE(claims[2].try_claim(7));
  EXPECT_EQ(pop_claimed_locked(list), &nodes[1]);
  EXPECT_EQ(claims[1].winner(), nodes[1].index);
  EXPECT_EQ(pop_claimed_locked(list), nullptr);
  EXPECT_TRUE(list.empty());
}

}  // namespace
