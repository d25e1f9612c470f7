// Start and stop, processors and their number, control blocks.
#include "sched/runtime.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <new>
#include <span>
#include <system_error>

#include "port/clock.hpp"
#include "port/cpu_count.hpp"
#include "port/fault.hpp"
#include "port/fork.hpp"
#include "port/stack_memory.hpp"
#include "port/sync/barrier.hpp"
#include "port/thread.hpp"
#include "sched/pack/packer.hpp"
#include "sched/scheduler.hpp"
#include "sched/watch/crash.hpp"
#include "sched/watch/hooks.hpp"

namespace weft::detail {
namespace {

[[noreturn]] void throw_no_thread(const char* words) {
  throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again), words);
}

/// 0: it is not set to a positive number. One too large to count counts as the largest.
int positive_in_environment(const char* name) noexcept {
  const char* text = std::getenv(name);
  if (!text) return 0;
  int n = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, n);
  if (stop != end) return 0;
  if (error == std::errc::result_out_of_range && *text != '-')
    return std::numeric_limits<int>::max();
  return error == std::errc() ? std::max(n, 0) : 0;
}

int wanted_procs() noexcept {
  if (const int n = positive_in_environment("WEFT_MAXPROCS"); n > 0)
    return std::min(n, runtime::processors_max);
  const int affinity = std::min(affinity_count(), runtime::processors_max);
  try {
    return default_max_procs(affinity, cgroup_quota());
  } catch (...) {  // no memory to read the files with
    return affinity;
  }
}

bool is_set(const char* name, bool otherwise) noexcept {
  const char* text = std::getenv(name);
  return text && *text != '\0' ? std::strcmp(text, "0") != 0 : otherwise;
}

}  // namespace

constinit published<runtime*> runtime::instance_{nullptr};

[[gnu::cold]] runtime& runtime::make() noexcept {
  // Outlives every static object, and needs no memory that could be refused.
  alignas(runtime) static std::byte room[sizeof(runtime)];
  static runtime* const instance = ::new (room) runtime;
  instance_.publish(instance);
  return *instance;
}

runtime::runtime() noexcept {
  prepare_barriers();
  target_.write(wanted_procs());
  cpus_ = affinity_count();
  if (const int n = positive_in_environment("WEFT_MAX_THREADS"); n > 0) threads_max_.write(n);
  forced_migration_ = is_set("WEFT_FORCE_MIGRATE", false);
  detects_deadlocks_.publish(is_set("WEFT_DEADLOCK", true));
}

void ensure_running() { runtime::get().ensure_running(); }

void runtime::start_up() {
  check_forked_child("a start");
  std::lock_guard guard(start_lock_);
  if (started_.read()) return;
  refresh_coarse_clock();
  watch_for_crashes();
  start_first_worker();
  start_monitor();
  // Without it a goroutine in a blocking call would stop the others in silence.
  if (!monitor_runs()) throw_no_thread("weft: no thread for the monitor");
  watch_for_exit();
  watch_for_forks();
  start_packing_from_environment();
  on_start();
  started_.publish(true);
}

void runtime::start_first_worker() {
  processor* first = nullptr;
  {
    std::lock_guard guard(idle_lock_);
    if (active_count_ > 0) return;  // it was the monitor that could not be started
    first = activate_processor_locked();
  }
  if (!first) throw std::bad_alloc();
  start_worker(*first);
}

/// Null: there is no memory for another.
processor* runtime::make_processor_locked(int number) noexcept {
  processor* p = unused_;
  if (p) {
    unused_ = p->next_unused;
    p->set_number(number);
  } else {
    p = new (std::nothrow) processor(number);
    if (!p) return nullptr;
    p->next_made = made_.read();
    made_.publish(p);
  }
  p->holder_thread.write(0);
  p->attention.write(forced_migration_);
  return p;
}

/// Null: max_procs are active, or there is no memory for another.
processor* runtime::activate_processor_locked() {
  if (active_count_ >= target_.read()) return nullptr;
  const auto count = static_cast<std::size_t>(target_.read());
  for (std::size_t i = 0; i < count; ++i) {
    if (active_[i]) continue;
    processor* p = processors_[i].read();
    if (!p) {
      p = make_processor_locked(static_cast<int>(i));
      if (!p) return nullptr;
      processors_[i].publish(p);
      processors_made_.write(std::max(processors_made_.read(), static_cast<int>(i) + 1));
    }
    p->attention.write(forced_migration_);
    p->holder_thread.write(0);
    active_[i] = true;
    ++active_count_;
    ++running_count_;
    wake_monitor_locked();
    update_watched_locked();
    return p;
  }
  return nullptr;
}

