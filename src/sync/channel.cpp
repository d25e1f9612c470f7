// What a channel does under its lock, and its life.
//
// Orders: refs: a dropped handle's use of the channel happens before it is destroyed.
#include "sync/channel.hpp"

#include <stdexcept>

#include "sync/channel_memory.hpp"
#include "sync/partner.hpp"

namespace weft::detail {
namespace {

class heap_channel final : public channel_core {
 public:
  heap_channel(const element_ops& ops, std::size_t capacity, std::byte* buffer) noexcept
      : channel_core(ops, capacity, buffer) {}

 private:
  friend channel_memory;
  ~heap_channel() override = default;
  void dispose() noexcept override { channel_memory::destroy(this, ops()); }
};

}  // namespace

void channel_core::retain() noexcept {
  // Order: none. Whoever copies a handle has one.
  refs_.fetch_add(1, relaxed);
}

bool channel_core::try_retain() noexcept {
  // Order: none. The lock of the timer heap orders it with the destruction.
  std::uint32_t seen = refs_.load(relaxed);
  while (seen != 0)
    // Order: none. See above.
    if (refs_.compare_exchange_weak(seen, seen + 1, relaxed)) return true;
  return false;
}

void channel_core::release() noexcept {
  // Order: refs. release: what every former owner did happens before the destruction.
  if (refs_.fetch_sub(1, weft::detail::release) != 1) return;
  // Order: refs. Only the last needs to know: handles that come and go order nothing else.
  static_cast<void>(refs_.load(acquire));
  dispose();
}

/// Where there is a ring, the value goes through it. The move itself is nobody's: its source is the
/// sender's, its target the receiver's, and both have just been ordered.
void channel_core::give_told(wait_node& receiver, void* value) noexcept {
  if (capacity_ == 0) {
    receiver.who->left.hear();
  } else {
    const std::byte* const place = slot(tail_);
    head_ = tail_ = after(tail_);
    hear_at(place);
    tell_at(place);
    const partner_scope as(*receiver.who);
    hear_at(place);
    tell_at(place);
  }
  const unseen_scope unseen;
  ops_.move(receiver.element, value);
}

attempt channel_core::send_otherwise_locked(void* value, waiter*& woken) noexcept {
  return closed_locked() ? attempt::closed : send_special_locked(value, woken);
}

attempt channel_core::send_special_locked(void* value, waiter*& woken) noexcept {
  return put_locked(value, woken);
}

attempt channel_core::recv_otherwise_locked(void* to) noexcept {
  if (mode_.read() != closed_bit) return recv_special_locked(to);
  return closed_to_receiver_locked() ? attempt::closed : attempt::blocked;
}

attempt channel_core::recv_special_locked(void*) noexcept {
  return closed_to_receiver_locked() ? attempt::closed : attempt::blocked;
}

void channel_core::exchange_oldest_locked(void* value, void* spare) noexcept {
  // The slot of the oldest is also the next to be written: the ring is full.
  hear_at(slot(head_));
  ops_.relocate(spare, slot(head_));
  ops_.relocate(slot(head_), value);
  ops_.relocate(value, spare);
  tell_at(slot(head_));
  head_ = after(head_);
  tail_ = head_;
}

bool channel_core::close_locked(wake_list& woken) noexcept {
  if (closed_locked()) return false;
  mark_closed_locked();
  receivers.take_all_locked(woken);
  senders.take_all_locked(woken);
  return true;
}

bool channel_core::drain_values_locked() noexcept {
  while (count_.read() > 0) {
    hear_at(slot(head_));
    ops_.destroy(slot(head_));
    tell_at(slot(head_));
    head_ = after(head_);
    count_.write(count_.read() - 1);
  }
  return true;
}

channel_core* channel_make(std::size_t capacity, const element_ops& ops) {
  return channel_memory::make<heap_channel>(ops, capacity);
}
void channel_size_out_of_range() { throw std::length_error("makechan: size out of range"); }
void channel_retain(channel_core* c) noexcept { c->retain(); }
void channel_release(channel_core* c) noexcept { c->release(); }
std::size_t channel_size(channel_core* c) noexcept { return c->visible_size(); }
std::size_t channel_capacity(channel_core* c) noexcept { return c->visible_capacity(); }

}  // namespace weft::detail
