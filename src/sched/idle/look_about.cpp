// The lookout's last look before it falls asleep: a glance, or one of some microseconds if what it
// waits for has kept coming that soon.
//
// What it may find here and not after a nap: a goroutine that was made ready by one that has gone
// on computing since. Among quick partners nobody sits in the next-slot for that long, so that they
// stay together; of those that compute between their meetings each soon has a processor.
#include <algorithm>
#include <mutex>

#include "engine/poller.hpp"
#include "port/clock.hpp"
#include "port/sync/spin_lock.hpp"
#include "sched/runtime.hpp"
#include "sched/scheduler.hpp"

namespace weft::detail {
namespace {

/// To fall asleep and be woken takes the CPU about as long.
constexpr deadline_ns patience_ns = 20'000;
/// A sleep until then would take longer.
constexpr deadline_ns brief_ns = 5'000;
/// In the next-slot: a sender fills a channel with room for a hundred in less.
constexpr deadline_ns overdue_ns = 3'000;
constexpr deadline_ns overdue_by_habit_ns = 600;

/// A look takes cache lines from those who work.
void pause_between_looks() noexcept {
  for (int i = 0; i < 4; ++i) pause_cpu();
}

}  // namespace

/// Another processor whose next-slot is taken, among some of them.
runtime::overdue_watch runtime::watch_a_next_slot(worker& w, deadline_ns now) noexcept {
  constexpr int looked_at_max = 8;
  const int count = processors_made_.read();
  const auto start = w.random.below(static_cast<std::uint32_t>(count));
  for (int i = 0; i < std::min(count, looked_at_max); ++i) {
    const auto number = (start + static_cast<std::size_t>(i)) % static_cast<std::size_t>(count);
    processor* p = processors_[number].read();
    if (!p || p == w.owned) continue;
    if (const next_slot seen = p->look_at_next(); seen.held) return {p, seen, now};
  }
  return {};
}

/// Null: the next-slot that is watched has not held the same goroutine for `age_ns`.
goroutine* runtime::steal_overdue(worker& w, overdue_watch& slot, deadline_ns now,
                                  deadline_ns age_ns) noexcept {
  if (!slot.whose || slot.whose->look_at_next() != slot.seen) {
    slot = watch_a_next_slot(w, now);
    return nullptr;
  }
  if (now - slot.since < age_ns) return nullptr;
  goroutine* g = slot.whose->steal_next(slot.seen);
  slot = {};
  if (!g) return nullptr;
  calls_in_vain_.write(0);
  w.owned->push_started_owner(g);
  return w.owned->pick_owner();
}

/// Beside others that run only while there is a CPU left for it.
bool runtime::may_look_long() noexcept {
  std::lock_guard guard(idle_lock_);
  return running_count_ < cpus_;
}

goroutine* runtime::look_about(worker& w) noexcept {
  const bool free = may_look_long();
  const bool for_work = free && w.finds_work_soon.wants();
  const bool for_news =
      free && w.hears_soon.wants() && poll_is_open() && poller::get().anybody_waits();
  const deadline_ns worth_waiting_ns = std::max(brief_ns, w.wakes_late.allowance_ns());
  const deadline_ns age_ns = for_work ? overdue_by_habit_ns : overdue_ns;
  const deadline_ns begin = now_ns();
  overdue_watch slot = watch_a_next_slot(w, begin);
  const next_slot first = slot.seen;
  deadline_ns end = begin;
  if (for_work || for_news)
    end += patience_ns;
  else if (slot.whose && free)
    end += overdue_ns + overdue_by_habit_ns;
  for (deadline_ns now = begin;; now = now_ns()) {
    if (w.sleep.has_permit() || must_attend(w)) return nullptr;
    if (goroutine* g = steal_overdue(w, slot, now, age_ns)) {
      for_work ? w.finds_work_soon.found() : w.finds_work_soon.came_soon();
      return g;
    }
    if (for_news && look_at_descriptors()) {
      w.hears_soon.found();
      return w.owned->pick_owner();
    }
    const deadline_ns timer = earliest_timer();
    if (timer <= now) return poll(w);
    if (now >= end && (timer == never_ns || timer - now > worth_waiting_ns)) break;
    if (!for_work && !for_news && slot.seen != first) end = begin;  // they are quick
    pause_between_looks();
  }
  if (for_work) w.finds_work_soon.in_vain();
  if (for_news) w.hears_soon.in_vain();
  return nullptr;
}

}  // namespace weft::detail
