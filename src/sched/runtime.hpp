// The one runtime of the process: its processors, its workers and who watches whom.
//
// It starts at the first use and is never destroyed; at exit it stops before static objects go.
// Who wakes whom stands in idle/idle.cpp.
// Locks: idle_lock_ before a parker; nothing else is taken under it.
// Invariants: R1 lookout_ is set, or watched_ is false, or nobody is left who could watch.
//             R1a deputy_ is in idle_, and looks within a beat whether there is a lookout.
//             R2 a processor is owned by exactly one worker, or unused.
//             R3 a processor in processors_ is not detached, but for the moment of its detaching.
// Orders: watched: leave_idle() writes it, then fences, then looks for work; a worker makes work
//         runnable, then reads it. The fence is the heavy half of the owner lock's.
// Tested by: tests/unit/sched/runtime_test.cpp, tests/stress
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <weft/detail/atomic.hpp>

#include "fiber/goroutine_pool.hpp"
#include "fiber/stack_pool.hpp"
#include "port/sync/spin_lock.hpp"
#include "sched/injection.hpp"
#include "sched/processor.hpp"
#include "sched/worker.hpp"

namespace weft::detail {

class runtime {
 public:
  static constexpr int processors_max = 1024;

  static runtime& get() noexcept {
    if (runtime* made = instance_.read()) [[likely]]
      return *made;
    return make();
  }

  /// The same where it has been asked for before.
  static runtime& made() noexcept { return *instance_.read(); }

  /// Throws: std::system_error when not even one worker can be started.
  void ensure_running() {
    if (!started_.read()) [[unlikely]]
      start_up();
  }
  void stop() noexcept;
  bool stopping() const noexcept { return stopping_.read(); }
  /// Whether exit() has begun; goroutines may go on while it waits for them.
  bool ending() const noexcept { return exiting_thread_.read() != 0; }
  /// Before a plain thread sleeps. True: it is in exit(), and goroutines go on until
  /// stop_workers() is called after the sleep.
  [[nodiscard]] bool resume_while_exit_waits() noexcept;
  void stop_workers() noexcept;

  int max_procs() const noexcept { return target_.read(); }
  int set_max_procs(int n);
  std::size_t count_goroutines() const noexcept;

  // Control blocks. On a worker they come from its processor's cache.
  goroutine* take_goroutine();
  /// What the calling worker has at hand; null: take_goroutine() must see to it.
  [[gnu::always_inline]] static goroutine* take_goroutine_at_once(worker& w) noexcept {
    processor& p = *w.owned;
    const goroutine* creator = w.keeps_time ? nullptr : w.current;
    if (p.goroutines.empty() || p.ids.empty() || (creator && creator->own.labels)) [[unlikely]]
      return nullptr;
    goroutine* g = p.goroutines.pop();
    g->id = p.ids.take();
    g->parent = creator ? creator->id : 0;
    return g;
  }
  void recycle(goroutine& g) noexcept;
  /// On p's worker.
  [[gnu::always_inline]] void recycle_at(processor& p, goroutine& g) noexcept {
    if (g.own.name || g.own.labels || p.goroutines.count() >= goroutine_pool::cached_max)
        [[unlikely]]
      return recycle_slowly(p, g);
    clear_used(g);
    p.goroutines.push(&g);
  }

  // Runnable goroutines.
  void start(goroutine& g) noexcept;
  void make_ready(goroutine& g) noexcept;
  void inject(goroutine& g) noexcept;
  /// After something became runnable on a worker: is anybody looking?
  [[gnu::always_inline]] void note_backlog(processor& here) noexcept {
    // Order: watched. The push before it ended with the owner lock's light half of the fence.
    if (!watched_.read() || here.detached.read()) [[unlikely]]
      settle_backlog(here);
  }
  /// The same after somebody has sat down in the next-slot.
  [[gnu::always_inline]] void note_made_ready(processor& here) noexcept {
    // Order: watched. As in note_backlog().
    if (!watched_.read() || here.detached.read()) [[unlikely]]
      settle_made_ready(here);
  }
  /// After something was injected, or a timer armed, from a plain thread.
  void wake_one() noexcept;
  [[nodiscard]] bool take_back(goroutine& g, std::uint64_t id) noexcept;
  void invite() noexcept;

  // Timers of whoever calls.
  void arm_wake(timed_wake& timer, deadline_ns when) noexcept;
  void arm_action(timed_action& action, deadline_ns when, deadline_ns period,
                  std::uint64_t epoch) noexcept;

  // Stuck goroutines: monitor.cpp.
  /// Gives the calling worker's place away before a call that blocks. False: there is no thread.
  bool leave_processor(worker& w) noexcept;
  int max_threads() const noexcept { return threads_max_.read(); }
  int set_max_threads(int n) noexcept;

