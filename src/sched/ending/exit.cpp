// The end of the process: workers stand still while static objects are destroyed.
//
// exit() ends the calling thread's thread_locals and then runs its handlers, the newest first. The
// end of a thread, and pthread_exit() of the main one, begin alike and run none. So a thread_local
// that ends stops nothing: it adds a handler, which runs first if this is exit().
//
// A static object's destructor may wait for goroutines: it closes a channel, and waits for a group.
// While the thread that runs the handlers sleeps in weft, the workers go on.
//
// Invariants: R1 stopping_ is set only while the exiting thread is awake.
//             R2 a frozen worker is in frozen_, and in no other list.
// Locks: the idle lock.
// Tested by: tests/hazards/exit_test.cpp, tests/death
#include <cstdlib>
#include <mutex>
#include <utility>

#include "port/clock.hpp"
#include "port/thread.hpp"
#include "sched/runtime.hpp"
#include "sched/watch/hooks.hpp"

namespace weft::detail {
namespace {

void stop_at_exit() {
  before_exit();
  runtime::get().stop();
}

/// On a worker's thread only exit() ends thread_locals while there is a worker.
struct thread_locals_end {
  ~thread_locals_end() {
    if (is_main_thread() || this_worker()) std::atexit(stop_at_exit);
  }
};

}  // namespace

void runtime::watch_for_exit() {
  std::atexit(stop_at_exit);
  watch_thread_for_exit();
}

/// glibc ends the program if it has no memory to take note of a thread_local's destructor. Without
/// one, exit() stops the workers only when it comes to the handler of the first use.
void runtime::watch_thread_for_exit() {
  if (!memory_is_left()) return;
  static thread_local thread_locals_end end;
  static_cast<void>(&end);
}

/// exit() does not come back to the goroutine that called it: from here on its thread is a plain
/// one, which can wait without a worker's loop.
void runtime::stop() noexcept {
  if (!started_.read()) return;
  if (worker* w = this_worker()) {
    exited_worker_ = w;
    set_current_worker_word(nullptr);
  }
  exiting_thread_.write(this_thread_number());
  stop_workers();
}

void runtime::stop_workers() noexcept {
  constexpr deadline_ns patience_ns = 20'000'000;
  {
    std::lock_guard guard(idle_lock_);
    stopping_.publish(true);
    ask_for_attention(0);
    for (worker* w = idle_.front(); w; w = w->next) w->sleep.unpark();
    if (lookout_) lookout_->sleep.unpark();
  }
  const deadline_ns give_up = now_ns() + patience_ns;
  while (now_ns() < give_up) {
    {
      std::lock_guard guard(idle_lock_);
      const bool holds_place = exited_worker_ && !exited_worker_->owned->detached.read();
      if (running_count_ <= (holds_place ? 1 : 0) && !lookout_) return;
    }
    yield_thread();
  }
}

bool runtime::resume_while_exit_waits() noexcept {
  if (exiting_thread_.read() != this_thread_number()) return false;
  {
    std::lock_guard guard(idle_lock_);
    stopping_.publish(false);
    while (worker* w = frozen_.pop_front()) {
      w->role = worker_role::running;
      ++running_count_;
      w->sleep.unpark();
    }
    wake_monitor_locked();
  }
  if (worker* w = std::exchange(exited_worker_, nullptr)) leave_processor(*w);
  start_monitor();
  wake_one();
  return true;
}

void runtime::freeze(worker& w) noexcept {
  {
    std::lock_guard guard(idle_lock_);
    if (!stopping()) return;
    --running_count_;
    w.role = worker_role::frozen;
    frozen_.push_back(&w);
  }
  while (role_of(w) == worker_role::frozen) w.sleep.park();
}

/// Returns: whether the monitor's thread may end. The next start is told under the same lock.
bool runtime::monitor_ends() noexcept {
  if (!stopping()) return false;
  std::lock_guard guard(idle_lock_);
  if (!stopping()) return false;
  monitor_runs_.publish(false);
  return true;
}

}  // namespace weft::detail
