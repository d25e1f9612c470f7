// A task's life: who runs it, who is told, who frees the block.
//
// One word: claimed (somebody runs it), done, awaited (look into the queue), dropped (no handle any
// more), left (the goroutine will not touch it again). A task that is the newest on the joiner's
// processor is taken back out of the queue: then nobody else knows it, and no locked instruction is
// needed. Otherwise the claim decides, and the loser leaves.
// Locks: the lock of the task's queue, before the lock of a gate.
// Invariants: R1 whoever sets the second of dropped and left frees the block.
//             R2 awaited is set under the lock, before a link is queued.
//             R3 a link is out of the queue before its gate is opened.
// Orders: task-done: the end of the function to ready().
//         task-claim: whoever loses the claim touches nothing but the word.
//         task-free: the last touch of either side to the one who frees.
// Tested by: tests/unit/api/task_test.cpp, tests/conformance/tasks,
//            tests/stress/library/task_test.cpp
#include <weft/tasks/task.hpp>

#include <cstring>
#include <mutex>
#include <new>
#include <vector>

#include "base/intrusive_list.hpp"
#include "fiber/panic.hpp"
#include "port/sync/spin_lock.hpp"
#include "sched/scheduler.hpp"
#include "sched/worker.hpp"
#include "wait/bounded_wait.hpp"

namespace weft::detail {
namespace {

/// Where somebody waits for the first of several tasks. It lives on the waiter's stack.
struct task_gate {
  spin_lock lock;
  bool open = false;
  std::size_t index = no_task;  // whose end opened it
  waiter* who = nullptr;        // null: not parked yet
  wait_claim claim;

  void open_for(std::size_t task, wake_list& woken) noexcept {
    std::lock_guard guard(lock);
    if (std::exchange(open, true)) return;
    index = task;
    if (who && claim.try_claim(0)) woken.push_back(who);
  }
};

struct task_link {
  task_link* next = nullptr;
  task_link* previous = nullptr;
  task_gate* gate = nullptr;
  std::size_t index = 0;
  bool queued = false;
};

struct task_waiters {
  spin_lock lock;
  intrusive_deque<task_link, &task_link::next, &task_link::previous> links;
};

void unlock_gate(void* gate) { static_cast<task_gate*>(gate)->lock.unlock(); }

constexpr const char* unseen_advice =
    "An exception left the function given to weft::spawn, and its task was dropped without a "
    "join. Join the task, or catch the exception inside.";

}  // namespace

class task_machine {
 public:
  static constexpr std::uint32_t done = task_core::done;
  static constexpr std::uint32_t claimed = 2;
  static constexpr std::uint32_t awaited = 4;
  static constexpr std::uint32_t dropped = 8;
  static constexpr std::uint32_t left = 16;

  static void start(task_core& t, const spawn_request& request);
  static void run_here(task_core& t) noexcept;
  static bool run_in_place(task_core& t) noexcept;
  static void drop(task_core& t) noexcept;
  static bool enlist(task_core& t, task_link& link) noexcept;
  static void delist(task_core& t, task_link& link) noexcept;

