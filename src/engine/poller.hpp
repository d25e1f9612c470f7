// Who waits for which descriptor. Passive: it is asked what has become ready.
//
// Two kinds of descriptors. One that weft owns is *watched*: registered once, edge-triggered; what
// the kernel has told is kept in `ready` until somebody asks, so that news between a system call
// that would block and the wait are not lost. A *foreign* one is registered again for each wait,
// since its owner may close it, and its number may become another's, without telling.
//
// Threads: any. Locks: a descriptor's own, and the tables': leaves.
// Invariants: R1 a descriptor object is used again, and never freed: an event that comes too late
//                finds another generation.
//             R2 closed, under the lock => nobody waits, and nobody begins to.
//             R3 waiting_ counts the waits that have begun and not returned. Counted down by the
//                waiter, not by its waker: between the two nobody else knows of it, and who looks
//                for deadlocks would see a process at rest.
// Tested by: tests/unit/engine/poller_test.cpp
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <weft/detail/atomic.hpp>
#include <weft/detail/deadline.hpp>

#include "base/intrusive_list.hpp"
#include "fiber/waiter.hpp"
#include "port/poll/epoll.hpp"
#include "port/sync/spin_lock.hpp"

namespace weft::detail {

/// One parked wait. It lives on the waiter's stack.
struct io_node {
  static constexpr std::uint32_t claimed_by_io = 0;

  io_node* next = nullptr;
  io_node* previous = nullptr;
  waiter* who = nullptr;
  wait_claim* claim = nullptr;  // null: nobody else may wake it
  bool queued = false;
};

/// Of a descriptor that speaks for many waits: whom its news wake, it knows itself.
using news_collector = void (*)(wake_list& woken);

class poller;

class descriptor {
 public:
  descriptor() noexcept = default;
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;

  int fd() const noexcept { return fd_; }

  // With `lock` held.
  bool closed_locked() const noexcept { return closed_.read(); }
  /// After a wait without a bound: who closed it has woken the waiter after that.
  bool was_closed() const noexcept { return closed_.read(); }
  /// Whether there were news of this side since the last call.
  [[nodiscard]] bool take_ready_locked(io_side side) noexcept;
  /// Whether the kernel has ever told more than that bytes came. It is true before the news can be
  /// taken: who has taken them, and finds false, was told of bytes alone.
  bool told_more_than_bytes() const noexcept { return told_more_than_bytes_.read(); }
  /// As if there were news.
  void make_ready_locked(io_side sides) noexcept { ready_ = ready_ | sides; }
  /// Of a foreign one: returns 0, or the errno of the system call; then the node is not queued.
  [[nodiscard]] int enlist_locked(io_node& node, io_side side) noexcept;
  /// By the waiter itself, once for each time it was enlisted, after it has slept.
  void delist_locked(io_node& node, io_side side) noexcept;
  /// Everybody who waits on a side. Returns: whether anybody does.
  bool collect_waiters_locked(io_side side, wake_list& woken) noexcept;

  spin_lock lock;

 private:
  friend class poller;
  using queue = intrusive_deque<io_node, &io_node::next, &io_node::previous>;

  queue& queue_of(io_side side) noexcept { return queues_[side == io_side::write ? 1 : 0]; }
  io_side wanted_locked() const noexcept;
  std::uint64_t tag() const noexcept;

  std::array<queue, 2> queues_;
  io_side ready_ = io_side::none;
  hint<bool> told_more_than_bytes_{false};  // written under `lock`
  bool foreign_ = false;
  hint<bool> closed_{true};  // written under `lock`
  int fd_ = -1;
  std::uint32_t number_ = 0;  // in its table
  std::uint32_t generation_ = 0;
  descriptor* next_free_ = nullptr;
  news_collector collect_ = nullptr;  // called with `lock` held
};

/// Descriptors by number, made in chunks when they are asked for. Threads: any.
class descriptor_table {
 public:
  /// Throws: std::bad_alloc, std::length_error.
  descriptor& at(std::uint32_t number);
  descriptor* find(std::uint32_t number) noexcept;

 private:
  static constexpr std::uint32_t chunk_count = 256;
  static constexpr std::uint32_t chunks_max = 16'384;

  spin_lock lock_;
  std::array<published<descriptor*>, chunks_max> chunks_{};
};

/// Call open_poll() first.
class poller {
 public:
  static poller& get() noexcept;

  /// Registers a non-blocking descriptor that the caller owns. Throws: std::system_error,
  /// std::bad_alloc.
  descriptor& watch(int fd, news_collector tells = nullptr);
  /// Before its owner closes it: those who wait are woken, and find it closed.
  void close(descriptor& d, wake_list& woken) noexcept;
  /// Once nobody uses it any more.
  void give_back(descriptor& d) noexcept;

  /// The same object for the same number, for ever. Throws: std::system_error, std::bad_alloc.
  descriptor& foreign(int fd);

  /// Waits for news until the deadline (0: not at all) and adds whom they wake.
  /// Returns: whether there were any.
  bool collect(deadline_ns until, wake_list& woken) noexcept;

  /// Of waits that a news_collector ends: one more has begun, or one has returned.
  void note_wait(bool begins) noexcept {
    // Order: none. A hint.
    waiting_.fetch_add(begins ? 1 : -1, relaxed);
  }
  /// A hint: whether anybody waits for a descriptor.
  bool anybody_waits() const noexcept {
    // Order: none. A hint.
    return waiting_.load(relaxed) > 0;
  }
  /// A hint: when somebody has looked last.
  deadline_ns last_look_ns() const noexcept { return last_look_ns_.read(); }

 private:
  friend class descriptor;

  descriptor* find(std::uint64_t tag) noexcept;
  void deliver(const poll_event& event, wake_list& woken) noexcept;

  descriptor_table owned_;
  descriptor_table foreign_;
  spin_lock free_lock_;
  descriptor* free_ = nullptr;
  std::uint32_t made_ = 0;
  atomic<std::int64_t> waiting_{0};
  hint<deadline_ns> last_look_ns_{0};
};

}  // namespace weft::detail
