// Timers in the order in which they are due, for one processor. Passive: it is asked.
//
// What is due within the wheel's current tick is in a pairing heap, which knows the order to the
// nanosecond; what is due later is in the wheel, which does not. The nodes of a crowd lie on as
// many cold stacks: in a heap of 100,000 each that fires has a dozen others looked at.
// All links live in the nodes, so that arming cannot fail: a sleeping goroutine arms its timer
// where nothing may throw any more. (An array heap would be as fast, but must grow.)
// Threads: any. Locks: its own spin lock; taken with a channel's lock held, never the other way
//          round. A timed_action fires with no lock held.
// Invariants: R1 `home` of a node is this heap exactly while the node is in it: disarm() reads it
//                without the lock, and takes null for "nowhere". A periodic node keeps its home
//                when it fires.
//             R2 a timed_wake is claimed under the lock: after disarm() nobody touches its node.
// Tested by: tests/unit/engine/timer_heap_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>

#include <weft/detail/atomic.hpp>
#include <weft/detail/deadline.hpp>

#include "engine/timer_node.hpp"
#include "engine/timer_wheel.hpp"
#include "port/sync/spin_lock.hpp"

namespace weft::detail {

class timer_heap {
 public:
  /// The node must not be in any heap.
  void arm(timed_wake& node, deadline_ns when) noexcept;
  void arm(timed_action& action, deadline_ns when, deadline_ns period,
           std::uint64_t epoch) noexcept;

  /// Takes the node out of whichever heap holds it. Returns: whether one did.
  static bool disarm(timer_node& node) noexcept;

  /// When the next one is due; never_ns if none. Earlier if what was due then has been disarmed
  /// while others of its slot wait. A hint without the lock.
  deadline_ns earliest() const noexcept { return earliest_.read(); }

  /// Fires everything that is due at `now`; whoever is to be woken is added to `woken`.
  /// Returns: how many have fired.
  std::size_t collect_due(deadline_ns now, wake_list& woken) noexcept;

  /// Hands every node to another heap.
  void move_all_to(timer_heap& other) noexcept;

 private:
  struct fired {
    timed_action* action = nullptr;  // retained; null: nothing more is due
    deadline_ns due = 0;
    std::uint64_t epoch = 0;
    std::size_t wakes = 0;  // before it
  };

  static timer_node* meld(timer_node* a, timer_node* b) noexcept;
  static timer_node* meld_siblings(timer_node* first) noexcept;
  void insert_locked(timer_node& node, deadline_ns when) noexcept;
  void place_locked(timer_node& node) noexcept;
  static void fetch_ahead(const timer_node& node) noexcept;
  bool open_next_slot_locked(deadline_ns now) noexcept;
  timer_node* next_due_locked(deadline_ns now) noexcept;
  void unlink_locked(timer_node& node) noexcept;
  void remove_locked(timer_node& node) noexcept;
  void set_root_locked(timer_node* root) noexcept;
  void note_earliest_locked() noexcept;
  fired collect_until_action(deadline_ns now, wake_list& woken) noexcept;

  spin_lock lock_;
  timer_node* root_ = nullptr;
  hint<deadline_ns> earliest_{never_ns};
  timer_wheel wheel_;
};

}  // namespace weft::detail
