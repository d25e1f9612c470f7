// What a channel does under its lock, and its life.
//
// Orders: refs: a dropped handle's use of the channel happens before it is destroyed.
#include "sync/channel.hpp"

#include <algorithm>
#include <new>
#include <stdexcept>

#include "sched/scheduler.hpp"

namespace weft::detail {
namespace {

/// A channel with its buffer behind it, in one piece of memory.
class heap_channel final : public channel_core {
 public:
  static channel_core* make(std::size_t capacity, const element_ops& ops) {
    constexpr std::size_t bytes_max = std::size_t{1} << 47;
    const std::size_t alignment = std::max(alignof(heap_channel), ops.alignment);
    const std::size_t offset = (sizeof(heap_channel) + alignment - 1) / alignment * alignment;
    if (capacity > (bytes_max - offset) / ops.size) channel_size_out_of_range();
    const std::size_t bytes = offset + capacity * ops.size;
    const bool plain = alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__;
    void* memory =
        plain ? ::operator new(bytes) : ::operator new(bytes, std::align_val_t{alignment});
    auto* buffer = static_cast<std::byte*>(memory) + offset;
    return ::new (memory) heap_channel(ops, capacity, buffer, plain ? 0 : alignment);
  }

 private:
  heap_channel(const element_ops& ops, std::size_t capacity, std::byte* buffer,
               std::size_t alignment) noexcept
      : channel_core(ops, capacity, buffer), alignment_(alignment) {}
  ~heap_channel() override = default;

  void dispose() noexcept override {
    const std::size_t alignment = alignment_;
    void* memory = this;
    this->~heap_channel();
    if (alignment == 0)
      ::operator delete(memory);
    else
      ::operator delete(memory, std::align_val_t{alignment});
  }

  const std::size_t alignment_;  // 0: the default
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
  // Order: refs. acq_rel: what every former owner did happens before the destruction.
  if (refs_.fetch_sub(1, acq_rel) == 1) dispose();
}

void channel_core::push_value(void* value) noexcept {
  ops_.move(slot(tail_), value);
  tail_ = tail_ + 1 == capacity_ ? 0 : tail_ + 1;
  count_.write(count_.read() + 1);
}

void channel_core::pop_value(void* to) noexcept {
  ops_.relocate(to, slot(head_));
  head_ = head_ + 1 == capacity_ ? 0 : head_ + 1;
  count_.write(count_.read() - 1);
}

attempt channel_core::send_locked(void* value, waiter*& woken) noexcept {
  if (closed_) return attempt::closed;
  if (wait_node* receiver = receivers.pop_claimed_locked()) {
    ops_.move(receiver->element, value);
    receiver->served = true;
    woken = receiver->who;
    return attempt::done;
  }
  if (count_.read() == capacity_) return attempt::blocked;
  push_value(value);
  return attempt::done;
}

attempt channel_core::recv_locked(void* to, waiter*& woken) noexcept {
  if (count_.read() > 0) {
    pop_value(to);
    if (wait_node* sender = senders.pop_claimed_locked()) {
      push_value(sender->element);
      sender->served = true;
      woken = sender->who;
    }
    return attempt::done;
  }
  if (wait_node* sender = senders.pop_claimed_locked()) {
    ops_.move(to, sender->element);
    sender->served = true;
    woken = sender->who;
    return attempt::done;
  }
  return closed_ ? attempt::closed : attempt::blocked;
}

bool channel_core::close_locked(wake_list& woken) noexcept {
  if (closed_) return false;
  closed_ = true;
  receivers.take_all_locked(woken);
  senders.take_all_locked(woken);
  return true;
}

bool channel_core::drain_locked() noexcept {
  const bool any = count_.read() > 0;
  while (count_.read() > 0) {
    ops_.destroy(slot(head_));
    head_ = head_ + 1 == capacity_ ? 0 : head_ + 1;
    count_.write(count_.read() - 1);
  }
  return any;
}

channel_core* channel_make(std::size_t capacity, const element_ops& ops) {
  return heap_channel::make(capacity, ops);
}
void channel_size_out_of_range() { throw std::length_error("makechan: size out of range"); }
void channel_retain(channel_core* c) noexcept { c->retain(); }
void channel_release(channel_core* c) noexcept { c->release(); }
std::size_t channel_size(channel_core* c) noexcept { return c->visible_size(); }
std::size_t channel_capacity(channel_core* c) noexcept { return c->visible_capacity(); }

}  // namespace weft::detail
