// Timers in the order in which they are due: a pairing heap per processor. Passive: it is asked.
//
// The heap's links live in the nodes, so that arming cannot fail: a sleeping goroutine arms its
// timer where nothing may throw any more. (An array heap would be as fast, but must grow.)
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

#include "fiber/waiter.hpp"
#include "port/sync/spin_lock.hpp"

namespace weft::detail {

class timer_heap;

/// Something that is due at a time. At most one heap holds it.
class timer_node {
 public:
  enum class kind : std::uint8_t { wake, action };

  timer_node(const timer_node&) = delete;
  timer_node& operator=(const timer_node&) = delete;

 protected:
  explicit timer_node(kind k) noexcept : kind_(k) {}
  ~timer_node() = default;

 private:
  friend class timer_heap;
  deadline_ns when_ = never_ns;
  published<timer_heap*> home_{nullptr};
  timer_node* child_ = nullptr;
  timer_node* sibling_ = nullptr;
  timer_node* previous_ = nullptr;  // the sibling before, or the parent of a first child
  const kind kind_;
};

/// Ends one wait, unless somebody else claims it first.
class timed_wake : public timer_node {
 public:
  static constexpr std::uint32_t claimed_by_timer = UINT32_MAX - 1;

  timed_wake(waiter& who, wait_claim& claim) noexcept
      : timer_node(kind::wake), who_(who), claim_(claim) {}

 private:
  friend class timer_heap;
  waiter& who_;
  wait_claim& claim_;
};

/// Something that happens when it is due: a send to a timer's channel, a start of a function.
class timed_action : public timer_node {
 public:
  /// The action's life is shared; a heap that fires it holds a reference meanwhile.
  virtual bool try_retain() noexcept = 0;  // under the heap's lock; false: it is being destroyed
  virtual void release() noexcept = 0;
  /// `due`: when. `epoch`: what arm() was given.
  virtual void fire(deadline_ns due, std::uint64_t epoch, wake_list& woken) noexcept = 0;

 protected:
  timed_action() noexcept : timer_node(kind::action) {}
  virtual ~timed_action() = default;

 private:
  friend class timer_heap;
  deadline_ns period_ = 0;  // 0: once
  std::uint64_t epoch_ = 0;
};

class timer_heap {
 public:
  /// The node must not be in any heap.
  void arm(timed_wake& node, deadline_ns when) noexcept;
  void arm(timed_action& action, deadline_ns when, deadline_ns period,
           std::uint64_t epoch) noexcept;

  /// Takes the node out of whichever heap holds it. Returns: whether one did.
  static bool disarm(timer_node& node) noexcept;

  /// When the next one is due; never_ns if none. A hint without the lock.
  deadline_ns earliest() const noexcept { return earliest_.read(); }

  /// Fires everything that is due at `now`; whoever is to be woken is added to `woken`.
  void collect_due(deadline_ns now, wake_list& woken) noexcept;

  /// Hands every node to another heap.
  void move_all_to(timer_heap& other) noexcept;

 private:
  struct fired {
    timed_action* action = nullptr;  // retained
    deadline_ns due = 0;
    std::uint64_t epoch = 0;
  };

  static timer_node* meld(timer_node* a, timer_node* b) noexcept;
  static timer_node* meld_siblings(timer_node* first) noexcept;
  void insert_locked(timer_node& node, deadline_ns when) noexcept;
  void unlink_locked(timer_node& node) noexcept;
  void remove_locked(timer_node& node) noexcept;
  void set_root_locked(timer_node* root) noexcept;
  fired collect_until_action(deadline_ns now, wake_list& woken) noexcept;

  spin_lock lock_;
  timer_node* root_ = nullptr;
  hint<deadline_ns> earliest_{never_ns};
};

}  // namespace weft::detail
