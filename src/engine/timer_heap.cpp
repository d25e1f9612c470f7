// The pairing heap: insert in constant time, remove the first or any other in O(log n) amortised.
#include "engine/timer_heap.hpp"

#include <functional>
#include <mutex>
#include <utility>

namespace weft::detail {
namespace {

/// The first multiple of the period after `due` that is later than now; saturates.
deadline_ns next_tick(deadline_ns due, deadline_ns period, deadline_ns now) noexcept {
  const deadline_ns late_periods = (now - due) / period;
  deadline_ns delay = 0;
  deadline_ns next = 0;
  if (__builtin_mul_overflow(period, 1 + late_periods, &delay)) return never_ns;
  if (__builtin_add_overflow(due, delay, &next)) return never_ns;
  return next;
}

}  // namespace

timer_node* timer_heap::meld(timer_node* a, timer_node* b) noexcept {
  if (!a) return b;
  if (!b) return a;
  if (b->when_ < a->when_) std::swap(a, b);
  b->sibling_ = a->child_;
  b->previous_ = a;
  if (a->child_) a->child_->previous_ = b;
  a->child_ = b;
  return a;
}

/// Two passes, as a loop: recursion would use stack in proportion to the number of timers.
timer_node* timer_heap::meld_siblings(timer_node* first) noexcept {
  timer_node* pairs = nullptr;  // a stack, through sibling_
  while (first) {
    timer_node* a = first;
    timer_node* b = a->sibling_;
    first = b ? b->sibling_ : nullptr;
    a->sibling_ = a->previous_ = nullptr;
    if (b) b->sibling_ = b->previous_ = nullptr;
    timer_node* pair = meld(a, b);
    pair->sibling_ = pairs;
    pairs = pair;
  }
  timer_node* root = nullptr;
  while (pairs) {
    timer_node* rest = std::exchange(pairs->sibling_, nullptr);
    root = meld(root, pairs);
    pairs = rest;
  }
  return root;
}

void timer_heap::set_root_locked(timer_node* root) noexcept {
  root_ = root;
  if (root) root->previous_ = root->sibling_ = nullptr;
  earliest_.write(root ? root->when_ : never_ns);
}

void timer_heap::insert_locked(timer_node& node, deadline_ns when) noexcept {
  node.when_ = when;
  node.child_ = node.sibling_ = node.previous_ = nullptr;
  set_root_locked(meld(root_, &node));
  node.home_.publish(this);
}

/// Leaves home_ as it is.
void timer_heap::unlink_locked(timer_node& node) noexcept {
  timer_node* below = meld_siblings(node.child_);
  if (&node == root_) {
    set_root_locked(below);
  } else {
    timer_node*& link = node.previous_->child_ == &node ? node.previous_->child_
                                                        : node.previous_->sibling_;
    link = node.sibling_;
    if (node.sibling_) node.sibling_->previous_ = node.previous_;
    set_root_locked(meld(root_, below));
  }
  node.child_ = node.sibling_ = node.previous_ = nullptr;
}

void timer_heap::remove_locked(timer_node& node) noexcept {
  unlink_locked(node);
  node.home_.publish(nullptr);  // the last touch: its owner may be gone, or arm it elsewhere
}

void timer_heap::arm(timed_wake& node, deadline_ns when) noexcept {
  std::lock_guard guard(lock_);
  insert_locked(node, when);
}

void timer_heap::arm(timed_action& action, deadline_ns when, deadline_ns period,
                     std::uint64_t epoch) noexcept {
  std::lock_guard guard(lock_);
  action.period_ = period;
  action.epoch_ = epoch;
  insert_locked(action, when);
}

bool timer_heap::disarm(timer_node& node) noexcept {
  for (;;) {
    timer_heap* home = node.home_.read();
    if (!home) return false;
    std::lock_guard guard(home->lock_);
    if (node.home_.read() != home) continue;  // fired or moved meanwhile
    home->remove_locked(node);
    return true;
  }
}

timer_heap::fired timer_heap::collect_until_action(deadline_ns now, wake_list& woken) noexcept {
  std::lock_guard guard(lock_);
  while (root_ && root_->when_ <= now) {
    timer_node& node = *root_;
    const deadline_ns due = node.when_;
    if (node.kind_ == timer_node::kind::wake) {
      auto& wake = static_cast<timed_wake&>(node);
      waiter& who = wake.who_;
      const bool ours = wake.claim_.try_claim(timed_wake::claimed_by_timer);
      remove_locked(node);
      if (ours) woken.push_back(&who);
      continue;
    }
    auto& action = static_cast<timed_action&>(node);
    const fired next{&action, due, action.epoch_};
    const bool alive = action.try_retain();
    if (alive && action.period_ > 0) {
      unlink_locked(node);  // it never leaves this heap: see R1
      insert_locked(node, next_tick(due, action.period_, now));
    } else {
      remove_locked(node);
    }
    if (alive) return next;
  }
  return {};
}

void timer_heap::collect_due(deadline_ns now, wake_list& woken) noexcept {
  if (earliest() > now) return;
  for (;;) {
    const fired next = collect_until_action(now, woken);
    if (!next.action) return;
    next.action->fire(next.due, next.epoch, woken);
    next.action->release();
  }
}

void timer_heap::move_all_to(timer_heap& other) noexcept {
  if (&other == this) return;
  // Two heaps are locked only here. By address: while places change hands, one may move to another
  // that moves back.
  const bool is_lower = std::less<>()(this, &other);
  std::lock_guard lower_guard(is_lower ? lock_ : other.lock_);
  std::lock_guard upper_guard(is_lower ? other.lock_ : lock_);
  while (root_) {
    timer_node& node = *root_;
    const deadline_ns when = node.when_;
    timer_node* below = meld_siblings(node.child_);
    set_root_locked(below);
    other.insert_locked(node, when);
  }
}

}  // namespace weft::detail
