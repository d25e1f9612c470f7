// A channel without a limit: its values are in blocks that come and go.
//
// A sender makes room before it takes the lock, a receiver gives a block back after it has let go:
// nothing is allocated or freed while the channel is locked. One block is kept for the next sender.
// Threads: any. Locks: the channel's.
// Invariants: R1 nobody waits to send. R2 no values => head_ is tail_, and both stand at its start.
// Tested by: tests/conformance/channels/unbounded_test.cpp
#include <weft/detail/channel_kinds.hpp>

#include <algorithm>
#include <limits>
#include <utility>

#include "sync/channel.hpp"
#include "sync/channel_memory.hpp"

namespace weft::detail {
namespace {

struct value_block {
  value_block* next;
};

class growing_channel final : public channel_core {
 public:
  explicit growing_channel(const element_ops& ops) noexcept
      : channel_core(ops, 0, nullptr, nature::special),
        alignment_(std::max(alignof(value_block), ops.alignment)),
        offset_((sizeof(value_block) + alignment_ - 1) / alignment_ * alignment_),
        per_block_(std::max(values_min, block_bytes / ops.size)) {}

  std::size_t visible_size() const noexcept override { return count_.read(); }
  std::size_t visible_capacity() const noexcept override {
    return std::numeric_limits<std::size_t>::max();
  }

  void settle() noexcept override {
    lock.lock();
    value_block* spent = std::exchange(spent_, nullptr);
    lock.unlock();
    free_all(spent);
  }

  void make_room() override {
    const unseen_scope unseen;  // a block is used by many, whom only the lock orders
    void* memory = channel_memory::allocate(offset_ + per_block_ * ops().size, alignment_);
    value_block* fresh = ::new (memory) value_block{nullptr};
    lock.lock();
    if (!spare_) spare_ = std::exchange(fresh, nullptr);
    lock.unlock();
    free_all(fresh);
  }

 private:
  static constexpr std::size_t block_bytes = 1024;
  static constexpr std::size_t values_min = 4;

  ~growing_channel() override {
    for (; count_.read() > 0; drop_first()) {
      hear_at(first());
      ops().destroy(first());
    }
    free_all(head_);
    free_all(spare_);
    free_all(spent_);
  }
  void dispose() noexcept override { delete this; }

  attempt send_special_locked(void* value, waiter*& woken) noexcept override {
    if (wait_node* receiver = receivers.pop_claimed_locked()) {
      const unseen_scope unseen;  // the receiver's place; it hears of this send when it is woken
      ops().move(receiver->element, value);
      receiver->served = true;
      woken = receiver->who;
      return attempt::done;
    }
    if (!tail_ || tail_at_ == per_block_) {
      if (!spare_) return attempt::no_room;
      append_locked(std::exchange(spare_, nullptr));
    }
    void* const to = place(tail_, tail_at_++);
    hear_at(to);
    ops().move(to, value);
    tell_at(to);
    count_.write(count_.read() + 1);
    return attempt::done;
  }

  attempt recv_special_locked(void* to) noexcept override {
    if (count_.read() == 0) return channel_core::recv_special_locked(to);
    hear_at(first());
    ops().relocate(to, first());
    tell_at(first());
    drop_first();
    return spent_ ? attempt::done_more : attempt::done;
  }

  void append_locked(value_block* fresh) noexcept {
    fresh->next = nullptr;
    (tail_ ? tail_->next : head_) = fresh;
    tail_ = fresh;
    tail_at_ = 0;
  }

  void* place(value_block* b, std::size_t index) const noexcept {
    return reinterpret_cast<std::byte*>(b) + offset_ + index * ops().size;
  }
  void* first() const noexcept { return place(head_, head_at_); }

  /// Its element has ended its life.
  void drop_first() noexcept {
    count_.write(count_.read() - 1);
    ++head_at_;
    if (count_.read() == 0) {
      head_at_ = tail_at_ = 0;
    } else if (head_at_ == per_block_) {
      value_block* spent = std::exchange(head_, head_->next);
      head_at_ = 0;
      keep_or_give_back(spent);
    }
  }

  void keep_or_give_back(value_block* b) noexcept {
    b->next = nullptr;
    if (!spare_) {
      spare_ = b;
      return;
    }
    b->next = spent_;
    spent_ = b;
  }

  void free_all(value_block* b) noexcept {
    const unseen_scope unseen;
    while (b) channel_memory::give_back(std::exchange(b, b->next), alignment_);
  }

  const std::size_t alignment_;
  const std::size_t offset_;  // of the first value in its block
  const std::size_t per_block_;
  value_block* head_ = nullptr;
  value_block* tail_ = nullptr;
  std::size_t head_at_ = 0;
  std::size_t tail_at_ = 0;
  hint<std::size_t> count_;
  value_block* spare_ = nullptr;
  value_block* spent_ = nullptr;  // until the receiver that emptied them has let go of the lock
};

}  // namespace

channel_core* growing_channel_make(const element_ops& ops) { return new growing_channel(ops); }

}  // namespace weft::detail
