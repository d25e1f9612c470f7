// The wheel for what is far off; and the pairing heap: insert in constant time, remove the first or
// any other in O(log n) amortised.
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
}

/// All of the wheel is later than all of the heap.
void timer_heap::note_earliest_locked() noexcept {
  earliest_.write(root_ ? root_->when_ : wheel_.earliest());
}

void timer_heap::insert_locked(timer_node& node, deadline_ns when) noexcept {
  node.when_ = when;
  place_locked(node);
  if (when < earliest_.read()) earliest_.write(when);
  node.home_.publish(this);
}

void timer_heap::place_locked(timer_node& node) noexcept {
  node.child_ = node.sibling_ = node.previous_ = nullptr;
  if (wheel_.takes(node.when_)) return wheel_.insert(node);
  node.slot_ = 0;
  set_root_locked(meld(root_, &node));
}

/// For the moment at which it fires, soon.
void timer_heap::fetch_ahead(const timer_node& node) noexcept {
  if (node.kind_ != timer_node::kind::wake) return;
  const auto& wake = static_cast<const timed_wake&>(node);
  __builtin_prefetch(&wake.claim_, 1);
  __builtin_prefetch(&wake.who_, 1);
}

/// Returns: whether there was one that has begun.
bool timer_heap::open_next_slot_locked(deadline_ns now) noexcept {
  timer_wheel::lanes nodes;
  if (!wheel_.open_next(now, nodes)) return false;
  timer_wheel::for_each(nodes, [this](timer_node& node) {
    place_locked(node);
    if (node.slot_ == 0) fetch_ahead(node);
  });
  return true;
}

/// Slot by slot, so that the heap stays small however late it is.
timer_node* timer_heap::next_due_locked(deadline_ns now) noexcept {
  do {
    if (root_) return root_->when_ <= now ? root_ : nullptr;
  } while (open_next_slot_locked(now));
  return nullptr;
}

/// Leaves home_ as it is.
void timer_heap::unlink_locked(timer_node& node) noexcept {
  if (node.slot_ != 0) {
    if (wheel_.remove(node)) note_earliest_locked();
    return;
  }
  timer_node* below = meld_siblings(node.child_);
  if (&node == root_) {
    set_root_locked(below);
  } else {
    timer_node*& link =
        node.previous_->child_ == &node ? node.previous_->child_ : node.previous_->sibling_;
    link = node.sibling_;
    if (node.sibling_) node.sibling_->previous_ = node.previous_;
    set_root_locked(meld(root_, below));
  }
  note_earliest_locked();
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
  std::size_t wakes = 0;
  while (timer_node* const first = next_due_locked(now)) {
    timer_node& node = *first;
    const deadline_ns due = node.when_;
    if (node.kind_ == timer_node::kind::wake) {
      auto& wake = static_cast<timed_wake&>(node);
      waiter& who = wake.who_;
      const bool ours = wake.claim_.try_claim(timed_wake::claimed_by_timer);
      remove_locked(node);
      if (ours) woken.push_back(&who);
      ++wakes;
      continue;
    }
    auto& action = static_cast<timed_action&>(node);
    const fired next{&action, due, action.epoch_, wakes};
    const bool alive = action.try_retain();
    if (alive && action.period_ > 0) {
      unlink_locked(node);  // it never leaves this heap: see R1
      insert_locked(node, next_tick(due, action.period_, now));
    } else {
      remove_locked(node);
    }
    if (alive) return next;
  }
  note_earliest_locked();  // a slot that was opened may have had none that is due
  return {nullptr, 0, 0, wakes};
}

std::size_t timer_heap::collect_due(deadline_ns now, wake_list& woken) noexcept {
  if (earliest() > now) return 0;
  for (std::size_t count = 0;; ++count) {
    const fired next = collect_until_action(now, woken);
    count += next.wakes;
    if (!next.action) return count;
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
  while (timer_node* const node = root_) {
    set_root_locked(meld_siblings(node->child_));
    other.insert_locked(*node, node->when_);
  }
  for (timer_wheel::lanes nodes; wheel_.take_next(nodes);)
    timer_wheel::for_each(nodes,
                          [&other](timer_node& node) { other.insert_locked(node, node.when_); });
  note_earliest_locked();
}

}  // namespace weft::detail
