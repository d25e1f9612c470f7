// A channel for one value: the send closes it.
//
// Threads: any. Locks: the channel's.
// Tested by: tests/conformance/channels
#include <weft/detail/channel_kinds.hpp>

#include "sched/scheduler.hpp"
#include "sync/channel.hpp"
#include "sync/channel_memory.hpp"

namespace weft::detail {
namespace {

class one_value_channel final : public channel_core {
 public:
  one_value_channel(const element_ops& ops, std::size_t capacity, std::byte* buffer) noexcept
      : channel_core(ops, capacity, buffer, nature::special) {}

  /// The receivers behind the one that was served.
  void settle() noexcept override {
    wake_list woken;
    lock.lock();
    receivers.take_all_locked(woken);
    lock.unlock();
    ready(woken);
  }

 private:
  friend channel_memory;
  ~one_value_channel() override = default;
  void dispose() noexcept override { channel_memory::destroy(this, ops()); }

  attempt send_special_locked(void* value, waiter*& woken) noexcept override {
    const attempt outcome = channel_core::send_special_locked(value, woken);
    mark_closed_locked();
    return receivers.empty() ? outcome : attempt::done_more;
  }
};

}  // namespace

channel_core* one_value_channel_make(const element_ops& ops) {
  return channel_memory::make<one_value_channel>(ops, 1);
}

}  // namespace weft::detail
