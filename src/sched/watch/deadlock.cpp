// The deadlock detector: is there anybody left who could wake those who wait?
//
// It says "for ever" only if at one instant every goroutine is parked, every worker sleeps, no
// timer is set, no signal is awaited, and every other thread of the process is itself parked in
// weft without a deadline. Each could only be changed by one of the others, so that the order of
// looking is: who is parked, who exists, and then everything once more.
// A thread that weft does not know (a third party's, or main in a read(2)) could still act; while
// one exists, the question is asked again after a pause that grows.
// Threads: the monitor; note_sleeping_thread by plain threads.
// Tested by: tests/unit/sched/deadlock_test.cpp, tests/death/inspect
#include "sched/watch/hooks.hpp"

#include <algorithm>
#include <mutex>
#include <new>
#include <vector>

#include "engine/poller.hpp"
#include "port/clock.hpp"
#include "port/signal.hpp"
#include "port/switch/sanitizer.hpp"
#include "port/sync/barrier.hpp"
#include "port/thread.hpp"
#include "sched/runtime.hpp"
#include "sched/watch/bystanders.hpp"
#include "sched/watch/census.hpp"
#include "sched/watch/parked_threads.hpp"

namespace weft::detail {
namespace {

constexpr deadline_ns doze_ns = 5'000'000;
constexpr deadline_ns first_pause_ns = 10'000'000;
constexpr deadline_ns longest_pause_ns = 10'000'000'000;

bool all_wait(const std::vector<goroutine_view>& views) noexcept {
  return std::all_of(views.begin(), views.end(), [](const goroutine_view& v) {
    return v.state == goroutine_state::waiting && v.stands_still();
  });
}

bool none_moved(const std::vector<goroutine_view>& views) noexcept {
  heavy_barrier();  // Order: census. See census.hpp.
  return std::all_of(views.begin(), views.end(),
                     [](const goroutine_view& v) { return v.block->state.word() == v.word; });
}

}  // namespace

runtime::standstill runtime::look_at_workers() noexcept {
  std::lock_guard guard(idle_lock_);
  if (stopping() || running_count_ > 0 || detached_count_ > 0) return standstill::no;
  // One that is about to fall asleep will not wake the monitor for that.
  if (lookout_ && !lookout_->sleep.is_asleep()) return standstill::others_could_act;
  for (const worker* w = idle_.front(); w; w = w->next)
    if (!w->sleep.is_asleep()) return standstill::others_could_act;
  return standstill::for_ever;
}

bool runtime::outside_could_act() const noexcept {
  if (awaited_signal_count() > 0 || poller::get().anybody_waits() || work_waits()) return true;
  for (const processor* p = made_.read(); p; p = p->next_made)
    if (p->timers.earliest() != never_ns) return true;
  return false;
}

runtime::standstill runtime::look_for_deadlock() {
  const standstill workers_do = look_at_workers();
  if (workers_do == standstill::no || outside_could_act()) return standstill::no;
  std::uint64_t changes = 0;
  const std::size_t parked = parked_threads::count_asleep(changes);
  // One that has woken the monitor may be about to fall asleep: it will not wake it again.
  if (parked == 0 && count_goroutines() == 0)
    return parked_threads::anybody() ? standstill::others_could_act : standstill::no;
  if (workers_do != standstill::for_ever) return workers_do;
  int workers = 0;
  {
    std::lock_guard guard(idle_lock_);
    workers = threads_;
  }
  const int others = count_threads() - workers - service_threads();
  if (others != static_cast<int>(parked)) return standstill::others_could_act;
  const std::vector<goroutine_view> views = take_census();
  if (!all_wait(views)) return standstill::others_could_act;
  std::uint64_t changes_since = 0;
  const bool same = parked_threads::count_asleep(changes_since) == parked &&
                    changes_since == changes && none_moved(views) &&
                    look_at_workers() == standstill::for_ever && !outside_could_act();
  return same ? standstill::for_ever : standstill::others_could_act;
}

/// The monitor has nothing to look after until somebody calls wake_monitor_locked().
void runtime::sleep_until_something_runs() noexcept {
  if (rest_monitor_until(now_ns() + doze_ns)) return;  // most pauses are short
  deadline_ns pause_ns = first_pause_ns;
  for (bool told = false;;) {
    standstill found = standstill::no;
    try {
      if (detects_deadlocks_.read() && !told) found = look_for_deadlock();
    } catch (const std::bad_alloc&) {  // later, perhaps
      found = standstill::others_could_act;
    }
    deadline_ns until = never_ns;
    if (found == standstill::others_could_act) {
      until = now_ns() + pause_ns;
      pause_ns = std::min(2 * pause_ns, longest_pause_ns);
    }
    if (found == standstill::for_ever) {
      told = true;
      on_deadlock();
    }
    if (rest_monitor_until(until)) return;
  }
}

void runtime::note_sleeping_thread() noexcept {
  if (!detects_deadlocks_.read() || stopping()) return;
  if (!monitor_runs_.read()) return start_monitor();
  if (!monitor_sleeps_.read()) return;
  std::lock_guard guard(idle_lock_);
  wake_monitor_locked();
}

bool runtime::set_deadlock_detection(bool on) noexcept {
  std::lock_guard guard(idle_lock_);
  const bool before = detects_deadlocks_.read();
  detects_deadlocks_.publish(on);
  if (on && !before) wake_monitor_locked();
  return before;
}

}  // namespace weft::detail