 private:
  static task_waiters& waiters_of(task_core& t) noexcept {
    // Safety: start() constructed it there.
    return *std::launder(reinterpret_cast<task_waiters*>(t.waiting_));
  }
  static bool try_claim(task_core& t) noexcept {
    // Order: task-claim. acq_rel: the one who loses touches nothing but the word.
    return (t.word_.fetch_or(claimed, acq_rel) & claimed) == 0;
  }
  static void run_as_goroutine(void* storage);
  static void announce(task_core& t) noexcept;
  static void leave(task_core& t);
  static void end_orphan(task_core& t);
  [[noreturn]] static void die_of_unseen(task_core& t) noexcept;
};

void task_machine::start(task_core& t, const spawn_request& request) {
  static_assert(sizeof(task_waiters) <= sizeof t.waiting_);
  ::new (static_cast<void*>(t.waiting_)) task_waiters;
  t.in_place_ = request.name.empty() && request.stack_bytes == 0;
  t.site_ = request.site;
  if (!request.name.empty()) {
    t.name_ = std::make_unique<char[]>(request.name.size() + 1);
    std::memcpy(t.name_.get(), request.name.data(), request.name.size());
  }
  goroutine_draft draft(request, sizeof(task_core*), alignof(task_core*));
  ::new (draft.storage()) task_core*(&t);
  t.goroutine_ = &draft.block();
  t.id_ = t.goroutine_->id;
  draft.start(run_as_goroutine);
}

void task_machine::run_as_goroutine(void* storage) {
  // Safety: start() put it there.
  task_core& t = **std::launder(static_cast<task_core**>(storage));
  if (!try_claim(t)) return leave(t);
  run_here(t);
  // Order: none. The exchange below looks again.
  std::uint32_t seen = t.word_.load(relaxed);
  while ((seen & awaited) == 0) {
    // Order: task-done. acq_rel: the drop's side is seen too.
    if (!t.word_.compare_exchange_weak(seen, seen | done | left, acq_rel, relaxed)) continue;
    if ((seen & dropped) != 0) end_orphan(t);
    return;
  }
  announce(t);
  leave(t);
}

void task_machine::run_here(task_core& t) noexcept {
  try {
    t.actions_->run(t);
    t.outcome_ = task_outcome::value;
  } catch (const exit_request&) {
    t.outcome_ = task_outcome::exited;
  } catch (...) {
    t.error_ = std::current_exception();
    t.outcome_ = task_outcome::error;
  }
}

/// Sets done and tells everyone who waits.
void task_machine::announce(task_core& t) noexcept {
  wake_list woken;
  task_waiters& waiters = waiters_of(t);
  waiters.lock.lock();
  // Order: task-done.
  t.word_.fetch_or(done, acq_rel);
  while (task_link* link = waiters.links.pop_front()) {
    link->queued = false;
    link->gate->open_for(link->index, woken);
  }
  waiters.lock.unlock();
  ready(woken);
}

/// The goroutine's last touch.
void task_machine::leave(task_core& t) {
  // Order: task-free.
  if ((t.word_.fetch_or(left, acq_rel) & dropped) != 0) end_orphan(t);
}

/// On the goroutine of a task that nobody has any more: out of it goes what nobody has seen.
void task_machine::end_orphan(task_core& t) {
  std::exception_ptr unseen;
  if (!t.seen_) unseen = t.error_;
  if (unseen) die_of_unseen(t);
  t.actions_->destroy(t);
}

void task_machine::drop(task_core& t) noexcept {
  // Order: task-free. acquire: with left seen, nobody else touches it any more.
  if ((t.word_.load(acquire) & left) == 0) {
    // Order: task-free.
    if ((t.word_.fetch_or(dropped, acq_rel) & left) == 0) return;
  }
  if (t.error_ && !t.seen_) die_of_unseen(t);
  t.actions_->destroy(t);
}

void task_machine::die_of_unseen(task_core& t) noexcept {
  goroutine ended;  // as it was: its block may have another one in it
  ended.id = t.id_;
  ended.site = t.site_;
  ended.own.name = t.name_.get();
  try {
    std::rethrow_exception(t.error_);
  } catch (...) {
    die_of_uncaught_exception(ended, unseen_advice);
  }
}

/// Whether the calling goroutine's stack has room for somebody else's function.
static bool has_stack_left() noexcept {
  constexpr std::size_t bytes_min = std::size_t{32} << 10;
  const worker* w = this_worker();
  if (!w) return false;
  const goroutine& g = *w->current;
  // Safety: only the distance counts.
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  const std::size_t left_bytes = here - reinterpret_cast<std::uintptr_t>(g.memory.low());
  return left_bytes >= bytes_min && left_bytes >= stack_class_bytes(g.size) / 4;
}

/// Returns: whether the task was run. The caller is its joiner.
bool task_machine::run_in_place(task_core& t) noexcept {
  // Order: none. Somebody runs it: the claim would fail. It saves the waiter a locked instruction.
  if (!t.in_place_ || (t.word_.load(relaxed) & claimed) != 0 || !has_stack_left()) return false;
  if (take_back(*t.goroutine_, t.id_)) {
    run_here(t);
    // Order: task-done. A plain store: nobody else has the task now, not even a waiter.
    t.word_.store(claimed | done | left, release);
    return true;
  }
  if (!try_claim(t)) return false;
  run_here(t);
  announce(t);
  return true;
}

/// False: it is done already.
bool task_machine::enlist(task_core& t, task_link& link) noexcept {
  task_waiters& waiters = waiters_of(t);
  std::lock_guard guard(waiters.lock);
  // Order: task-done. acquire: when it is done, its outcome is seen.
  if ((t.word_.fetch_or(awaited, acq_rel) & done) != 0) return false;
  link.queued = true;
  waiters.links.push_back(&link);
  return true;
}

void task_machine::delist(task_core& t, task_link& link) noexcept {
  task_waiters& waiters = waiters_of(t);
  std::lock_guard guard(waiters.lock);
  if (!link.queued) return;
  link.queued = false;
  waiters.links.remove(&link);
}

void task_core::take() {
  if (std::exchange(taken_, true))
    throw std::logic_error("weft::task: the outcome was taken already");
  seen_ = true;
  if (outcome_ == task_outcome::error) std::rethrow_exception(error_);
  if (outcome_ == task_outcome::exited) throw_task_exited();
}

void task_start(task_core& t, const spawn_request& request) { task_machine::start(t, request); }
void task_drop(task_core& t) noexcept { task_machine::drop(t); }

namespace {

/// Parks at the gate until a task opens it. Returns: whose end it was, or no_task.
std::size_t wait_at(task_gate& gate, const wait_bound& bound) noexcept {
  gate.lock.lock();
  if (gate.open) {
    gate.lock.unlock();
    return gate.index;
  }
  gate.who = &this_waiter();
  static_cast<void>(
      park_bounded({wait_reason::task_join, &gate}, {unlock_gate, &gate}, bound, gate.claim));
  std::lock_guard guard(gate.lock);
  return gate.index;
}

bool is_over_after_yield(const wait_bound& bound) noexcept {
  wait_outcome outcome{};
  if (bound.unbounded() || !is_over(bound, outcome)) return false;
  yield_turn();  // or a loop that polls would keep the processor
  return true;
}

/// Links that are taken out of their queues when the wait ends, however it does.
class task_links {
 public:
  task_links(task_core* const* tasks, task_link* links) noexcept : tasks_(tasks), links_(links) {}
  task_links(const task_links&) = delete;
  task_links& operator=(const task_links&) = delete;
  ~task_links() {
    for (std::size_t i = 0; i < count_; ++i) task_machine::delist(*tasks_[i], links_[i]);
  }
  /// False: that one is done already.
  bool add(task_gate& gate) noexcept {
    task_link& link = links_[count_];
    link.gate = &gate;
    link.index = count_;
    if (!task_machine::enlist(*tasks_[count_], link)) return false;
    ++count_;
    return true;
  }

