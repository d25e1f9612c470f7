// The monitor: a thread that notices when a processor is stuck in one goroutine, and gives its
// place to another processor with a thread of its own.
//
// Nothing is taken from the stuck worker: it keeps its processor, which is *detached*. What waited
// there moves on, what its goroutine makes runnable from then on is handed on at once, and at its
// next switch the worker gives the processor back and becomes a spare thread. So the fast paths
// know nothing of this but one flag that they read after a push.
//
// It looks every few milliseconds while anything runs, more often after it has found a blocked
// thread (they come in crowds), and sleeps when nothing runs. A thread that uses its CPU is given
// longer when many such threads run already: each new one slows the others down.
// Threads: the monitor's own; leave_processor and the drains also by workers.
// Locks: the idle lock.
// Orders: watched, attention: see runtime.hpp.
// Tested by: tests/unit/sched/monitor_test.cpp, tests/stress/library/blocking_test.cpp
#include <algorithm>
#include <cstdio>
#include <mutex>
#include <utility>

#include "port/clock.hpp"
#include "port/fork.hpp"
#include "port/sync/barrier.hpp"
#include "port/thread.hpp"
#include "sched/runtime.hpp"

namespace weft::detail {
namespace {

constexpr deadline_ns calm_period_ns = 5'000'000;
constexpr deadline_ns alert_period_ns = 250'000;
constexpr deadline_ns hog_ns = 10'000'000;
// One that starts many others, and comes to an end of it: beside another thread it would be slower.
constexpr deadline_ns spawner_ns = 100'000'000;
constexpr int alert_rounds_max = 40;  // looks after the last blocked thread
constexpr int calm_rounds_max = 2;    // then it sleeps until something runs

}  // namespace

void runtime::start_monitor() noexcept {
  {
    std::lock_guard guard(idle_lock_);
    if (monitor_runs_.read()) return;
    monitor_runs_.publish(true);
  }
  try {
    start_thread(monitor_thread, nullptr);
  } catch (...) {  // the next worker that is started tries again
    std::lock_guard guard(idle_lock_);
    monitor_runs_.publish(false);
  }
}

void runtime::monitor_thread(void*) {
  runtime& r = get();
  prepare_worker_thread("weft-monitor");
  int alert_rounds = 0;
  for (int idle_rounds = 0; !r.monitor_ends();) {
    if (idle_rounds < calm_rounds_max) {
      const deadline_ns period_ns = alert_rounds > 0 ? alert_period_ns : calm_period_ns;
      static_cast<void>(r.rest_monitor_until(now_ns() + period_ns));
    } else {
      r.sleep_until_something_runs();
      idle_rounds = 0;
    }
    refresh_coarse_clock();
    r.drain_detached();
    if (!r.nothing_runs()) r.look_at_descriptors_if_due();
    alert_rounds = r.look_after_processors() ? alert_rounds_max : std::max(alert_rounds - 1, 0);
    idle_rounds = r.nothing_runs() ? idle_rounds + 1 : 0;
    if (idle_rounds == calm_rounds_max) {
      std::lock_guard guard(r.idle_lock_);
      if (r.running_count_ > 0 || r.detached_count_ > 0)
        idle_rounds = 0;
      else
        r.monitor_sleeps_.publish(true);
    }
  }
}

/// Meanwhile stacks that nobody has used for a while give their memory back.
/// Returns: whether it was woken.
bool runtime::rest_monitor_until(deadline_ns until) noexcept {
  for (;;) {
    const deadline_ns next_trim = stacks_.trim(now_ns());
    if (monitor_sleep_.park_until(std::min(until, next_trim))) return true;
    if (until <= next_trim) return false;
  }
}

bool runtime::nothing_runs() noexcept {
  std::lock_guard guard(idle_lock_);
  return running_count_ == 0 && detached_count_ == 0;
}

void runtime::wake_monitor_locked() noexcept {
  if (!monitor_sleeps_.read()) return;
  monitor_sleeps_.publish(false);
  refresh_coarse_clock();
  monitor_sleep_.unpark();
}

/// Returns: whether a blocked thread was replaced.
bool runtime::look_after_processors() noexcept {
  const auto count = static_cast<std::size_t>(processors_made_.read());
  const bool needed = somebody_waits();
  bool found = false;
  const deadline_ns now = now_ns();
  for (std::size_t i = 0; i < count; ++i) {
    processor* p = processors_[i].read();
    if (p && is_stuck(*p, watches_[i], now, needed)) found |= detach(*p, watches_[i].turns);
  }
  return found;
}

/// Since at least one look. What it takes to be sure is asked only if it matters.
bool runtime::is_stuck(const processor& p, watch& w, deadline_ns now, bool needed) noexcept {
  const std::uint64_t turns = p.turns();
  const std::uint64_t pushes = p.pushes();
  if (w.seen != &p || w.turns != turns) {
    w = {&p, turns, pushes, now};
    return false;
  }
  const bool active = std::exchange(w.pushes, pushes) != pushes;
  const int thread = p.holder_thread.read();
  if (!needed || thread == 0) return false;  // 0: its thread has not begun yet
  if (!thread_is_runnable(thread)) return true;
  std::lock_guard guard(idle_lock_);
  const deadline_ns patience_ns = active ? spawner_ns : hog_ns;
  return now - w.since >= patience_ns * (1 + detached_count_ / std::max(1, max_procs()));
}

/// Work that nobody is free to take. A lookout finds it without help.
bool runtime::somebody_waits() noexcept {
  {
    std::lock_guard guard(idle_lock_);
    if (stopping() || lookout_ || !idle_.empty()) return false;
  }
  return earliest_timer() <= now_ns() || work_waits();
}

/// Null: there is no thread to be had.
worker* runtime::take_spare() noexcept {
  {
    std::lock_guard guard(idle_lock_);
    if (worker* w = spare_.pop_front()) return w;
  }
  if (worker* made = start_spare_worker()) return made;
  {
    std::lock_guard guard(idle_lock_);
    if (std::exchange(told_of_threads_, true)) return nullptr;
  }
  std::fprintf(stderr,
               "weft: no thread to stand in for one that is blocked (%d are allowed: "
               "WEFT_MAX_THREADS, weft::set_max_threads); goroutines wait for it\n",
               max_threads());
  return nullptr;
}

/// Returns: whether p's place has gone to another processor. `turns`: what p was stuck in.
bool runtime::detach(processor& p, std::uint64_t turns) noexcept {
  worker* heir = take_spare();
  if (!heir) return false;
  {
    std::lock_guard guard(idle_lock_);
    worker* holder = p.holder.read();
    const bool stuck = holder && holder->role == worker_role::running && !p.detached.read() &&
                       p.turns() == turns && p.number() < max_procs();
    processor* fresh = stuck ? make_processor_locked(p.number()) : nullptr;
    if (!fresh) {
      spare_.push_back(heir);
      return false;
    }
    p.detached.write(true);
    p.attention.write(true);
    ++detached_count_;
    processors_[static_cast<std::size_t>(p.number())].publish(fresh);
    fresh->holder.write(heir);
    heir->owned = fresh;
    heir->role = worker_role::running;
    heir->sleep.unpark();
  }
  heavy_barrier();  // Order: watched. The worker sees the flag after its next push, or we see it.
  drain_detached();
  return true;
}

/// Off the worker's own stack: what it left behind goes to the others.
void runtime::drain_detached() noexcept {
  for (processor* p = made_.read(); p; p = p->next_made) {
    if (!p->detached.read()) continue;
    if (p->timers.earliest() != never_ns) settle_timers(*p);
    if (!p->has_work()) continue;
    batch all;
    if (p->try_take_all(all)) inject_all(std::move(all));
  }
}

void runtime::drain_as_owner(processor& p) noexcept {
  inject_all(p.take_all_owner());
  processor* first = processors_[0].read();
  if (first == &p) return;  // processor 0 never retires; detached, it is replaced first
  p.timers.move_all_to(first->timers);
  settle_timers(*first);
}

void runtime::inject_all(batch&& all) noexcept {
  if (all.empty()) return;
  injected_.push(std::move(all.started));
  while (goroutine* g = all.fresh.pop_back()) injected_.push(g);
  wake_one();
}

void runtime::settle_backlog(processor& here) noexcept {
  check_forked_child("a goroutine was to run");
  if (!here.detached.read()) {
    if (!seeks()) call_for_help(here);
    return;
  }
  inject_all(here.take_all_owner());
  settle_timers(here);
  wake_one();  // nobody counts this worker as running: the lookout may sleep long
}

void runtime::settle_made_ready(processor& here) noexcept {
  if (!give_next_away(here)) settle_backlog(here);
}

bool runtime::leave_processor(worker& w) noexcept {
  if (in_forked_child.read()) return false;
  processor& p = *w.owned;
  return p.detached.read() || detach(p, p.turns());
}

int runtime::set_max_threads(int n) noexcept {
  const int before = max_threads();
  if (n >= 1) threads_max_.write(n);
  return before;
}

}  // namespace weft::detail
