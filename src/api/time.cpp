// Sleeping, and functions that the clock starts.
#include <weft/time.hpp>

#include <mutex>
#include <new>

#include "api/belongings_here.hpp"
#include "engine/timer_heap.hpp"
#include "port/clock.hpp"
#include "port/sync/spin_lock.hpp"
#include "port/thread.hpp"
#include "sched/scheduler.hpp"
#include "wait/bounded_wait.hpp"

namespace weft::detail {

deadline_ns deadline_after_ns(deadline_ns delay_ns) noexcept {
  const deadline_ns now = now_ns();
  deadline_ns at = 0;
  if (delay_ns == never_ns || __builtin_add_overflow(now, delay_ns, &at))
    return delay_ns > 0 ? never_ns : now;
  return at;
}

bool sleep_bounded(const wait_bound& bound) noexcept {
  wait_outcome outcome{};
  wait_claim claim;
  if (!is_over(bound, outcome)) outcome = park_bounded(wait_reason::sleep, {}, bound, claim);
  return outcome != wait_outcome::cancelled;
}

/// Keeps its function alive while it is armed; a firing under way keeps it from being destroyed.
/// Locks: lock_, then the timer heap's.
struct timed_call::pending final : timed_action {
  explicit pending(timed_call& owner) noexcept : owner_(owner) {}
  ~pending() override {
    // Order: in_flight. acquire pairs with the release in release().
    while (in_flight_.load(acquire) != 0) yield_thread();
    drop(labels_);
  }

  bool try_retain() noexcept override {
    // Order: none. The heap's lock orders it with disarm().
    in_flight_.fetch_add(1, relaxed);
    return true;
  }
  void release() noexcept override {
    // Order: in_flight. release pairs with the acquire in ~pending().
    in_flight_.fetch_sub(1, weft::detail::release);
  }

  bool stop() noexcept {
    std::shared_ptr<timed_call> dropped;
    std::lock_guard guard(lock_);
    timer_heap::disarm(*this);
    ++epoch_;
    dropped.swap(self_);
    return dropped != nullptr;
  }

  bool reset(deadline_ns delay_ns, std::shared_ptr<timed_call> self) noexcept {
    tell_at(&self_);
    std::lock_guard guard(lock_);
    timer_heap::disarm(*this);
    const bool was_pending = self_ != nullptr;
    self_.swap(self);
    arm(*this, deadline_after_ns(delay_ns), 0, ++epoch_);
    return was_pending;
  }

  void fire(deadline_ns, std::uint64_t epoch, wake_list&) noexcept override {
    constexpr deadline_ns retry_ns = 1'000'000;
    std::lock_guard guard(lock_);
    if (epoch != epoch_) return;
    try {
      using body = closure<started_call>;
      goroutine_draft draft({.site = owner_.site_}, sizeof(body), alignof(body));
      ::new (draft.storage()) body(started_call{std::move(self_)});
      if (!draft.block().own.labels) draft.block().own.labels = share(labels_);
      draft.start(&body::run);  // it may end, and destroy this, as soon as release() is called
    } catch (...) {             // no memory for a goroutine now
      arm(*this, deadline_after_ns(retry_ns), 0, ++epoch_);
    }
  }

  struct started_call {
    std::shared_ptr<timed_call> owner;
    void operator()() const {
      hear_at(&owner->pending_->self_);
      owner->call();
    }
  };

  timed_call& owner_;
  label_set* const labels_ = share(belongings_here().labels);  // its creator's
  spin_lock lock_;
  std::uint64_t epoch_ = 0;
  std::shared_ptr<timed_call> self_;  // set while it is armed
  atomic<std::uint32_t> in_flight_{0};
};

timed_call::timed_call(creation_site site)
    : site_(site), pending_(std::make_unique<pending>(*this)) {
  ensure_running();
}
timed_call::~timed_call() = default;

bool timed_call::stop() noexcept { return pending_->stop(); }
bool timed_call::reset(deadline_ns delay_ns) {
  return pending_->reset(delay_ns, shared_from_this());
}

}  // namespace weft::detail
