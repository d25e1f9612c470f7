// The lookout's last look before it falls asleep: a glance, or one of some microseconds if what it
// waits for has kept coming that soon.
//
// What it may find here and not after a nap: a goroutine that was made ready by one that has gone
// on computing since. Among quick partners nobody sits in the next-slot for that long, so that they
// stay together; of those that compute between their meetings each soon has a processor.
//
// To take a goroutine from another processor costs a barrier on it, 10 us on some machines. So a
// lookout with the habit lets it be known that it seeks, and whoever makes one ready hands it over.
// If the giver has nothing to do right after that, it had better kept it: that ends the habit.
//
// Orders: gift: who takes the seeker's name writes its gift; the seeker reads what it points to.
#include <algorithm>
#include <mutex>
#include <utility>

#include "engine/poller.hpp"
#include "port/clock.hpp"
#include "port/sync/spin_lock.hpp"
#include "port/thread.hpp"
#include "sched/runtime.hpp"
#include "sched/scheduler.hpp"

namespace weft::detail {
namespace {

/// To fall asleep and be woken takes the CPU about as long.
constexpr deadline_ns look_for_news_ns = 20'000;
/// Beside others that run: instead of the first nap.
constexpr deadline_ns look_for_work_ns = 50'000;
/// A sleep until then would take longer.
constexpr deadline_ns brief_ns = 5'000;
/// In the next-slot: a sender fills a channel with room for a hundred in less.
constexpr deadline_ns overdue_ns = 3'000;
/// What a giver must go on with for it to be worth while.
constexpr deadline_ns worth_giving_ns = 2'000;
/// Between two gifts of one giver: those that are this quick are better off together.
constexpr deadline_ns too_often_ns = 5'000;

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

/// Null: the next-slot that is watched has not held the same goroutine for long.
goroutine* runtime::steal_overdue(worker& w, overdue_watch& slot, deadline_ns now) noexcept {
  if (!slot.whose || slot.whose->look_at_next() != slot.seen) {
    slot = watch_a_next_slot(w, now);
    return nullptr;
  }
  if (now - slot.since < overdue_ns) return nullptr;
  finds_work_soon_.came_soon();  // even if its owner takes it before the theft is done
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
  const bool free = may_look_long() && rush_.slack_ns(now_ns()) == 0;
  look plan;
  plan.for_news = free && hears_soon_.wants() && poll_is_open() && poller::get().anybody_waits();
  plan.for_work = free && finds_work_soon_.wants() && begin_seeking(w);
  plan.may_glance = free;
  goroutine* const found = look_until(w, plan);
  if (!plan.for_work) return found;
  goroutine* const given = end_seeking(w);
  if (!given && !found) finds_work_soon_.in_vain();
  if (!given) return found;
  finds_work_soon_.found();
  w.owned->push_started_owner(given);
  if (found) w.owned->push_started_owner(found);
  return w.owned->pick_owner();
}

goroutine* runtime::look_until(worker& w, const look& plan) noexcept {
  const bool long_look = plan.for_work || plan.for_news;
  const deadline_ns begin = now_ns();
  const bool in_rush = rush_.slack_ns(begin) > 0;
  const deadline_ns worth_waiting_ns = std::max(brief_ns, w.wakes_late.allowance_ns());
  overdue_watch slot = watch_a_next_slot(w, begin);
  const next_slot first = slot.seen;
  deadline_ns end = begin;
  if (long_look) end += plan.for_work ? look_for_work_ns : look_for_news_ns;
  if (!long_look && plan.may_glance && slot.whose) end += overdue_ns + brief_ns;
  for (deadline_ns now = begin;; now = now_ns()) {
    if (w.sleep.has_permit() || must_attend(w) || w.gift.read()) return nullptr;
    if (goroutine* g = steal_overdue(w, slot, now)) return g;
    if (plan.for_news && look_at_descriptors()) {
      hears_soon_.found();
      return w.owned->pick_owner();
    }
    const deadline_ns timer = earliest_timer();
    if (timer <= now && !in_rush) return poll(w);
    if (now >= end && (in_rush || timer == never_ns || timer - now > worth_waiting_ns)) break;
    if (!long_look && slot.seen != first) end = begin;  // they are quick
    pause_between_looks();
  }
  if (plan.for_news) hears_soon_.did_harm();
  return nullptr;
}

/// Returns false if another is at it.
bool runtime::begin_seeking(worker& w) noexcept {
  std::lock_guard guard(idle_lock_);
  if (lookout_ != &w || seeks()) return false;
  // Order: gift. release: who takes the name finds the gift empty.
  seeker_.store(&w, release);
  update_watched_locked();
  return true;
}

/// Null: nobody has given it anything.
goroutine* runtime::end_seeking(worker& w) noexcept {
  worker* own_name = &w;
  // Order: gift. Whether its name has been taken; relaxed: what follows reads the gift.
  const bool was_taken = !seeker_.compare_exchange_strong(own_name, nullptr, relaxed);
  {
    std::lock_guard guard(idle_lock_);
    update_watched_locked();
  }
  if (!was_taken) return nullptr;
  goroutine* given = nullptr;
  while (!(given = w.gift.read())) yield_thread();  // whoever took it has lost its CPU
  w.gift.publish(nullptr);
  return given;
}

/// What has just sat down in the caller's next-slot. Returns: whether somebody else has it now.
bool runtime::give_next_away(processor& here) noexcept {
  if (!seeks() || here.detached.read()) return false;
  const deadline_ns now = now_ns();
  if (now - here.gave_at < too_often_ns) {
    finds_work_soon_.did_harm();
    return false;
  }
  goroutine* const g = here.take_next_owner();
  if (!g) return false;
  // Order: gift. acquire: the gift is empty.
  worker* const to = seeker_.exchange(nullptr, acquire);
  if (!to) {
    here.set_next_owner(g);
    return false;
  }
  here.gave_at = now;
  to->gift.publish(g);
  return true;
}

/// On running out of work.
void runtime::judge_gift(processor& p) noexcept {
  if (p.gave_at == 0 || !finds_work_soon_.wants()) return;
  if (now_ns() - p.gave_at < worth_giving_ns) finds_work_soon_.did_harm();
}

}  // namespace weft::detail