  // The worker's loop.
  void run_worker(worker& w) noexcept;
  bool housekeep(worker& w) noexcept;
  stack take_stack(processor& p, stack_class size) noexcept;
  void return_stack(processor& p, stack s, stack_class size) noexcept;

  /// Every control block there is. Throws: std::bad_alloc.
  void list_blocks(std::vector<goroutine*>& to) { pool_.list_blocks(to); }
  /// The same in parts: see goroutine_pool::list_chunks().
  std::size_t list_chunks(std::size_t from, std::span<goroutine*> firsts) noexcept {
    return pool_.list_chunks(from, firsts);
  }
  /// Turns that goroutines have had, about.
  std::uint64_t count_turns() const noexcept;
  /// All memory of stacks. Throws: std::bad_alloc.
  void list_slabs(std::vector<stack_slab>& to) { stacks_.list_slabs(to); }

  // Waits that nothing will end: watch/deadlock.cpp.
  /// A plain thread is about to sleep until somebody wakes it.
  void note_sleeping_thread() noexcept;
  /// Returns: what it was.
  bool set_deadlock_detection(bool on) noexcept;
  /// Threads that run goroutines, asleep or not.
  int worker_count() noexcept;
  bool monitor_runs() const noexcept { return monitor_runs_.read(); }

  /// A hint: some worker looks for work that others do not get to.
  bool has_lookout_hint() const noexcept { return looked_after_.read(); }
  bool forced_migration() const noexcept { return forced_migration_; }
  std::size_t stacks_created() const noexcept { return stacks_.created(); }

 private:
  runtime() noexcept;

  // runtime.cpp
  static runtime& make() noexcept;
  void start_up();
  void recycle_slowly(processor& p, goroutine& g) noexcept;
  void recycle_outside(goroutine& g) noexcept;
  void start_slowly(goroutine& g) noexcept;
  void make_ready_slowly(goroutine& g) noexcept;
  std::uint64_t take_id(id_block& block) noexcept;
  void start_first_worker();
  processor* make_processor_locked(int number) noexcept;
  processor* activate_processor_locked();
  bool start_thread_for(worker& w);
  void start_worker(processor& p);
  worker* start_spare_worker() noexcept;
  static void worker_thread(void* raw);
  void ask_for_attention(int from) noexcept;
  processor& processor_here() noexcept;
  bool is_listed(const processor& p) const noexcept;
  void settle_timers(processor& p) noexcept;

  // ending/
  static void watch_for_exit();
  static void watch_thread_for_exit();
  static void watch_for_forks() noexcept;
  void begin_forked_child() noexcept;
  bool monitor_ends() noexcept;

  // monitor.cpp
  struct watch {
    const processor* seen = nullptr;
    std::uint64_t turns = 0;
    std::uint64_t pushes = 0;
    deadline_ns since = 0;
  };
  enum class finding : std::uint8_t { nothing, suspect, stuck };
  void start_monitor() noexcept;
  static void monitor_thread(void* raw);
  std::uint64_t count_departures() noexcept;
  bool begin_monitor_sleep() noexcept;
  finding look_after_processors() noexcept;
  finding look_at_processor(const processor& p, watch& w, deadline_ns now, bool needed) noexcept;
  bool somebody_waits() noexcept;
  bool detach(processor& p, std::uint64_t turns) noexcept;
  worker* take_spare() noexcept;
  [[nodiscard]] bool rest_monitor_until(deadline_ns until) noexcept;
  bool nothing_runs() noexcept;
  void wake_monitor_locked() noexcept;
  void sleep_until_something_runs() noexcept;
  void drain_detached() noexcept;
  void drain_as_owner(processor& p) noexcept;
  void inject_all(batch&& all) noexcept;
  void settle_backlog(processor& here) noexcept;
  void settle_made_ready(processor& here) noexcept;

  // watch/deadlock.cpp
  enum class standstill : std::uint8_t { no, others_could_act, for_ever };
  standstill look_for_deadlock();
  standstill look_at_workers() noexcept;
  bool outside_could_act() const noexcept;

