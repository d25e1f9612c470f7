// Switching out, resuming, starting and ending goroutines. See switch.hpp.
//
// After every switch the worker is another object than before it: take it from the switch's answer,
// or from this_worker() after user code has run, never from a variable.
#include "sched/switch.hpp"

#include <cxxabi.h>

#include <string>
#include <utility>

#include "base/fatal.hpp"
#include "port/fork.hpp"
#include "port/stack_memory.hpp"
#include "port/switch/context.hpp"
#include "port/sync/barrier.hpp"
#include "sched/pack/packer.hpp"
#include "sched/runtime.hpp"
#include "sched/watch/crash.hpp"

namespace weft::detail {
namespace {

WEFT_NEVER_RETURNS_ON_ITS_STACK void goroutine_main(void* raw);

WEFT_NEVER_RETURNS_ON_ITS_STACK
worker& switch_to(execution& from, execution& to, worker& w, bool ends = false) noexcept {
  from.sanitizers.before_switch_to(to.sanitizers, ends);
  // Others must not take a stack that runs for one that stands still.
  void* target = std::exchange(to.stack_pointer, execution::elsewhere());
  void* here = switch_context(&from.stack_pointer, target, &w);
  from.sanitizers.after_switch();
  return *static_cast<worker*>(here);
}

/// For ThreadSanitizer a new goroutine has a new stack, and a name.
[[maybe_unused]] void begin_told(goroutine& g) noexcept {
  begin_told_stack(g.memory.low(), stack_class_bytes(g.size));
  char text[64];
  describe_shortly(g, text, sizeof text);
  g.context.sanitizers.name(text);
}

// Inline, like what calls it: a return after a switch is mispredicted.
[[gnu::always_inline]] inline worker& start_on_stack(execution& from, goroutine& g,
                                                     worker& w) noexcept {
  g.context.sanitizers.set_bounds(g.memory.low(), stack_class_bytes(g.size));
  g.context.sanitizers.take_fiber();
  if constexpr (tells_users) begin_told(g);
  from.sanitizers.before_switch_to(g.context.sanitizers, false);
  void* here = start_context(&from.stack_pointer, g.memory.top(g.size), goroutine_main, &w);
  from.sanitizers.after_switch();
  return *static_cast<worker*>(here);
}

/// The first thing on every stack that was switched to.
/// Returns: whether another should go first, whose time has come while others had their turns.
bool arrive(worker& w) noexcept {
  if (const after_switch then = w.after; then.run) {
    w.after.run = nullptr;
    then.run(then.argument);
  }
  if (w.owned && w.owned->looks.is_due()) [[unlikely]]
    return runtime::made().housekeep(w);
  return false;
}

bool can_run_here(const goroutine& g, const processor& p) noexcept {
  if (g.needs_care()) return false;
  return g.started() || (g.size == default_stack_class && p.stacks_cached > 0);
}

/// In a child of fork() ThreadSanitizer ignores what its only thread does, but only on the fiber
/// that forked: on another one it reports races that are none, and may hang.
[[gnu::always_inline]] inline void end_forked_child_here() noexcept {
  if constexpr (sanitizer_thread_count > 0)
    check_forked_child("a wait, or the end of the goroutine");
}

/// The goroutine after `g`, if the worker's loop need not see to anything first.
[[gnu::always_inline]] inline goroutine* pick_directly(worker& w, goroutine& g) noexcept {
  processor& p = *w.owned;
  if (p.attention.read()) [[unlikely]] {
    if (runtime::get().forced_migration()) g.avoid = &w;  // then attention is never over
    return nullptr;
  }
  if (g.locked_to) [[unlikely]]
    return nullptr;
  goroutine* next = p.pick_owner();
  if (!next || can_run_here(*next, p)) [[likely]]
    return next;
  w.work = next;
  return nullptr;
}

/// Its turn has begun: whoever packs after this sees that, and who has packed has left a mark.
void begin_turn(goroutine& next) noexcept {
  next.state.begin_turn();
  compiler_barrier();  // Order: census. Who packs has membarrier(2).
  if (next.packed.read() != pack_mark::none) [[unlikely]]
    bring_stack_back(next);
}

[[gnu::always_inline]] inline worker& leave_for(execution& from, goroutine* next,
                                                worker& w) noexcept {
  w.current = next;
  if (!next) return switch_to(from, w.own, w);
  begin_turn(*next);
  if (next->started()) [[likely]]
    return switch_to(from, next->context, w);
  next->memory = w.owned->stacks[--w.owned->stacks_cached];
  return start_on_stack(from, *next, w);
}

void queue_as_first(void* raw) {
  auto& g = *static_cast<goroutine*>(raw);
  g.state.write(goroutine_state::runnable);
  this_worker()->owned->push_first_owner(&g);
}

/// On g's stack, to which this worker has just switched. Returns: the worker that came back to it.
[[gnu::noinline, gnu::cold]] worker& give_way(worker& w, goroutine& g) noexcept {
  g.left.begin();
  w.own.sanitizers.become();
  goroutine* next = pick_directly(w, g);
  w.after = {queue_as_first, &g};
  return leave_for(g.context, next, w);
}

void check_canary(const goroutine& g) noexcept {
  if (g.memory.guarded() || g.memory.canary_is_intact()) [[likely]]
    return;
  die_of_stack_overflow(g);
}

[[noreturn]] void die_of_thread_exit(const goroutine& g) noexcept {
  char text[512];
  describe(g, text, sizeof text);
  fatal(std::string("pthread_exit in a goroutine, which would end a thread that others run on; "
                    "call weft::exit_goroutine\n\n") +
        text);
}

/// A weft::no_park_scope is alive.
[[noreturn, gnu::cold]] void die_of_forbidden_park(const goroutine& g) noexcept {
  char text[512];
  describe(g, text, sizeof text);
  const wait_reason reason = g.reason.read();
  fatal(std::string("a goroutine that must not park ") +
        (reason == wait_reason::none ? "yields" : "waits (") + words(reason) +
        (reason == wait_reason::none ? "" : ")") + "\n\n" + text + "\n" +
        describe_no_park(g.no_park));
}

/// What the bits beside a stack's address say before a park.
[[gnu::cold]] void look_at_stack(const goroutine& g) noexcept {
  if (g.memory.forbids_parks()) die_of_forbidden_park(g);
  check_canary(g);
}

/// Not noexcept, and nothing below it is, up to the end of the stack: so std::terminate() is called
/// where an exception that nobody catches was thrown, and the report has the stack of the throw.
/// The object of a forced unwinding is null, which UBSan would not have.
__attribute__((no_sanitize("undefined"))) void run_to_end(goroutine& g) {
  try {
    g.run(g.closure_address());
  } catch (const exit_request&) {
#if defined(__GLIBCXX__)
  } catch (const abi::__forced_unwind&) {  // glibc does not let a thread go on after this
    die_of_thread_exit(g);
#endif
  }
  if (g.own.locals) [[unlikely]]
    g.own.end_locals();
}

/// A stack is returned by the next stack's owner: nobody else may get it before it is left.
void return_left_stack(void* raw) {
  worker& w = *static_cast<worker*>(raw);
  w.left.give_fiber_back();
  runtime::made().return_stack(*w.owned, std::exchange(w.leaving, {}), w.leaving_size);
}

/// Runs `next` on the stack of the goroutine that has just ended: it is warm, and nothing switches.
void take_over_stack(goroutine& next, stack memory, shadow ended) noexcept {
  next.memory = memory;
  next.context.sanitizers = ended;
}

/// Returns when another goroutine has taken over the stack; else never.
WEFT_NEVER_RETURNS_ON_ITS_STACK void finish(worker& w, goroutine& g) noexcept {
  runtime& r = runtime::made();
  check_canary(g);
  const stack memory = g.memory;
  const stack_class size = g.size;
  execution ended = g.context;
  const bool tied = g.locked_to != nullptr;
  if (tied) {
    w.ends = --w.tied == 0;
  }
  free_closure_room(g);
  w.owned->finished.bump();
  r.recycle_at(*w.owned, g);
  goroutine* next = nullptr;
  if (!tied && !w.owned->attention.read()) next = w.owned->pick_owner();
  const bool can_take_over = !tells_users && next && !next->started();
  if (can_take_over && !next->needs_care() && next->size == size) {
    take_over_stack(*next, memory, ended.sanitizers);
    next->state.begin_turn();  // it has no stack that could be packed
    w.current = next;
    return;
  }
  if (next && !(next->started() && !next->needs_care())) w.work = std::exchange(next, nullptr);
  w.leaving = memory;
  w.leaving_size = size;
  w.left = ended.sanitizers;
  w.after = {return_left_stack, &w};
  w.current = next;
  if (next) begin_turn(*next);
  switch_to(ended, next ? next->context : w.own, w, true);
  __builtin_unreachable();
}

WEFT_NEVER_RETURNS_ON_ITS_STACK void goroutine_main(void* raw) {
  static_cast<worker*>(raw)->current->context.sanitizers.after_switch();
  for (worker* w = static_cast<worker*>(raw);;) {
    arrive(*w);
    goroutine& g = *w->current;
    g.context.sanitizers.become();
    g.woken.hear();
    run_to_end(g);
    end_forked_child_here();
    w = this_worker();
    w->own.sanitizers.become();
    finish(*w, g);  // and whoever took over the stack runs on the same worker
  }
}

}  // namespace

void switch_out(worker& w, goroutine& g, after_switch then) noexcept {
  if (!g.memory.is_plain()) [[unlikely]]
    look_at_stack(g);
  end_forked_child_here();
  g.left.begin();
  w.own.sanitizers.become();
  goroutine* next = pick_directly(w, g);
  const int saved_errno = *w.errno_address;
  if (!w.exceptions->empty()) [[unlikely]]
    g.exceptions = std::exchange(*w.exceptions, {});
  w.after = then;
  worker* here = &leave_for(g.context, next, w);
  if (arrive(*here) && !g.locked_to) [[unlikely]] {
    here = &give_way(*here, g);
    arrive(*here);  // only once: it has its turn now
  }
  g.context.sanitizers.become();
  g.woken.hear();
  *here->errno_address = saved_errno;
  if (!g.exceptions.empty()) [[unlikely]]
    *here->exceptions = std::exchange(g.exceptions, {});
}

void resume(worker& w, goroutine& g) noexcept {
  w.current = &g;
  begin_turn(g);
  if (g.started())
    switch_to(w.own, g.context, w);
  else
    start_on_stack(w.own, g, w);
  arrive(w);
}

}  // namespace weft::detail
