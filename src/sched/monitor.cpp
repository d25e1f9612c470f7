// The monitor: a thread that notices when a processor is stuck in one goroutine, and gives its
// place to another processor with a thread of its own.
//
// Nothing is taken from the stuck worker: it keeps its processor, which is *detached*. What waited
// there moves on, what its goroutine makes runnable from then on is handed on at once, and at its
// next switch the worker gives the processor back and becomes a spare thread. So the fast paths
// know nothing of this but one flag that they read after a push.
//
// How often it looks while anything runs, and why not always often, says `pace`. It sleeps when
// nothing runs. A thread that uses its CPU is given longer when many such threads run already: each
// new one slows the others down.
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

constexpr deadline_ns hog_ns = 10'000'000;
// One that starts many others, and comes to an end of it: beside another thread it would be slower.
constexpr deadline_ns spawner_ns = 100'000'000;
constexpr int idle_rounds_max = 2;  // then it sleeps until something runs

/// When to look next. A look costs some microseconds of a processor that may be computing.
///
/// Blocked threads come in crowds. And one that blocks has mostly not computed for long: where
/// workers come and go, so that there is time to spare, it pays to look often; where all of them
/// have been busy for long, it does not.
class pace {
 public:
  deadline_ns period_ns() const noexcept {
    return alert_ > 0 || doubt_ ? alert_ns : brisk_ > 0 ? brisk_ns : calm_ns;
  }
  void note_round(bool somebody_came) noexcept {
    alert_ = std::max(alert_ - 1, 0);
    brisk_ = somebody_came ? brisk_rounds : std::max(brisk_ - 1, 0);
  }
  /// One look after that is soon; if it finds only another suspect, turns are short, not stuck.
  void note_suspect() noexcept { doubt_ = !doubt_; }
  void note_no_suspect() noexcept { doubt_ = false; }
  void note_stuck() noexcept { alert_ = alert_rounds; }

 private:
  static constexpr deadline_ns calm_ns = 5'000'000;
  static constexpr deadline_ns brisk_ns = 2'000'000;
  static constexpr deadline_ns alert_ns = 250'000;
  static constexpr int brisk_rounds = 10;
  static constexpr int alert_rounds = 40;

  int alert_ = 0;  // rounds to come
  int brisk_ = 0;
  bool doubt_ = false;
};

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
  pace looks;
  std::uint64_t departures = 0;
  for (int idle_rounds = 0; !r.monitor_ends();) {
    if (idle_rounds < idle_rounds_max) {
      static_cast<void>(r.rest_monitor_until(now_ns() + looks.period_ns()));
    } else {
      r.sleep_until_something_runs();
      idle_rounds = 0;
    }
    refresh_coarse_clock();
    r.drain_detached();
    const std::uint64_t departures_before = std::exchange(departures, r.count_departures());
    looks.note_round(departures != departures_before);
    if (!r.nothing_runs()) r.look_at_descriptors_if_due();
    switch (r.look_after_processors()) {
      case finding::nothing:
        looks.note_no_suspect();
        break;
      case finding::suspect:
        looks.note_suspect();
        break;
      case finding::stuck:
        looks.note_stuck();
        break;
    }
    idle_rounds = r.nothing_runs() ? idle_rounds + 1 : 0;
    if (idle_rounds == idle_rounds_max && !r.begin_monitor_sleep()) idle_rounds = 0;
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

/// From now on whoever begins to run wakes the monitor. False: somebody runs already.
bool runtime::begin_monitor_sleep() noexcept {
  std::lock_guard guard(idle_lock_);
  if (running_count_ > 0 || detached_count_ > 0) return false;
  monitor_sleeps_.publish(true);
  return true;
}

std::uint64_t runtime::count_departures() noexcept {
  std::lock_guard guard(idle_lock_);
  return departures_;
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

runtime::finding runtime::look_after_processors() noexcept {
  const auto count = static_cast<std::size_t>(processors_made_.read());
  const bool needed = somebody_waits();
  finding found = finding::nothing;
  const deadline_ns now = now_ns();
  for (std::size_t i = 0; i < count; ++i) {
    processor* p = processors_[i].read();
    if (!p) continue;
    finding here = look_at_processor(*p, watches_[i], now, needed);
    if (here == finding::stuck && !detach(*p, watches_[i].turns)) here = finding::nothing;
    if (here == finding::suspect && p->turns() != watches_[i].turns) here = finding::nothing;
    found = std::max(found, here);
  }
  return found;
}

/// stuck: since at least one look. What it takes to be sure is asked only if it matters: of a
/// suspect, which has not ended its turn during this look, only at the next one, which comes soon.
/// (To ask the kernel about a thread is dearer than a look.)
runtime::finding runtime::look_at_processor(const processor& p, watch& w, deadline_ns now,
                                            bool needed) noexcept {
  const std::uint64_t turns = p.turns();
  const std::uint64_t pushes = p.pushes();
  const int thread = p.holder_thread.read();
  needed &= thread != 0;  // else its thread has not begun yet
  if (w.seen != &p || w.turns != turns) {
    w = {&p, turns, pushes, now};
    return needed ? finding::suspect : finding::nothing;
  }
  const bool active = std::exchange(w.pushes, pushes) != pushes;
  if (!needed) return finding::nothing;
  if (!thread_is_runnable(thread)) return finding::stuck;
  std::lock_guard guard(idle_lock_);
  const deadline_ns patience_ns = active ? spawner_ns : hog_ns;
  const deadline_ns limit_ns = patience_ns * (1 + detached_count_ / std::max(1, max_procs()));
  return now - w.since >= limit_ns ? finding::stuck : finding::nothing;
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
