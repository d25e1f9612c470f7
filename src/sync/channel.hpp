// The channel: a ring buffer, a queue of receivers and a queue of senders under one lock.
//
// Threads: any. Locks: its own spin lock; before a timer heap's; several only in address order
//          (select). Nobody is made ready, and no user code but a nothrow move runs, under it.
// Invariants: R1 values wait => no receiver waits; room is left => no sender waits; an unbuffered
//                channel has waiters on one side only (but for selects that wait on both).
//             R2 closed => nobody waits, once a settle() that is due has been called.
// Other kinds (src/sync/channels) have a mode beside "closed": one test finds both, and what only
// they need is behind a virtual call, so that a plain channel pays nothing for them.
// Orders: refs: a dropped handle's use of the channel happens before it is destroyed.
//         leading: who sees what a closed channel holds sees that it is closed.
// Tested by: tests/unit/sync/channel_test.cpp, tests/conformance
#pragma once

#include <cstddef>
#include <cstdint>

#include <weft/detail/atomic.hpp>
#include <weft/detail/channel_core.hpp>

#include "fiber/waiter.hpp"
#include "port/sync/spin_lock.hpp"
#include "sync/partner.hpp"
#include "wait/wait_queue.hpp"

namespace weft::detail {

/// How an operation that must not wait ended.
enum class attempt : std::uint8_t {
  done,
  closed,
  blocked,
  done_more,  // done; call settle() once no lock is held
  no_room,    // call make_room() with no lock held, then try again
};

class channel_core {
 public:
  /// A special channel overrides the hooks below.
  enum class nature : std::uint8_t { plain = 0, special = 2 };

  channel_core(const element_ops& ops, std::size_t capacity, std::byte* buffer,
               nature n = nature::plain) noexcept
      : ops_(ops), capacity_(capacity), buffer_(buffer), mode_(static_cast<std::uint8_t>(n)) {}
  channel_core(const channel_core&) = delete;
  channel_core& operator=(const channel_core&) = delete;

  void retain() noexcept;
  /// False: the last handle is gone already.
  [[nodiscard]] bool try_retain() noexcept;
  void release() noexcept;

  /// For who looks on from outside: the clock may send here; more than a channel_core is in there.
  bool is_sent_by_clock() const noexcept { return sent_by_clock_; }
  bool is_special() const noexcept {
    return (mode_.read() & static_cast<std::uint8_t>(nature::special)) != 0;
  }

  virtual std::size_t visible_size() const noexcept { return count_.read(); }
  virtual std::size_t visible_capacity() const noexcept { return capacity_; }

  /// Whether a receive, or a send, would find something to do: exactly, with `lock` held; without
  /// it, a hint. Of a special channel, which has to be asked: true.
  bool looks_receivable() const noexcept {
    return count_.read() != 0 || mode_.read() != 0 || !senders.empty();
  }
  bool looks_sendable() const noexcept {
    return count_.read() != capacity_ || mode_.read() != 0 || !receivers.empty();
  }

  // Without the lock, and more than a hint: at some instant of the call a receive (send) would have
  // had to wait. One look is enough: in a buffered channel the count alone decides (R1), and it is
  // never 0 (full) for a moment only: whoever takes a value and lets the next sender's in leaves it
  // alone. It was open at that look if it is open after it. Never true of a special channel.
  bool would_block_receive() const noexcept {
    return count_.read() == 0 && (capacity_ != 0 || senders.empty()) && mode_.read() == 0;
  }
  bool would_block_send() const noexcept {
    return count_.read() == capacity_ && (capacity_ != 0 || receivers.empty()) && mode_.read() == 0;
  }

  // All of these with `lock` held. `woken`: whom to make ready after it was let go.
  attempt send_locked(void* value, waiter*& woken) noexcept;
  attempt recv_locked(void* to, waiter*& woken) noexcept;
  /// False: it was closed already.
  [[nodiscard]] bool close_locked(wake_list& woken) noexcept;
  /// Drops what is in the buffer. Returns: whether there was anything.
  bool drain_locked() noexcept { return count_.read() != 0 && drain_values_locked(); }

  // With no lock held, after an attempt that asked for it.
  virtual void settle() noexcept {}
  /// Throws: std::bad_alloc.
  virtual void make_room() {}

  spin_lock lock;
  wait_queue receivers;
  wait_queue senders;

 protected:
  virtual ~channel_core() { drain_locked(); }
  /// Ends the channel's life and gives its memory back.
  virtual void dispose() noexcept = 0;

