// A lock's own queue of waiters, as storage. What is in it only weft's compiled half knows.
#pragma once

namespace weft::detail {

struct wait_node;  // src/wait/wait_queue.hpp

struct wait_list {
  wait_node* first = nullptr;
  wait_node* last = nullptr;

  bool empty() const noexcept { return first == nullptr; }
};

}  // namespace weft::detail
