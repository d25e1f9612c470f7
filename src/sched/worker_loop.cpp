// The worker's loop on its thread's own stack, and processors on their way between workers.
#include <cstdio>
#include <mutex>
#include <span>
#include <utility>

#include "port/clock.hpp"
#include "port/fork.hpp"
#include "port/sync/barrier.hpp"
#include "port/thread.hpp"
#include "sched/runtime.hpp"
#include "sched/switch.hpp"

namespace weft::detail {

namespace {

/// Returns: whether it was in there.
bool remove_from(intrusive_queue<worker, &worker::next>& queue, worker& w) noexcept {
  intrusive_queue<worker, &worker::next> others;
  bool found = false;
  while (worker* other = queue.pop_front()) {
    if (other == &w)
      found = true;
    else
      others.push_back(other);
  }
  queue = others;
  return found;
}

}  // namespace

void runtime::run_worker(worker& w) noexcept {
  for (bool holds = wait_for_processor(w); holds;) {
    check_forked_child("a wait, or the end of the goroutine");
    if (w.ends) {
      if (give_processor_away(w, w.work)) return;
      w.ends = false;  // no other thread to be had: this one stays
    }
    goroutine* g = nullptr;
    if (w.owned->attention.read() && attend(w)) {
      holds = wait_for_processor(w);
    } else if (keep_processor(w, g)) {
      if (g) run_on_worker(w, *g);
    } else {
      holds = wait_for_processor(w);
    }
  }
}

/// Finds the next goroutine, and whose it is. Returns false when the processor went to another
/// worker; true with no goroutine means: look again.
bool runtime::keep_processor(worker& w, goroutine*& g) noexcept {
  g = std::exchange(w.work, nullptr);
  if (!g && w.tied > 0 && give_processor_away(w, nullptr)) return false;
  if (!g) g = find_work(w);
  if (!g) return true;
  if (g->locked_to && g->locked_to != &w) {
    if (hand_processor_to_locked(w, *g)) return false;
    inject(*std::exchange(g, nullptr));
    return true;
  }
  const bool elsewhere = g->avoid == &w || (w.tied > 0 && g->locked_to != &w);
  return !(elsewhere && !g->locked_to && give_processor_away(w, g));
}

void runtime::run_on_worker(worker& w, goroutine& g) noexcept {
  if (!g.started()) {
    g.memory = take_stack(*w.owned, g.size);
    if (!g.memory) {
      static constinit hint<bool> told{false};  // twice, at worst
      if (!told.read()) {
        told.write(true);
        std::fputs("weft: no memory for a goroutine's stack; it waits for one\n", stderr);
      }
      w.owned->push_oldest_owner(&g);
      // Nothing is switched to here: what gives a stack back may wait where only a switch looks.
      fire_due_timers();
      take_injected(*w.owned);
      yield_thread();
      return;
    }
  }
  g.avoid = nullptr;
  resume(w, g);
}

/// Returns: whether the processor was given up.
bool runtime::attend(worker& w) noexcept {
  w.owned->attention.write(forced_migration_);
  full_fence();  // Order: attention. Whoever asks writes the reason, fences, writes the flag.
  if (stopping()) freeze(w);
  if (w.owned->number() < max_procs() && !w.owned->detached.read()) return false;
  retire(w);
  return true;
}

/// The goroutines go to the others, the timers to processor 0, which never retires.
/// A detached processor has been replaced already; its worker gives back what it holds.
void runtime::retire(worker& w) noexcept {
  processor& p = *w.owned;
  if (w.work) {
    w.work->avoid = nullptr;
    injected_.push(std::exchange(w.work, nullptr));
  }
  drain_as_owner(p);
  stacks_.release_some(std::span(p.stacks).first(std::exchange(p.stacks_cached, 0)),
                       default_stack_class);
  {
    std::lock_guard guard(idle_lock_);
    if (p.detached.read()) {
      p.detached.write(false);
      --detached_count_;
      p.next_unused = unused_;
      unused_ = &p;
    } else {
      active_[static_cast<std::size_t>(p.number())] = false;
      --active_count_;
      --running_count_;
    }
    p.holder.write(nullptr);
    w.owned = nullptr;
    w.role = worker_role::spare;
    if (w.tied == 0 && !w.ends) spare_.push_back(&w);
    update_watched_locked();
  }
  wake_one();
}

/// Under the lock: the giver writes `owned` and `work` there. Returns false when the thread has not
/// been needed for long, and may end.
bool runtime::wait_for_processor(worker& w) noexcept {
  constexpr deadline_ns patience_ns = 10'000'000'000;
  for (bool waited = false;;) {
    {
      std::lock_guard guard(idle_lock_);
      if (w.owned) break;
      // One that is not in the list has been chosen by somebody, who is about to say so.
      if (waited && remove_from(spare_, w)) return false;
    }
    waited = !w.sleep.park_until(now_ns() + patience_ns);
  }
  w.owned->holder_thread.write(w.thread);
  return true;
}

/// Returns false when there is no other thread to be had.
bool runtime::give_processor_away(worker& w, goroutine* work) noexcept {
  std::unique_lock guard(idle_lock_);
  if (w.owned->detached.read()) {
    guard.unlock();
    w.work = work;
    retire(w);
    return true;
  }
  worker* heir = spare_.pop_front();
  if (!heir) {
    guard.unlock();
    heir = start_spare_worker();
    if (!heir) return false;
    guard.lock();
  }
  if (w.owned->detached.read()) {  // while the heir was made
    spare_.push_back(heir);
    guard.unlock();
    w.work = work;
    retire(w);
    return true;
  }
  heir->owned = std::exchange(w.owned, nullptr);
  heir->owned->holder.write(heir);
  heir->work = work;
  heir->role = worker_role::running;
  w.role = worker_role::spare;
  w.work = nullptr;
  if (w.tied == 0 && !w.ends) spare_.push_back(&w);
  heir->sleep.unpark();  // under the lock: without it the heir may have ended by now
  return true;
}

/// The thread that g is tied to waits without a processor. False: it still holds one.
bool runtime::hand_processor_to_locked(worker& w, goroutine& g) noexcept {
  worker& home = *g.locked_to;
  std::lock_guard guard(idle_lock_);
  if (home.owned || w.owned->detached.read()) return false;
  home.owned = std::exchange(w.owned, nullptr);
  home.owned->holder.write(&home);
  home.work = &g;
  home.role = worker_role::running;
  w.role = worker_role::spare;
  if (w.tied == 0) spare_.push_back(&w);
  home.sleep.unpark();  // under the lock: without it the thread may have ended by now
  return true;
}

}  // namespace weft::detail