  // Only for a special channel, with `lock` held.
  /// A send on a channel that is open. As it is: to a receiver, or into the ring.
  virtual attempt send_special_locked(void* value, waiter*& woken) noexcept;
  /// A receive that found nothing in the ring, and no sender.
  virtual attempt recv_special_locked(void* to) noexcept;

  const element_ops& ops() const noexcept { return ops_; }
  bool closed_locked() const noexcept { return (mode_.read() & closed_bit) != 0; }
  void mark_closed_locked() noexcept {
    mode_.write(static_cast<std::uint8_t>(mode_.read() | closed_bit));
    tell_at(&mode_);
  }
  bool closed_to_receiver_locked() const noexcept {
    if (!closed_locked()) return false;
    hear_at(&mode_);
    return true;
  }
  void mark_sent_by_clock() noexcept { sent_by_clock_ = true; }
  /// Puts the value in the place of the oldest in a full ring, which is left in the value's stead.
  /// `spare` is room for one element.
  void exchange_oldest_locked(void* value, void* spare) noexcept;

 private:
  static constexpr std::uint8_t closed_bit = 1;

  bool drain_values_locked() noexcept;
  attempt put_locked(void* value, waiter*& woken) noexcept;
  attempt send_otherwise_locked(void* value, waiter*& woken) noexcept;
  attempt recv_otherwise_locked(void* to) noexcept;
  std::size_t after(std::size_t number) const noexcept {
    return number + 1 == capacity_ ? 0 : number + 1;
  }
  std::byte* slot(std::size_t number) const noexcept { return buffer_ + number * ops_.size; }
  void move_in(void* value) noexcept;
  void move_in_for(wait_node& sender) noexcept;
  void move_out(void* to) noexcept;
  void give_to(wait_node& receiver, void* value) noexcept;
  void give_told(wait_node& receiver, void* value) noexcept;

  const element_ops& ops_;
  const std::size_t capacity_;
  std::byte* const buffer_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
  leading_hint<std::size_t> count_;
  hint<std::uint8_t> mode_;  // 0: plain and open
  bool sent_by_clock_ = false;
  atomic<std::uint32_t> refs_{1};
};

[[gnu::always_inline]] inline void channel_core::move_in(void* value) noexcept {
  hear_at(slot(tail_));
  ops_.move(slot(tail_), value);
  tell_at(slot(tail_));
  tail_ = after(tail_);
}

[[gnu::always_inline]] inline void channel_core::move_in_for(wait_node& sender) noexcept {
  const partner_scope as(*sender.who);
  move_in(sender.element);
}

[[gnu::always_inline]] inline void channel_core::move_out(void* to) noexcept {
  hear_at(slot(head_));
  ops_.relocate(to, slot(head_));
  tell_at(slot(head_));
  head_ = after(head_);
}

inline void channel_core::give_to(wait_node& receiver, void* value) noexcept {
  if constexpr (tells_users)
    give_told(receiver, value);
  else
    ops_.move(receiver.element, value);
}

// Always inline: see owner_lock.hpp.
[[gnu::always_inline]] inline attempt channel_core::send_locked(void* value,
                                                                waiter*& woken) noexcept {
  if (mode_.read() != 0) [[unlikely]]
    return send_otherwise_locked(value, woken);
  return put_locked(value, woken);
}

[[gnu::always_inline]] inline attempt channel_core::put_locked(void* value,
                                                               waiter*& woken) noexcept {
  if (wait_node* receiver = receivers.pop_claimed_locked()) {
    give_to(*receiver, value);
    receiver->served = true;
    woken = receiver->who;
    return attempt::done;
  }
  if (count_.read() == capacity_) return attempt::blocked;
  move_in(value);
  count_.write(count_.read() + 1);
  return attempt::done;
}

[[gnu::always_inline]] inline attempt channel_core::recv_locked(void* to, waiter*& woken) noexcept {
  if (const std::size_t count = count_.read(); count > 0) {
    move_out(to);
    if (wait_node* sender = senders.pop_claimed_locked()) {
      move_in_for(*sender);  // and the count stays: would_block_receive()
      sender->served = true;
      woken = sender->who;
    } else {
      count_.write(count - 1);
    }
    return attempt::done;
  }
  if (wait_node* sender = senders.pop_claimed_locked()) {
    sender->who->left.hear();
    ops_.move(to, sender->element);
    sender->served = true;
    woken = sender->who;
    return attempt::done;
  }
  return mode_.read() == 0 ? attempt::blocked : recv_otherwise_locked(to);
}

}  // namespace weft::detail