/// Gives an active processor a thread: a spare one, or a new one.
void runtime::start_worker(processor& p) {
  {
    std::lock_guard guard(idle_lock_);
    if (worker* spare = spare_.pop_front()) {
      spare->owned = &p;
      p.holder.write(spare);
      spare->role = worker_role::running;
      return spare->sleep.unpark();  // under the lock: without it the thread may have ended by now
    }
  }
  try {
    auto fresh = std::make_unique<worker>(static_cast<std::uint64_t>(now_ns()));
    fresh->owned = &p;
    p.holder.write(fresh.get());
    fresh->role = worker_role::running;
    if (!start_thread_for(*fresh)) throw_no_thread("weft: as many threads as max_threads allows");
    fresh.release();  // the thread's own; it ends with the thread, or with the process
    start_monitor();
  } catch (...) {
    std::lock_guard guard(idle_lock_);
    p.holder.write(nullptr);
    active_[static_cast<std::size_t>(p.number())] = false;
    --active_count_;
    --running_count_;
    watched_.publish(true);  // nobody is left who could watch: do not ask again at every push
    throw;
  }
}

void runtime::worker_thread(void* raw) {
  std::unique_ptr<worker> w(static_cast<worker*>(raw));
  const alternate_stack for_faults;
  prepare_worker_thread("weft-worker");
  set_current_worker_word(w.get());
  w->thread = this_thread_number();
  w->errno_address = &errno;
  w->exceptions = thread_exception_state();
  const stack_bounds bounds = thread_stack_bounds();
  w->own.sanitizers.set_bounds(bounds.low, bounds.bytes);
  w->own.sanitizers.use_thread_fiber();
  watch_thread_for_exit();
  runtime& r = get();
  r.run_worker(*w);
  w->own.sanitizers.leave_thread_fiber();
  set_current_worker_word(nullptr);
  std::lock_guard guard(r.idle_lock_);
  --r.threads_;
}

/// Returns: false if there are as many threads as there may be. Throws: std::system_error.
bool runtime::start_thread_for(worker& w) {
  {
    std::lock_guard guard(idle_lock_);
    if (threads_ >= threads_max_.read()) return false;
    ++threads_;
  }
  try {
    start_thread(worker_thread, &w);
  } catch (...) {
    std::lock_guard guard(idle_lock_);
    --threads_;
    throw;
  }
  return true;
}

/// A thread without a processor, to be given one. Null: there is none to be had.
worker* runtime::start_spare_worker() noexcept {
  try {
    auto fresh = std::make_unique<worker>(static_cast<std::uint64_t>(now_ns()));
    return start_thread_for(*fresh) ? fresh.release() : nullptr;
  } catch (...) {
    return nullptr;
  }
}

void runtime::ask_for_attention(int from) noexcept {
  full_fence();  // Order: attention. Pairs with the fence in attend().
  for (int i = from; i < processors_made_.read(); ++i)
    if (processor* p = processors_[static_cast<std::size_t>(i)].read()) p->attention.write(true);
}

int runtime::set_max_procs(int n) {
  std::unique_lock guard(idle_lock_);
  const int before = target_.read();
  if (n < 1) return before;
  target_.write(std::min(n, processors_max));
  ask_for_attention(target_.read());
  update_watched_locked();
  const bool more = target_.read() > before && running_count_ > 0;
  for (worker* w = idle_.front(); w; w = w->next) w->sleep.unpark();
  if (lookout_) lookout_->sleep.unpark();
  guard.unlock();
  if (more) call_lookout();
  return before;
}

std::size_t runtime::count_goroutines() const noexcept {
  std::uint64_t finished = 0;
  for (const processor* p = made_.read(); p; p = p->next_made) finished += p->finished.read();
  // Order: none. A snapshot: read after the finished ones so that it does not fall below zero.
  std::uint64_t created = created_outside_.load(relaxed);
  for (const processor* p = made_.read(); p; p = p->next_made) created += p->created.read();
  return created > finished ? static_cast<std::size_t>(created - finished) : 0;
}

std::uint64_t runtime::take_id(id_block& block) noexcept {
  constexpr std::uint64_t ids_per_block = 1024;
  if (block.empty()) {
    // Order: none. Only the numbers must differ.
    block.next = 1 + ids_per_block * id_blocks_.fetch_add(1, relaxed);
    block.end = block.next + ids_per_block;
  }
  return block.take();
}

