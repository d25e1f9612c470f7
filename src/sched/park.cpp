// The verbs of scheduler.hpp, for goroutines and for plain threads.
#include <utility>

#include "port/clock.hpp"
#include "port/fork.hpp"
#include "port/sync/parker.hpp"
#include "port/thread.hpp"
#include "sched/runtime.hpp"
#include "sched/scheduler.hpp"
#include "sched/switch.hpp"
#include "sched/watch/parked_threads.hpp"

namespace weft::detail {
namespace {

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

/// A plain thread's sleep, from its commit to its waking.
class thread_sleep {
 public:
  thread_sleep(thread_waiter& self, const wait_cause& cause, bool timed,
               const saved_registers& here) noexcept
      : self_(self) {
    if (self.thread == 0) introduce(self);
    self.waits_for(cause, coarse_ticks(now_ns()));
    self.timed = timed;
    self.registers = here;
    ++self.parks;
    self.left.begin();
    parked_threads::enter(self);
    check_forked_child(words(cause.reason));
  }
  thread_sleep(const thread_sleep&) = delete;
  thread_sleep& operator=(const thread_sleep&) = delete;
  ~thread_sleep() {
    parked_threads::leave(self_);
    self_.reason.write(wait_reason::none);
    self_.woken.hear();
    self_.waits_on.write(nullptr);  // or a search for pointers would find it
  }

 private:
  static void introduce(thread_waiter& self) noexcept {
    self.thread = this_thread_number();
    const stack_bounds bounds = thread_stack_bounds();
    self.stack_top = reinterpret_cast<std::uintptr_t>(bounds.low) + bounds.bytes;
  }

  thread_waiter& self_;
};

/// While a handler of exit() sleeps, the goroutines that it may be waiting for go on.
class exit_pause {
 public:
  exit_pause() noexcept
      : resumed_(runtime::get().stopping() && runtime::get().resume_while_exit_waits()) {}
  exit_pause(const exit_pause&) = delete;
  exit_pause& operator=(const exit_pause&) = delete;
  ~exit_pause() {
    if (resumed_) runtime::get().stop_workers();
  }

 private:
  bool resumed_;
};

void park_thread(thread_waiter& self, const wait_cause& cause, commit then) noexcept {
  __builtin_unwind_init();  // all registers of its callers on the stack, for who looks for pointers
  const thread_sleep listed(self, cause, false, registers_of_this_frame());
  run(then);
  const exit_pause others_go_on;
  runtime::get().note_sleeping_thread();
  self.sleep.park();
}

void park_thread_until(thread_waiter& self, const wait_cause& cause, commit then,
                       deadline_ns deadline, wait_claim& claim) noexcept {
  __builtin_unwind_init();  // see park_thread()
  const thread_sleep listed(self, cause, true, registers_of_this_frame());
  run(then);
  const exit_pause others_go_on;
  if (self.sleep.park_until(deadline)) return;
  if (claim.try_claim(timed_wake::claimed_by_timer)) return;
  self.sleep.park();  // whoever claimed it first is about to wake it
}

}  // namespace

waiter& this_waiter() noexcept {
  if (worker* w = this_worker()) return *w->current;
  return this_thread_waiter();
}

void park(wait_cause cause, commit then) noexcept {
  worker* w = this_worker();
  if (!w) return park_thread(this_thread_waiter(), cause, then);
  goroutine& g = *w->current;
  g.waits_for(cause, coarse_clock.read());
  g.state.write(goroutine_state::waiting);
  switch_out(*w, g, {then.run, then.argument});
  g.reason.write(wait_reason::none);
}

void park_until(wait_cause cause, commit then, deadline_ns deadline, wait_claim& claim) noexcept {
  if (deadline == never_ns) return park(cause, then);
  cause.bounded = true;
  waiter& self = this_waiter();
  if (self.is == waiter::kind::thread)
    return park_thread_until(static_cast<thread_waiter&>(self), cause, then, deadline, claim);
  timed_wake timer(self, claim);
  timed_commit both{timer, deadline, then};
  park(cause, {timed_commit::run_both, &both});
  timer_heap::disarm(timer);
}

void ready(waiter& who) noexcept {
  who.woken.begin();
  if (who.is == waiter::kind::goroutine)
    runtime::made().make_ready(static_cast<goroutine&>(who));
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
  if (queued) runtime::made().note_backlog(*w->owned);
}

void arm(timed_action& action, deadline_ns when, deadline_ns period, std::uint64_t epoch) noexcept {
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
  runtime::made().note_backlog(here);
}

}  // namespace

void yield_turn() noexcept {
  worker* w = this_worker();
  if (!w) return yield_thread();
  goroutine& g = *w->current;
  switch_out(*w, g, {queue_again, &g});
}

bool take_back(goroutine& g, std::uint64_t id) noexcept { return runtime::get().take_back(g, id); }

void invite() noexcept { runtime::get().invite(); }

void rejoin() noexcept {
  const worker* w = this_worker();
  if (w && w->owned->detached.read() && !w->current->memory.forbids_parks()) [[unlikely]]
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
  if (!w || !w->owned->set_next_at_once(&g)) [[unlikely]]
    return make_ready_slowly(g);
  note_made_ready(*w->owned);
}

[[gnu::noinline]] void runtime::make_ready_slowly(goroutine& g) noexcept {
  worker* w = this_worker();
  if (!w) return inject(g);
  w->owned->set_next_owner(&g);
  note_made_ready(*w->owned);
}

/// The usual case, and nothing else: it needs no stack frame.
void runtime::start(goroutine& g) noexcept {
  g.woken.tell();
  g.state.write(goroutine_state::runnable);
  worker* w = this_worker();
  if (!w) [[unlikely]]
    return start_slowly(g);
  processor& here = *w->owned;
  here.created.bump();
  if (!here.push_fresh_at_once(&g)) [[unlikely]]
    return start_slowly(g);
  note_backlog(here);
}

[[gnu::noinline]] void runtime::start_slowly(goroutine& g) noexcept {
  if (worker* w = this_worker()) {
    w->owned->push_fresh_owner(&g);
    return note_backlog(*w->owned);
  }
  // Order: none. A counter.
  created_outside_.fetch_add(1, relaxed);
  inject(g);
}

[[gnu::noinline]] void runtime::inject(goroutine& g) noexcept {
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
