// What can be cancelled: a flag, the waits that it ends, and the links that are told.
//
// Threads: any. Locks: its own spin lock, after the lock of what is waited on; several in address
//          order (select). Whoever is told by a link is told without the lock.
// Invariants: R1 cancelled, under the lock => nobody enlists any more.
//             R2 a wait is claimed under the lock: after delist() nobody touches its node.
//             R3 cancelling takes its lock for a bounded number of entries at a time.
// Tested by: tests/unit/wait/cancel_state_test.cpp
#pragma once

#include <cstdint>

#include <weft/detail/atomic.hpp>

#include "base/intrusive_list.hpp"
#include "fiber/waiter.hpp"
#include "port/sync/spin_lock.hpp"

namespace weft::detail {

/// One parked wait. It lives on the waiter's stack.
struct cancel_node {
  static constexpr std::uint32_t claimed_by_cancel = UINT32_MAX - 2;

  cancel_node* next = nullptr;
  cancel_node* previous = nullptr;
  waiter* who = nullptr;
  wait_claim* claim = nullptr;
  std::uint32_t index = claimed_by_cancel;  // what to claim it as
  bool queued = false;
};

class cancel_run;

/// Something that is told once: a child context, a function to start.
///
/// Telling has three steps, each for all links of a cancellation, before the next begins: a tree of
/// any depth is told without recursion.
class cancel_link {
 public:
  cancel_link(const cancel_link&) = delete;
  cancel_link& operator=(const cancel_link&) = delete;

 protected:
  cancel_link() noexcept = default;
  ~cancel_link() = default;

 private:
  friend class cancel_state;
  friend class cancel_run;
  /// Under the lock; false: it is being destroyed.
  virtual bool try_retain() noexcept = 0;
  /// Whoever must be told in turn is added with run.tell(). No lock is held.
  virtual void on_cancel(cancel_run& run) noexcept = 0;
  /// Everybody has been told.
  virtual void on_told() noexcept {}
  /// The last step: takes over the reference. Only here user code may run.
  virtual void settle(bool on_clock) noexcept = 0;

  cancel_link* next_ = nullptr;  // in a state's list, later in a run's
  cancel_link* previous_ = nullptr;
  bool queued_ = false;
};

class cancel_state;

/// One cancellation under way, with the links that it has told and is yet to tell.
class cancel_run {
 public:
  /// `on_clock`: on the stack of a worker, or in the midst of another goroutine: nothing may park.
  explicit cancel_run(bool on_clock) noexcept : on_clock_(on_clock) {}

  bool on_clock() const noexcept { return on_clock_; }
  /// The waits of a cancelled state are made ready; its links are told in their turn.
  void tell(cancel_state& state) noexcept;
  void tell_links() noexcept;
  void settle() noexcept;

 private:
  intrusive_queue<cancel_link, &cancel_link::next_> links_;
  const bool on_clock_;
};

class cancel_state {
 public:
  cancel_state() noexcept = default;
  cancel_state(const cancel_state&) = delete;
  cancel_state& operator=(const cancel_state&) = delete;

  bool cancelled() const noexcept { return cancelled_.read(); }

  /// Returns: whether this call was the first. When it returns, every wait has been made ready and
  /// every link told.
  bool cancel() noexcept;
  /// The first half, for who has more to set under the lock: `then()` runs under it. The second
  /// half is a cancel_run.
  template <class Then>
  [[nodiscard]] bool mark_cancelled(Then&& then) noexcept {
    lock.lock();
    const bool first = !cancelled_.read();
    if (first) {
      then();
      cancelled_.publish(true);
    }
    lock.unlock();
    return first;
  }

  /// With `lock` held and not cancelled.
  void enlist_locked(cancel_node& node) noexcept {
    node.queued = true;
    waits_.push_back(&node);
  }
  void delist(cancel_node& node) noexcept;

  /// False: it is cancelled already, and the link will not be told.
  [[nodiscard]] bool enlist(cancel_link& link) noexcept;
  /// Returns: whether the link was still to be told.
  bool delist(cancel_link& link) noexcept;
  /// Takes one retained link off the list. False: there is none.
  /// One that is being destroyed stays until its owner has delisted it.
  bool take_link(cancel_link*& link) noexcept;
  /// Whether anybody would be told now.
  bool has_links() noexcept {
    lock.lock();
    const bool any = !links_.empty();
    lock.unlock();
    return any;
  }

  spin_lock lock;

 private:
  friend class cancel_run;
  /// Returns: whether there is more to tell.
  bool take_batch(wake_list& woken,
                  intrusive_queue<cancel_link, &cancel_link::next_>& links) noexcept;

  static constexpr int batch_max = 64;
  intrusive_deque<cancel_node, &cancel_node::next, &cancel_node::previous> waits_;
  intrusive_deque<cancel_link, &cancel_link::next_, &cancel_link::previous_> links_;
  published_to_users<bool> cancelled_{false};
};

}  // namespace weft::detail
