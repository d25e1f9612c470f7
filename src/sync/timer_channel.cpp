// Timer and ticker: a channel of one element that the clock sends on.
//
// To its users the channel looks unbuffered: size and capacity are 0, and after stop or reset
// nothing of the earlier setting is received (the buffer is drained, and a firing that is under way
// is told by its epoch that it comes too late).
// Locks: the channel's, then the timer heap's.
// Invariants: R1 armed_ <=> the current epoch has not been delivered.
// Tested by: tests/conformance/timer_test.cpp, tests/stress/timer_test.cpp
#include <weft/detail/timer_core.hpp>

#include <cstdint>
#include <limits>
#include <mutex>
#include <stdexcept>

#include "engine/timer_heap.hpp"
#include "port/clock.hpp"
#include "sched/scheduler.hpp"
#include "sync/channel.hpp"

namespace weft::detail {
namespace {

class timer_channel final : public channel_core, private timed_action {
 public:
  timer_channel() noexcept : channel_core(ops_of<time_point>, 1, room_) { mark_sent_by_clock(); }

  std::size_t visible_size() const noexcept override { return 0; }
  std::size_t visible_capacity() const noexcept override { return 0; }

  bool stop() noexcept {
    std::lock_guard guard(lock);
    return stop_locked();
  }

  bool reset(deadline_ns delay_ns, deadline_ns period_ns) noexcept {
    std::lock_guard guard(lock);
    const bool was_pending = stop_locked();
    armed_ = true;
    arm(*this, deadline_after_ns(delay_ns), period_ns, epoch_);
    return was_pending;
  }

 private:
  ~timer_channel() override = default;

  bool stop_locked() noexcept {
    timer_heap::disarm(*this);
    ++epoch_;
    last_due_ = std::numeric_limits<deadline_ns>::min();
    const bool had_value = drain_locked();
    const bool was_armed = armed_;
    armed_ = false;
    return was_armed || had_value;
  }

  void dispose() noexcept override {
    timer_heap::disarm(*this);
    delete this;
  }

  bool try_retain() noexcept override { return channel_core::try_retain(); }
  void release() noexcept override { channel_core::release(); }

  void fire(deadline_ns due, std::uint64_t epoch, wake_list& woken) noexcept override {
    time_point value = to_time_point(due);
    waiter* receiver = nullptr;
    std::lock_guard guard(lock);
    if (epoch != epoch_ || due <= last_due_) return;
    last_due_ = due;
    armed_ = false;
    static_cast<void>(send_locked(&value, receiver));  // a slow receiver loses ticks
    if (receiver) woken.push_back(receiver);
  }

  alignas(time_point) std::byte room_[sizeof(time_point)];
  std::uint64_t epoch_ = 0;
  // Two workers may fire two ticks in the wrong order: the heap's lock is let go before the send.
  deadline_ns last_due_ = std::numeric_limits<deadline_ns>::min();
  bool armed_ = false;
};

timer_channel& as_timer(channel_core* c) noexcept { return static_cast<timer_channel&>(*c); }

}  // namespace

channel_core* timer_make(deadline_ns delay_ns, deadline_ns period_ns) {
  ensure_running();
  auto* made = new timer_channel;
  made->reset(delay_ns, period_ns);
  return made;
}

channel_core* ticker_make(deadline_ns period_ns) {
  if (period_ns <= 0) throw std::invalid_argument("non-positive interval for NewTicker");
  return timer_make(period_ns, period_ns);
}

bool timer_stop(channel_core* c) noexcept { return as_timer(c).stop(); }

bool timer_reset(channel_core* c, deadline_ns delay_ns, deadline_ns period_ns) noexcept {
  return as_timer(c).reset(delay_ns, period_ns);
}

void ticker_reset(channel_core* c, deadline_ns period_ns) {
  if (period_ns <= 0) throw std::invalid_argument("non-positive interval for Ticker.Reset");
  as_timer(c).reset(period_ns, period_ns);
}

}  // namespace weft::detail