goroutine* runtime::take_goroutine() {
  if (worker* w = this_worker()) {
    processor& p = *w->owned;
    if (p.goroutines.empty()) pool_.refill(p.goroutines);
    goroutine* g = p.goroutines.pop();
    g->id = take_id(p.ids);
    const goroutine* creator = w->keeps_time ? nullptr : w->current;
    g->parent = creator ? creator->id : 0;
    if (creator && creator->own.labels) g->own.labels = share(creator->own.labels);
    return g;
  }
  label_set* const labels = thread_belongings().labels;
  std::lock_guard guard(outside_lock_);
  if (outside_cache_.empty()) pool_.refill(outside_cache_);
  goroutine* g = outside_cache_.pop();
  g->id = take_id(outside_ids_);
  g->parent = 0;
  g->own.labels = share(labels);
  return g;
}

std::uint64_t runtime::count_turns() const noexcept {
  std::uint64_t sum = 0;
  for (const processor* p = made_.read(); p; p = p->next_made) sum += p->turns();
  return sum;
}

void runtime::recycle(goroutine& g) noexcept {
  if (worker* w = this_worker())
    recycle_at(*w->owned, g);
  else
    recycle_outside(g);
}

[[gnu::noinline]] void runtime::recycle_slowly(processor& p, goroutine& g) noexcept {
  g.own.drop_names();
  clear_used(g);
  p.goroutines.push(&g);
  if (p.goroutines.count() > goroutine_pool::cached_max) pool_.drain(p.goroutines);
}

[[gnu::noinline]] void runtime::recycle_outside(goroutine& g) noexcept {
  g.own.drop_names();
  clear_used(g);
  std::lock_guard guard(outside_lock_);
  outside_cache_.push(&g);
}

namespace {

/// A new goroutine's first push would be a page fault, while whoever parked before it still holds
/// the lock that its commit will unlock. Here nobody holds any.
void touch_tops(std::span<const stack> some, stack_class size) noexcept {
  for (const stack& s : some) touch_memory(s.top(size) - 1);
}

}  // namespace

stack runtime::take_stack(processor& p, stack_class size) noexcept {
  if (size != default_stack_class) return stacks_.acquire(size);
  if (p.stacks_cached == 0) {
    const std::span some = std::span(p.stacks).first(p.stacks.size() / 2);
    p.stacks_cached = stacks_.acquire_some(some, size);
    touch_tops(some.first(p.stacks_cached), size);
  }
  return p.stacks_cached > 0 ? p.stacks[--p.stacks_cached] : stack();
}

/// A full cache keeps the warmest.
void runtime::return_stack(processor& p, stack s, stack_class size) noexcept {
  if (size != default_stack_class) return stacks_.release(s, size);
  if (p.stacks_cached == p.stacks.size()) [[unlikely]] {
    constexpr std::size_t half = std::tuple_size_v<decltype(p.stacks)> / 2;
    stacks_.release_some(std::span(p.stacks).first(half), size);
    std::copy(p.stacks.begin() + half, p.stacks.end(), p.stacks.begin());
    p.stacks_cached -= half;
  }
  p.stacks[p.stacks_cached++] = s;
}

processor& runtime::processor_here() noexcept {
  if (worker* w = this_worker()) return *w->owned;
  return *processors_[0].read();
}

bool runtime::is_listed(const processor& p) const noexcept {
  return processors_[static_cast<std::size_t>(p.number())].read() == &p;
}

/// After something was armed on p, or moved there: only the timers of a listed processor are looked
/// at. (One that was detached and given back is neither listed nor detached any more.) Who takes p
/// out of the list empties its heap after that, under the heap's lock: either it finds what was
/// armed, or whoever armed it finds p not listed.
void runtime::settle_timers(processor& p) noexcept {
  for (processor* at = &p; !is_listed(*at);) {
    processor* next = processors_[0].read();
    at->timers.move_all_to(next->timers);
    at = next;
    wake_one();  // whoever sleeps until the next timer knows nothing of these
  }
}

void runtime::arm_wake(timed_wake& timer, deadline_ns when) noexcept {
  processor& p = processor_here();
  p.timers.arm(timer, when);
  if (!is_listed(p)) [[unlikely]]
    settle_timers(p);
}

void runtime::arm_action(timed_action& action, deadline_ns when, deadline_ns period,
                         std::uint64_t epoch) noexcept {
  processor& p = processor_here();
  p.timers.arm(action, when, period, epoch);
  if (!is_listed(p)) [[unlikely]]
    settle_timers(p);
}

}  // namespace weft::detail