  // idle/
  goroutine* find_work(worker& w) noexcept;
  goroutine* poll(worker& w) noexcept;
  goroutine* steal(worker& w) noexcept;
  goroutine* nap(worker& w, deadline_ns& period_ns) noexcept;
  goroutine* sleep_as_lookout(worker& w, deadline_ns begin, deadline_ns until) noexcept;
  void fire_due_timers() noexcept;
  bool fire_timers_of(worker& w, deadline_ns now) noexcept;
  bool look_at_descriptors() noexcept;
  void look_at_descriptors_if_due() noexcept;
  bool take_injected(processor& p) noexcept;
  bool become_idle(worker& w) noexcept;
  void leave_idle(worker& w) noexcept;
  void sleep_idle(worker& w, bool& may_be_deputy) noexcept;
  bool sleep_for_a_beat(worker& w, std::uint64_t departures) noexcept;
  void replace_absent_lookout(worker& w) noexcept;
  void remove_idle_locked(worker& w) noexcept;
  void sample_others(const worker& w) noexcept;
  void call_lookout() noexcept;
  void call_for_help(const processor& here) noexcept;
  void update_watched_locked() noexcept;
  bool anything_waits() const noexcept;
  bool work_waits() const noexcept;
  bool needs_help(const processor& here) const noexcept;
  void ready_after_timers(wake_list& woken, std::size_t count, deadline_ns now) noexcept;
  deadline_ns earliest_timer() const noexcept;
  worker_role role_of(worker& w) noexcept;
  bool has_lookout() noexcept;
  /// Somebody's next-slot, and since when it has held the same goroutine.
  struct overdue_watch {
    processor* whose = nullptr;
    next_slot seen;
    deadline_ns since = 0;
  };
  struct look {
    bool for_work = false;
    bool for_news = false;
    bool may_glance = false;
  };
  goroutine* look_about(worker& w) noexcept;
  goroutine* look_until(worker& w, const look& plan) noexcept;
  overdue_watch watch_a_next_slot(worker& w, deadline_ns now) noexcept;
  goroutine* steal_overdue(worker& w, overdue_watch& slot, deadline_ns now) noexcept;
  bool begin_seeking(worker& w) noexcept;
  goroutine* end_seeking(worker& w) noexcept;
  bool give_next_away(processor& here) noexcept;
  void judge_gift(processor& p) noexcept;
  void judge_loot(worker& w) noexcept;
  bool seeks() const noexcept {
    // Order: none. A hint; who acts on it takes the name.
    return seeker_.load(relaxed) != nullptr;
  }
  bool may_look_long() noexcept;
  bool must_attend(const worker& w) const noexcept;

  // worker_loop.cpp
  bool give_processor_away(worker& w, goroutine* work) noexcept;
  bool hand_processor_to_locked(worker& w, goroutine& g) noexcept;
  [[nodiscard]] bool wait_for_processor(worker& w) noexcept;
  bool keep_processor(worker& w, goroutine*& g) noexcept;
  void retire(worker& w) noexcept;
  void freeze(worker& w) noexcept;
  bool attend(worker& w) noexcept;
  void run_on_worker(worker& w, goroutine& g) noexcept;

  static constinit published<runtime*> instance_;

  goroutine_pool pool_;
  stack_pool stacks_;
  injection_queue injected_;

  published<processor*> made_{nullptr};  // all there ever were: they are used again, never freed
  processor* unused_ = nullptr;          // detached ones that were given back; the idle lock
  std::array<published<processor*>, processors_max> processors_;
  hint<int> processors_made_;
  hint<int> target_;
  int cpus_ = 1;
  bool forced_migration_ = false;
  published<bool> stopping_{false};
  hint<int> exiting_thread_;         // its number; 0: nobody has called exit()
  worker* exited_worker_ = nullptr;  // whose goroutine did; the exiting thread's own

  spin_lock idle_lock_;
  std::array<bool, processors_max> active_{};
  int active_count_ = 0;
  int running_count_ = 0;
  worker* lookout_ = nullptr;
  worker* deputy_ = nullptr;
  std::uint64_t departures_ = 0;           // of lookouts
  hint<int> calls_in_vain_{0};             // for help, since anybody has found work to take
  inner_atomic<worker*> seeker_{nullptr};  // a lookout that is given what is made ready
  looking_habit finds_work_soon_;          // the lookout's, like the next
  stealing_habit steals_pay_;
  looking_habit hears_soon_;        // of descriptors
  rush_habit rush_;                 // of timers
  hint<deadline_ns> nap_until_{0};  // how long the lookout sleeps at most
  intrusive_queue<worker, &worker::next> idle_;
  intrusive_queue<worker, &worker::next> spare_;
  intrusive_queue<worker, &worker::next> frozen_;
  published<bool> watched_{false};
  hint<bool> looked_after_;  // whether there is a lookout

  std::array<watch, processors_max> watches_{};  // the monitor's own
  parker monitor_sleep_;
  published<bool> monitor_runs_{false};  // written under the idle lock, like the next four
  published<bool> monitor_sleeps_{false};
  published<bool> detects_deadlocks_{true};
  int threads_ = 0;
  int detached_count_ = 0;
  bool told_of_threads_ = false;
  hint<int> threads_max_{10'000};

  spin_lock start_lock_;
  published<bool> started_{false};

  atomic<std::uint64_t> id_blocks_{0};

  // What plain threads do.
  atomic<std::uint64_t> created_outside_{0};
  spin_lock outside_lock_;
  goroutine_cache outside_cache_;
  id_block outside_ids_;
};

}  // namespace weft::detail