 private:
  task_core* const* tasks_;
  task_link* links_;
  std::size_t count_ = 0;
};

std::size_t wait_linked(task_core* const* tasks, task_link* links, std::size_t count,
                        const wait_bound& bound) noexcept {
  task_gate gate;
  task_links linked(tasks, links);
  for (std::size_t i = 0; i < count; ++i)
    if (!linked.add(gate)) return i;
  const std::size_t ended = wait_at(gate, bound);
  // Its end happens before this return by its word, not only by the gate's lock.
  if (ended != no_task) static_cast<void>(tasks[ended]->ready());
  return ended;
}

}  // namespace

bool task_join(task_core& t, const wait_bound& bound) noexcept {
  if (cancelled_before(bound)) return false;
  if (t.ready()) return true;
  rejoin();
  if (bound.unbounded() ? task_machine::run_in_place(t) : is_over_after_yield(bound))
    return bound.unbounded() || t.ready();
  task_core* const only = &t;
  task_link link;
  return wait_linked(&only, &link, 1, bound) != no_task;
}

bool task_join_all(task_core* const* tasks, std::size_t count, const wait_bound& bound) noexcept {
  if (cancelled_before(bound)) return false;
  for (std::size_t i = count; i > 0; --i)
    if (!task_join(*tasks[i - 1], bound)) return false;
  for (std::size_t i = 0; i < count; ++i) tasks[i]->mark_seen();
  return true;
}

std::size_t task_wait_any(task_core* const* tasks, std::size_t count, const wait_bound& bound) {
  if (count == 0) throw std::invalid_argument("weft::when_any: there are no tasks");
  if (cancelled_before(bound)) return no_task;
  for (std::size_t i = 0; i < count; ++i)
    if (tasks[i]->ready()) return i;
  if (is_over_after_yield(bound)) return no_task;
  constexpr std::size_t few = 8;
  task_link on_stack[few];
  std::vector<task_link> on_heap(count > few ? count : 0);
  return wait_linked(tasks, count > few ? on_heap.data() : on_stack, count, bound);
}

void throw_no_task() { throw std::logic_error("weft::task: an empty handle has no task"); }
void throw_task_exited() { throw task_exited("weft::task: the function ended by exit_goroutine"); }

}  // namespace weft::detail
