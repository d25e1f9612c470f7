// The verbs of scheduler.hpp, for goroutines and for plain threads.
#include <utility>

#include "port/clock.hpp"
#include "port/sync/parker.hpp"
#include "port/thread.hpp"
#include "sched/runtime.hpp"
#include "sched/scheduler.hpp"
#include "sched/switch.hpp"

namespace weft::detail {
namespace {

/// Trivially destroyed, so that it still works while a thread's other thread_locals end.
class thread_waiter : public waiter {
 public:
  thread_waiter() noexcept : waiter(kind::thread) {}
  parker sleep;
};

thread_waiter& this_thread_waiter() noexcept {
  static thread_local thread_waiter self;
  return self;
}

void run(commit then) noexcept {
  if (then.run) then.run(then.argument);
}

/// Arms the timer, then commits. Lives on the parked stack: after the commit it may be gone.
struct timed_commit {
  timed_wake& timer;
  deadline_ns deadline;
  commit then;

  static void run_both(void* raw) {
    auto& self = *static_cast<timed_commit*>(raw);
    const commit last = self.then;
    runtime& r = runtime::get();
    r.arm_wake(self.timer, self.deadline);
    run(last);
    r.note_backlog(*this_worker()->owned);
  }
};

void park_thread_until(thread_waiter& self, commit then, deadline_ns deadline,
                       wait_claim& claim) noexcept {
  self.left.begin();
  run(then);
  if (!self.sleep.park_until(deadline)) {
    if (claim.try_claim(timed_wake::claimed_by_timer)) return;
    self.sleep.park();  // whoever claimed it first is about to wake it
  }
  self.woken.hear();
}

}  // namespace

waiter& this_waiter() noexcept {
  if (worker* w = this_worker()) return *w->current;
  return this_thread_waiter();
}

void park(wait_reason reason, commit then) noexcept {
  worker* w = this_worker();
  if (!w) {
    thread_waiter& self = this_thread_waiter();
    self.reason.write(reason);
    self.left.begin();
    run(then);
    self.sleep.park();
    self.woken.hear();
    self.reason.write(wait_reason::none);
    return;
  }
  goroutine& g = *w->current;
  g.reason.write(reason);
  g.state.write(goroutine_state::waiting);
  switch_out(*w, g, {then.run, then.argument});
  g.reason.write(wait_reason::none);
}

void park_until(wait_reason reason, commit then, deadline_ns deadline,
                wait_claim& claim) noexcept {
  if (deadline == never_ns) return park(reason, then);
  waiter& self = this_waiter();
  if (self.is == waiter::kind::thread) {
    self.reason.write(reason);
    park_thread_until(static_cast<thread_waiter&>(self), then, deadline, claim);
    self.reason.write(wait_reason::none);
    return;
  }
  timed_wake timer(self, claim);
  timed_commit both{timer, deadline, then};
  park(reason, {timed_commit::run_both, &both});
  timer_heap::disarm(timer);
}

void ready(waiter& who) noexcept {
  who.woken.begin();
  if (who.is == waiter::kind::goroutine)
    runtime::get().make_ready(static_cast<goroutine&>(who));
  else
    static_cast<thread_waiter&>(who).sleep.unpark();
}

void ready(wake_list& woken) noexcept {
  worker* w = this_worker();
  bool queued = false;
  while (waiter* who = woken.pop_front()) {
    if (!w || who->is == waiter::kind::thread) {
      ready(*who);
      continue;
    }
    auto* g = static_cast<goroutine*>(who);
    g->woken.begin();
    g->state.write(goroutine_state::runnable);
    w->owned->push_started_owner(g);
    queued = true;
  }
  if (queued) runtime::get().note_backlog(*w->owned);
}

void arm(timed_action& action, deadline_ns when, deadline_ns period,
         std::uint64_t epoch) noexcept {
  runtime& r = runtime::get();
  r.arm_action(action, when, period, epoch);
  if (const worker* w = this_worker())
    r.note_backlog(*w->owned);
  else
    r.wake_one();
}

namespace {

void queue_again(void* raw) {
  auto& g = *static_cast<goroutine*>(raw);
  processor& here = *this_worker()->owned;
  g.state.write(goroutine_state::runnable);
  here.push_started_owner(&g);
  runtime::get().note_backlog(here);
}

}  // namespace

void yield_turn() noexcept {
  worker* w = this_worker();
  if (!w) return yield_thread();
  goroutine& g = *w->current;
  switch_out(*w, g, {queue_again, &g});
}

bool take_back(goroutine& g, std::uint64_t id) noexcept {
  return runtime::get().take_back(g, id);
}

void invite() noexcept { runtime::get().invite(); }

void rejoin() noexcept {
  const worker* w = this_worker();
  if (w && w->owned->detached.read()) [[unlikely]]
    yield_turn();
}

rng& this_rng() noexcept {
  if (worker* w = this_worker()) return w->random;
  static thread_local rng own{static_cast<std::uint64_t>(now_ns())};
  return own;
}

void runtime::make_ready(goroutine& g) noexcept {
  g.state.write(goroutine_state::runnable);
  worker* w = this_worker();
  if (!w) return inject(g);
  w->owned->set_next_owner(&g);
  note_backlog(*w->owned);
}

void runtime::start(goroutine& g) noexcept {
  g.woken.tell();
  g.state.write(goroutine_state::runnable);
  worker* w = this_worker();
  if (!w) {
    // Order: none. A counter.
    created_outside_.fetch_add(1, relaxed);
    return inject(g);
  }
  w->owned->created.bump();
  w->owned->push_fresh_owner(&g);
  note_backlog(*w->owned);
}

void runtime::inject(goroutine& g) noexcept {
  injected_.push(&g);
  wake_one();
}

bool runtime::take_back(goroutine& g, std::uint64_t id) noexcept {
  worker* w = this_worker();
  if (!w || !w->owned->take_back_owner(&g, id)) return false;
  free_closure_room(g);
  w->owned->finished.bump();
  recycle(g);
  return true;
}

void runtime::invite() noexcept {
  worker* w = this_worker();
  if (!w) return;
  w->owned->invite_owner();
  wake_one();
}

}  // namespace weft::detail
