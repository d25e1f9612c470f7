// What a worker without work does: look once more, watch the others, nap, sleep.
//
// While anything runs, and another worker has nothing to do, one of the latter is the lookout. It
// naps, and takes work that has waited for longer than a nap; nobody pays for it but itself. A
// worker that makes something runnable only looks whether the processors are watched. So a burst of
// tiny work stays on the processor that is fast at it, and long work spreads.
//
// A lookout that finds one thing to do may be back before another is awake to stand in for it. So
// one of the idle is its deputy: it looks after each beat, and stands in when nobody has been there
// for all of it. Only where there is no deputy, or more to do, is somebody woken at once.
//
// Orders: watched: see runtime.hpp.
#include <algorithm>
#include <mutex>
#include <utility>

#include "engine/poller.hpp"
#include "port/clock.hpp"
#include "port/fork.hpp"
#include "port/sync/barrier.hpp"
#include "sched/runtime.hpp"
#include "sched/scheduler.hpp"

namespace weft::detail {
namespace {

constexpr deadline_ns first_nap_ns = 50'000;
constexpr deadline_ns longest_nap_ns = 250'000;  // 2 % of a CPU that has nothing else to do
constexpr deadline_ns beat_ns = 250'000;

}  // namespace

void runtime::update_watched_locked() noexcept {
  const bool somebody_could = !idle_.empty() || active_count_ < target_.read();
  watched_.publish(!seeks() && (lookout_ != nullptr || !somebody_could));
  looked_after_.write(lookout_ != nullptr);
}

worker_role runtime::role_of(worker& w) noexcept {
  std::lock_guard guard(idle_lock_);
  return w.role;
}

bool runtime::has_lookout() noexcept {
  std::lock_guard guard(idle_lock_);
  return lookout_ != nullptr;
}

bool runtime::must_attend(const worker& w) const noexcept {
  return stopping() || w.owned->number() >= max_procs();
}

void runtime::fire_due_timers() noexcept {
  const deadline_ns earliest = earliest_timer();
  if (earliest == never_ns) return;
  const deadline_ns now = now_ns();
  if (earliest > now) return;
  wake_list woken;
  std::size_t count = 0;
  for (int i = 0; i < processors_made_.read(); ++i)
    if (processor* p = processors_[static_cast<std::size_t>(i)].read())
      count += p->timers.collect_due(now, woken);
  ready_after_timers(woken, count, now);
}

void runtime::ready_after_timers(wake_list& woken, std::size_t count, deadline_ns now) noexcept {
  rush_.note(count, now);
  ready(woken);
  worker* const w = this_worker();
  if (!w) return;
  if (std::exchange(w->sleeps_late, false)) rush_.judge(count);
  w->owned->expect_cold_owner();
}

deadline_ns runtime::earliest_timer() const noexcept {
  deadline_ns earliest = never_ns;
  for (int i = 0; i < processors_made_.read(); ++i)
    if (const processor* p = processors_[static_cast<std::size_t>(i)].read())
      earliest = std::min(earliest, p->timers.earliest());
  return earliest;
}

/// They keep their order, started or not.
bool runtime::take_injected(processor& p) noexcept {
  batch share;
  share.started = injected_.take_share(max_procs());
  if (share.started.empty()) return false;
  p.push_batch_owner(std::move(share));
  note_backlog(p);  // one of them runs now; the rest, and what was left, wait
  return true;
}

/// While there is always work: a system call now and then, however short the turns are.
void runtime::look_at_descriptors_if_due() noexcept {
  constexpr deadline_ns pause_ns = 20'000;
  if (!poll_is_open() || !poller::get().anybody_waits()) return;
  if (now_ns() - poller::get().last_look_ns() >= pause_ns) look_at_descriptors();
}

/// On a goroutine's stack, every few switches: what would otherwise wait until it blocks.
/// Returns: whether somebody whose time has come sits in the next-slot now.
bool runtime::housekeep(worker& w) noexcept {
  constexpr int turns_between_news = 64;  // of descriptors: they cost a system call
  processor& p = *w.owned;
  if (!injected_.empty()) take_injected(p);
  if (p.looks.have_passed(turns_between_news)) look_at_descriptors_if_due();
  if (p.timers.earliest() == never_ns) {
    p.looks.begin_round();
    return false;
  }
  const deadline_ns now = now_ns();
  p.looks.begin_round(now);
  return p.timers.earliest() <= now && fire_timers_of(w, now);
}

/// The first that was due sits in the next-slot then, unless it is taken or handed on; all others
/// have been late together, and take their turns.
/// Returns: whether it does.
bool runtime::fire_timers_of(worker& w, deadline_ns now) noexcept {
  wake_list woken;
  w.keeps_time = true;
  const std::size_t count = w.owned->timers.collect_due(now, woken);
  w.keeps_time = false;
  const bool taken = w.owned->look_at_next().held != nullptr;
  waiter* first = taken ? nullptr : woken.pop_front();
  if (first) ready(*first);
  ready_after_timers(woken, count, now);
  return first && w.owned->look_at_next().held == first;
}

/// What a worker can find without a system call, and without taking it from another.
goroutine* runtime::poll(worker& w) noexcept {
  fire_due_timers();
  if (goroutine* g = w.owned->pick_owner()) return g;
  return take_injected(*w.owned) ? w.owned->pick_owner() : nullptr;
}

goroutine* runtime::steal(worker& w) noexcept {
  if (!steals_pay_.may_steal()) return nullptr;
  const int count = processors_made_.read();
  const auto start = w.random.below(static_cast<std::uint32_t>(count));
  for (int i = 0; i < count; ++i) {
    processor* victim =
        processors_[(start + static_cast<std::size_t>(i)) % static_cast<std::size_t>(count)].read();
    if (!victim || victim == w.owned) continue;
    batch loot = victim->steal_aged();
    if (loot.empty()) continue;
    calls_in_vain_.write(0);
    w.loot = {now_ns(), 0};
    w.owned->push_batch_owner(std::move(loot));
    return w.owned->pick_owner();
  }
  return nullptr;
}

/// On running out of work. What was stolen may have to be shared with those it was stolen from at
/// such a price that it had better been left alone.
void runtime::judge_loot(worker& w) noexcept {
  if (w.loot.since == 0) return;
  const deadline_ns kept_busy = now_ns() - w.loot.since;
  w.loot.cost_ns * 4 > kept_busy ? steals_pay_.did_not() : steals_pay_.did();
  w.loot.since = 0;
}

/// For steal_aged().
void runtime::sample_others(const worker& w) noexcept {
  for (int i = 0; i < processors_made_.read(); ++i) {
    processor* p = processors_[static_cast<std::size_t>(i)].read();
    if (p && p != w.owned) p->sample();
  }
}

/// Returns: whom descriptors have made runnable. They are this worker's, whatever its role has
/// become meanwhile.
goroutine* runtime::nap(worker& w, deadline_ns& period_ns) noexcept {
  sample_others(w);
  bool alone = false;
  {
    std::lock_guard guard(idle_lock_);
    alone = running_count_ == 0;
  }
  const deadline_ns timer = earliest_timer();
  const deadline_ns begin = now_ns();
  deadline_ns until = timer;
  const deadline_ns slack = rush_.slack_ns(begin);
  if (timer != never_ns)  // in a rush the kernel may be as late as it likes
    until = slack > 0 ? std::max(timer, begin) + slack
                      : std::max(timer - w.wakes_late.allowance_ns(), begin);
  w.sleeps_late = slack > 0 && timer != never_ns && (alone || until < begin + period_ns);
  if (!alone) {
    until = std::min(until, begin + period_ns);
    period_ns = std::min(2 * period_ns, longest_nap_ns);
  }
  nap_until_.write(until);
  return sleep_as_lookout(w, begin, until);
}

goroutine* runtime::sleep_as_lookout(worker& w, deadline_ns begin, deadline_ns until) noexcept {
  constexpr deadline_ns soon_ns = 30'000;
  wake_list woken;
  bool called = false;
  if (poll_is_open())
    called = w.sleep.park_in_poller([&] { poller::get().collect(until, woken); });
  else
    called = w.sleep.park_until(until);
  const deadline_ns now = now_ns();
  if (!called && now >= until)
    w.wakes_late.note(now - until);
  else
    w.sleeps_late = false;  // it was disturbed, and has nothing to tell
  if (woken.empty()) return nullptr;
  now - begin < soon_ns ? hears_soon_.came_soon() : hears_soon_.came_late();
  ready(woken);
  w.owned->expect_cold_owner();
  return w.owned->pick_owner();
}

void ensure_polling() {
  if (poll_is_open()) [[likely]]
    return;
  runtime::get().ensure_running();
  open_poll();
  runtime::get().wake_one();  // the lookout may sleep elsewhere
}

/// What descriptors have to tell, without waiting for it.
bool runtime::look_at_descriptors() noexcept {
  if (!poll_is_open() || !poller::get().anybody_waits()) return false;
  wake_list woken;
  const bool news = poller::get().collect(0, woken);
  ready(woken);
  if (const worker* w = this_worker()) w->owned->expect_cold_owner();  // none: the monitor looks
  return news;
}

goroutine* runtime::find_work(worker& w) noexcept {
  judge_gift(*w.owned);
  judge_loot(w);
  if (goroutine* g = poll(w)) return g;
  // Else it will sleep in the poller itself, and asks it then.
  if (has_lookout() && look_at_descriptors())
    if (goroutine* g = w.owned->pick_owner()) return g;
  if (!become_idle(w)) return nullptr;
  deadline_ns period_ns = first_nap_ns;
  bool may_be_deputy = true;
  for (;;) {
    switch (role_of(w)) {
      case worker_role::running:
      case worker_role::spare:
      case worker_role::frozen:
        return nullptr;  // woken to look at everything again
      case worker_role::idle:
        if (must_attend(w)) {
          leave_idle(w);
          return nullptr;
        }
        sleep_idle(w, may_be_deputy);
        period_ns = first_nap_ns;
        break;
      case worker_role::lookout: {
        may_be_deputy = true;
        goroutine* g = poll(w);
        if (!g) g = steal(w);
        if (!g && !must_attend(w)) g = look_about(w);
        if (!g && !must_attend(w)) g = nap(w, period_ns);
        if (g || must_attend(w)) {
          leave_idle(w);
          return g;
        }
      }
    }
  }
}

/// As the deputy, if there is none: one that nothing has happened to for a beat is not needed, and
/// sleeps until it is woken.
void runtime::sleep_idle(worker& w, bool& may_be_deputy) noexcept {
  std::uint64_t departures = 0;
  {
    std::lock_guard guard(idle_lock_);
    if (w.role != worker_role::idle) return;
    if (may_be_deputy && !deputy_) deputy_ = &w;
    may_be_deputy = deputy_ == &w;
    departures = departures_;
  }
  if (may_be_deputy)
    may_be_deputy = sleep_for_a_beat(w, departures);
  else
    w.sleep.park();
}

/// Returns: whether it may be the deputy for another beat.
bool runtime::sleep_for_a_beat(worker& w, std::uint64_t departures) noexcept {
  sample_others(w);
  if (w.sleep.park_until(now_ns() + beat_ns)) return true;  // called, or asked to attend
  {
    std::lock_guard guard(idle_lock_);
    if (deputy_ != &w || departures_ != departures) return true;
    deputy_ = nullptr;
    if (lookout_) return false;
  }
  replace_absent_lookout(w);
  return false;
}

void runtime::replace_absent_lookout(worker& w) noexcept {
  heavy_barrier();  // Order: watched. From now on who makes something runnable calls somebody.
  if (!anything_waits()) return;
  std::lock_guard guard(idle_lock_);
  if (w.role != worker_role::idle || lookout_ || stopping()) return;
  remove_idle_locked(w);
  w.role = worker_role::lookout;
  lookout_ = &w;
  update_watched_locked();
}

void runtime::remove_idle_locked(worker& w) noexcept {
  intrusive_queue<worker, &worker::next> others;
  while (worker* other = idle_.pop_front())
    if (other != &w) others.push_back(other);
  idle_ = others;
  if (deputy_ == &w) deputy_ = nullptr;
}

/// The last to run out of work is the lookout: it knows its own timers, and is warm. But there is
/// only one sleeper in the poller (an interruption wakes any of them): that one stays the lookout.
/// Returns false if its processor was detached: then it is not for this worker to be idle.
bool runtime::become_idle(worker& w) noexcept {
  std::lock_guard guard(idle_lock_);
  if (w.owned->detached.read()) return false;
  --running_count_;
  if (lookout_ && poll_is_open()) {
    w.role = worker_role::idle;
    idle_.push_back(&w);
    if (w.owned->timers.earliest() < nap_until_.read()) lookout_->sleep.unpark();
    return true;
  }
  if (lookout_) {
    lookout_->role = worker_role::idle;
    idle_.push_back(lookout_);
  }
  lookout_ = &w;
  w.role = worker_role::lookout;
  update_watched_locked();
  return true;
}

void runtime::leave_idle(worker& w) noexcept {
  bool deputized = false;
  {
    std::lock_guard guard(idle_lock_);
    if (w.role == worker_role::running) return;
    if (lookout_ == &w) {
      lookout_ = nullptr;
      ++departures_;
    } else {
      remove_idle_locked(w);
    }
    w.role = worker_role::running;
    // Another has become the lookout since w began to look, and may nap as one who is alone.
    if (running_count_++ == 0 && lookout_) lookout_->sleep.unpark();
    wake_monitor_locked();
    update_watched_locked();
    if (watched_.read()) return;
    deputized = deputy_ != nullptr;
  }
  if (deputized) return call_for_help(*w.owned);
  heavy_barrier();  // Order: watched. Pairs with the owner lock's light_barrier in a push.
  if (anything_waits()) call_lookout();
}

/// Where there is a deputy, only for more than `here` can do at once; and rarely, when those who
/// were called have found nothing to take: the work was done before they came.
void runtime::call_for_help(const processor& here) noexcept {
  constexpr int tries = 4;
  constexpr std::uint64_t rarely = 64;
  {
    std::lock_guard guard(idle_lock_);
    if (deputy_) {
      if (!needs_help(here)) return;
      if (calls_in_vain_.read() >= tries && departures_ % rarely != 0) return;
      calls_in_vain_.write(calls_in_vain_.read() + 1);
    }
  }
  call_lookout();
}

bool runtime::anything_waits() const noexcept {
  return earliest_timer() != never_ns || poller::get().anybody_waits() || work_waits();
}

/// What a deputy need not be left to find: more than `here` can do at once.
bool runtime::needs_help(const processor& here) const noexcept {
  if (!injected_.empty()) return true;
  for (int i = 0; i < processors_made_.read(); ++i) {
    const processor* p = processors_[static_cast<std::size_t>(i)].read();
    if (p && (p == &here ? p->has_company() : p->has_work())) return true;
  }
  return false;
}

bool runtime::work_waits() const noexcept {
  if (!injected_.empty()) return true;
  for (int i = 0; i < processors_made_.read(); ++i)
    if (const processor* p = processors_[static_cast<std::size_t>(i)].read())
      if (p->has_work()) return true;
  return false;
}

void runtime::call_lookout() noexcept {
  processor* added = nullptr;
  {
    std::lock_guard guard(idle_lock_);
    if (stopping() || lookout_) return update_watched_locked();
    if (worker* w = deputy_ ? deputy_ : idle_.front()) {
      remove_idle_locked(*w);
      w->role = worker_role::lookout;
      lookout_ = w;
      update_watched_locked();
      return w->sleep.unpark();
    }
    added = activate_processor_locked();
    if (!added) return watched_.publish(true);
  }
  try {
    start_worker(*added);
  } catch (...) {
    // No thread or no memory for one more worker: those that run go on without it.
  }
}

void runtime::wake_one() noexcept {
  check_forked_child("a goroutine was to run");
  {
    std::lock_guard guard(idle_lock_);
    if (lookout_) return lookout_->sleep.unpark();
    if (idle_.empty() && active_count_ >= target_.read()) return;  // all run: one will look
  }
  call_lookout();
}

}  // namespace weft::detail
