// Who waits for something, in the order in which they came.
//
// A node lives on the stack of the parked waiter. Threads: whoever holds the lock of the thing.
// Invariants: R1 `queued` says whether the node is in a queue; both change under that lock.
//             R2 a node is handed out by pop_claimed() or take_all() only to the one who wakes it.
// Tested by: tests/unit/wait/wait_queue_test.cpp
#pragma once

#include <cstdint>

#include "base/intrusive_list.hpp"
#include "fiber/waiter.hpp"

namespace weft::detail {

struct wait_node {
  wait_node* next = nullptr;
  wait_node* previous = nullptr;
  waiter* who = nullptr;
  wait_claim* claim = nullptr;  // null: nobody else may wake it
  std::uint32_t index = 0;      // what to claim it as: the case of a select
  bool queued = false;
  bool served = false;      // set by the waker: the value was handed over
  bool awake = false;       // set by the waker: woken to compete, and still in its queue
  void* element = nullptr;  // where from (senders), where to (receivers)
};

class wait_queue {
 public:
  /// Without the lock: a hint. What is read after it is as new, at least.
  bool empty() const noexcept { return nodes_.empty(); }

  void push_locked(wait_node& node) noexcept {
    node.queued = true;
    nodes_.push_back(&node);
  }
  /// Does nothing if a waker has taken it out already.
  void remove_locked(wait_node& node) noexcept {
    if (!node.queued) return;
    node.queued = false;
    nodes_.remove(&node);
  }
  /// The first waiter that nobody else has claimed; null: none.
  [[gnu::always_inline]] wait_node* pop_claimed_locked() noexcept {
    while (wait_node* node = nodes_.pop_front()) {
      node->queued = false;
      if (!node->claim || node->claim->try_claim(node->index)) return node;
    }
    return nullptr;
  }
  /// Every waiter that nobody else has claimed.
  void take_all_locked(wake_list& woken) noexcept {
    while (wait_node* node = pop_claimed_locked()) woken.push_back(node->who);
  }

 private:
  intrusive_deque<wait_node, &wait_node::next, &wait_node::previous, leading_hint> nodes_;
};

}  // namespace weft::detail
