// What can be done with a lock's queue of waiters. The caller holds the room's lock.
//
// Not a wait_queue: a lock lives in its user's header, which knows no node.
// Invariants: R1 `queued` says whether the node is in a list. R2 whoever pops a node wakes it.
// Tested by: tests/unit/sync/wait_list_test.cpp
#pragma once

#include <weft/detail/sync/wait_list.hpp>

#include "wait/wait_queue.hpp"

namespace weft::detail {

inline void push_back_locked(wait_list& list, wait_node& node) noexcept {
  node.queued = true;
  node.next = nullptr;
  node.previous = list.last;
  (list.last ? list.last->next : list.first) = &node;
  list.last = &node;
}

inline void push_front_locked(wait_list& list, wait_node& node) noexcept {
  node.queued = true;
  node.previous = nullptr;
  node.next = list.first;
  (list.first ? list.first->previous : list.last) = &node;
  list.first = &node;
}

/// Does nothing if a waker has taken it out already.
inline void remove_locked(wait_list& list, wait_node& node) noexcept {
  if (!node.queued) return;
  node.queued = false;
  (node.previous ? node.previous->next : list.first) = node.next;
  (node.next ? node.next->previous : list.last) = node.previous;
}

/// The first that neither the clock nor a cancellation has claimed; null: none.
inline wait_node* pop_claimed_locked(wait_list& list) noexcept {
  while (wait_node* node = list.first) {
    remove_locked(list, *node);
    if (!node->claim || node->claim->try_claim(node->index)) return node;
  }
  return nullptr;
}

}  // namespace weft::detail
