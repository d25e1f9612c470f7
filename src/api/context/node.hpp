// A context's node: a reference count, a parent, and the nearest ancestors that matter.
//
// Threads: any; a node never changes but for its count and what cancels it.
// Invariants: R1 a node holds its parent; nobody holds a child but its handles.
//             R2 references are let go in a loop: a chain may be as long as memory allows.
//             R3 user code (the destructor of a value) never runs on the clock's behalf.
// Orders: refs: a dropped reference's use of the node happens before it is destroyed.
// Tested by: tests/conformance/context, tests/stress/cancel_test.cpp
#pragma once

#include <cstdint>

#include <weft/detail/atomic.hpp>
#include <weft/detail/context_core.hpp>

namespace weft::detail {

class cancellable_node;
class value_node;

class context_node {
 public:
  enum class kind : std::uint8_t {
    background,
    todo,
    value,
    without_cancel,
    cancel,
    deadline,
    stop_token
  };

  context_node(const context_node&) = delete;
  context_node& operator=(const context_node&) = delete;

  context_node* parent() const noexcept { return parent_; }
  /// The nearest node, from this one upwards, that can be cancelled; null: none.
  cancellable_node* cancels() const noexcept { return cancels_; }
  /// The nearest node, from this one upwards, that binds a value; null: none.
  value_node* values() const noexcept { return values_; }

  void retain() noexcept {
    if (is_root()) return;
    // Order: none. Whoever retains has a reference.
    refs_.fetch_add(1, relaxed);
  }
  /// Drops a reference.
  static void drop(context_node* node, bool on_clock = false) noexcept;
  /// For nodes that nobody refers to any more.
  static void destroy_from(context_node* node) noexcept;

  const kind is;

 protected:
  /// A root: never destroyed, not counted.
  explicit constexpr context_node(kind k) noexcept : is(k) {}
  context_node(kind k, context_node& above, std::uint32_t refs) noexcept
      : is(k),
        refs_(refs),
        parent_(&above),
        cancels_(k == kind::without_cancel ? nullptr : above.cancels_),
        values_(above.values_) {
    above.retain();
  }
  ~context_node() = default;

  /// The last reference is gone. False: something else keeps the node alive.
  virtual bool give_up() noexcept { return true; }
  virtual void destroy() noexcept = 0;

  atomic<std::uint32_t> refs_{0};

 private:
  friend class cancellable_node;
  friend class value_node;
  bool is_root() const noexcept { return parent_ == nullptr; }
  bool let_go() noexcept;

  context_node* const parent_ = nullptr;
  cancellable_node* cancels_ = nullptr;
  value_node* values_ = nullptr;
};

/// Throws: std::invalid_argument.
context_node& require_parent(context_node* parent);

}  // namespace weft::detail
