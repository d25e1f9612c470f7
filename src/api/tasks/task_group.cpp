// A task group: a count, a limit, the first exception, and the context that it cancels.
//
// The context is made when somebody asks for it, so that a group without one costs one allocation.
// A finished goroutine hands its place to the first who waits for room; the count stays.
// Locks: `lock_` for everything. Contexts are made and cancelled without it.
// Invariants: R1 under the lock: somebody waits for room only when as many as the limit are active.
//             R2 unlocking is a goroutine's last touch: the group may be gone then.
// Tested by: tests/unit/api/task_group_test.cpp, tests/conformance/tasks
#include <weft/detail/tasks/task_group_core.hpp>

#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/fatal.hpp"
#include "port/sync/spin_lock.hpp"
#include "sched/scheduler.hpp"
#include "wait/bounded_wait.hpp"
#include "wait/wait_queue.hpp"

namespace weft::detail {
namespace {

using group_context = derived_context<cancel_cause_function>;

std::string words_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception that is not a std::exception";
  }
}

bool is_cancellation(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const context_canceled&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace

class task_group_core {
 public:
  explicit task_group_core(const context* parent) : parent_(parent ? *parent : background()) {
    if (parent) round_.emplace(with_cancel_cause(parent_));
  }

  bool try_begin() noexcept {
    std::lock_guard guard(lock_);
    return try_begin_locked();
  }
  bool begin(const wait_bound& bound) noexcept;
  void end() noexcept;
  void fail(std::exception_ptr error) noexcept;
  void set_limit(int limit);
  context current_context();
  void cancel(std::exception_ptr cause) noexcept;
  /// Returns: whether no goroutine is active.
  bool wait_idle(const wait_bound& bound) noexcept;
  /// What went wrong first; the next round begins.
  std::exception_ptr end_round() noexcept;
  void abandon() noexcept {
    {
      std::lock_guard guard(lock_);
      abandoned_ = true;
    }
    cancel(nullptr);
  }

 private:
  bool try_begin_locked() noexcept {
    if (limit_ >= 0 && active_ >= limit_) return false;
    if (limit_ >= 0) hear_at(this);  // the end that made room
    ++active_;
    return true;
  }
  /// Parks in `queue` with the lock held, which is let go.
  bool park_in(wait_queue& queue, const wait_bound& bound) noexcept;
  static void unlock(void* self) { static_cast<task_group_core*>(self)->lock_.unlock(); }

  const context parent_;
  spin_lock lock_;
  long active_ = 0;
  long limit_ = -1;
  bool cancelled_ = false;  // this round, before there was a context
  bool abandoned_ = false;
  wait_queue for_room_;
  wait_queue for_idle_;
  std::exception_ptr error_;
  std::optional<group_context> round_;
};

bool task_group_core::park_in(wait_queue& queue, const wait_bound& bound) noexcept {
  wait_node node;
  wait_claim claim;
  node.who = &this_waiter();
  if (!bound.unbounded()) node.claim = &claim;
  queue.push_locked(node);
  if (park_bounded({wait_reason::task_group, this}, {unlock, this}, bound, claim) ==
      wait_outcome::woken)
    return true;
  std::lock_guard guard(lock_);
  queue.remove_locked(node);
  return false;
}

bool task_group_core::begin(const wait_bound& bound) noexcept {
  if (cancelled_before(bound)) return false;
  lock_.lock();
  if (try_begin_locked()) {
    lock_.unlock();
    return true;
  }
  return park_in(for_room_, bound);
}

void task_group_core::end() noexcept {
  wake_list woken;
  tell_at(this);
  lock_.lock();
  if (wait_node* next = for_room_.pop_claimed_locked())
    woken.push_back(next->who);
  else if (--active_ == 0)
    for_idle_.take_all_locked(woken);
  lock_.unlock();
  ready(woken);
}

void task_group_core::set_limit(int limit) {
  wake_list woken;
  {
    std::unique_lock guard(lock_);
    if (active_ > 0) {
      const long active = active_;
      guard.unlock();
      throw std::logic_error("errgroup: modify limit while " + std::to_string(active) +
                             " goroutines in the group are still active");
    }
    limit_ = limit;
    // With a limit of none somebody may wait although nobody is active.
    while (limit_ < 0 || active_ < limit_) {
      wait_node* next = for_room_.pop_claimed_locked();
      if (!next) break;
      ++active_;
      woken.push_back(next->who);
    }
  }
  ready(woken);
}

void task_group_core::fail(std::exception_ptr error) noexcept {
  {
    std::unique_lock guard(lock_);
    if (error_) return;
    const bool answers_us = abandoned_;
    guard.unlock();
    if (answers_us && is_cancellation(error)) return;
    guard.lock();
    if (error_) return;
    error_ = error;
  }
  cancel(std::move(error));
}

void task_group_core::cancel(std::exception_ptr cause) noexcept {
  std::optional<cancel_cause_function> cancel_round;
  {
    std::lock_guard guard(lock_);
    cancelled_ = true;
    if (round_) cancel_round = round_->cancel;
  }
  if (cancel_round) (*cancel_round)(std::move(cause));
}

context task_group_core::current_context() {
  {
    std::lock_guard guard(lock_);
    if (round_) return round_->ctx;
  }
  std::optional<group_context> fresh(with_cancel_cause(parent_));
  std::optional<group_context> unused;
  std::exception_ptr cause;
  bool cancelled = false;
  context result;
  {
    std::lock_guard guard(lock_);
    if (round_) {
      unused.swap(fresh);
    } else {
      round_.swap(fresh);
      cancelled = cancelled_;
      cause = error_;
    }
    result = round_->ctx;
    if (cancelled) unused = round_;
  }
  if (cancelled) unused->cancel(std::move(cause));
  return result;
}

bool task_group_core::wait_idle(const wait_bound& bound) noexcept {
  if (cancelled_before(bound)) return false;
  lock_.lock();
  if (active_ == 0) {
    hear_at(this);
    lock_.unlock();
    return true;
  }
  wait_outcome outcome{};
  if (!bound.unbounded() && is_over(bound, outcome)) {
    lock_.unlock();
    yield_turn();  // or a loop that polls would keep the processor
    return false;
  }
  if (!park_in(for_idle_, bound)) return false;
  hear_at(this);
  return true;
}

std::exception_ptr task_group_core::end_round() noexcept {
  std::optional<group_context> ended;
  std::exception_ptr error;
  {
    std::lock_guard guard(lock_);
    ended.swap(round_);
    error.swap(error_);
    cancelled_ = false;
  }
  if (ended) ended->cancel(error);
  return error;
}

task_group_core* task_group_make(const context* parent) { return new task_group_core(parent); }

void task_group_destroy(task_group_core* g, bool unwinding) noexcept {
  g->abandon();
  static_cast<void>(g->wait_idle({}));
  const std::exception_ptr lost = g->end_round();
  if (lost && !unwinding)
    fatal("weft::task_group: destroyed with an exception that no wait() has taken: " +
          words_of(lost));
  delete g;
}

bool task_group_begin(task_group_core* g, const wait_bound& bound) noexcept {
  return g->begin(bound);
}
bool task_group_try_begin(task_group_core* g) noexcept { return g->try_begin(); }
void task_group_end(task_group_core* g) noexcept { g->end(); }
void task_group_fail(task_group_core* g) noexcept { g->fail(std::current_exception()); }
void task_group_set_limit(task_group_core* g, int limit) { g->set_limit(limit); }
context task_group_context(task_group_core* g) { return g->current_context(); }
void task_group_cancel(task_group_core* g) noexcept { g->cancel(nullptr); }

bool task_group_wait(task_group_core* g, const wait_bound& bound) {
  if (!g->wait_idle(bound)) return false;
  if (std::exception_ptr error = g->end_round()) std::rethrow_exception(std::move(error));
  return true;
}

}  // namespace weft::detail
