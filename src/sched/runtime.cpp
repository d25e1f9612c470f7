// Start and stop, processors and their number, control blocks.
#include "sched/runtime.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <new>
#include <system_error>

#include "port/sync/barrier.hpp"
#include "port/clock.hpp"
#include "port/cpu_count.hpp"
#include "port/thread.hpp"
#include "sched/scheduler.hpp"

namespace weft::detail {
namespace {

[[noreturn]] void throw_no_thread() {
  throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                          "weft: as many threads as max_threads allows");
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

bool wants_forced_migration() noexcept {
  const char* text = std::getenv("WEFT_FORCE_MIGRATE");
  return text && *text != '\0' && std::strcmp(text, "0") != 0;
}

void stop_at_exit() { runtime::get().stop(); }

/// exit() destroys the main thread's thread_locals before any static object.
struct main_thread_end {
  ~main_thread_end() {
    if (is_main_thread()) runtime::get().stop();
  }
};

void watch_for_exit() {
  std::atexit(stop_at_exit);
  if (is_main_thread()) {
    static thread_local main_thread_end end;
    static_cast<void>(&end);
  }
}

}  // namespace

runtime& runtime::get() noexcept {
  // Outlives every static object, and needs no memory that could be refused.
  alignas(runtime) static std::byte room[sizeof(runtime)];
  static runtime* const instance = ::new (room) runtime;
  return *instance;
}

runtime::runtime() noexcept {
  prepare_barriers();
  target_.write(wanted_procs());
  if (const int n = positive_in_environment("WEFT_MAX_THREADS"); n > 0) threads_max_.write(n);
  forced_migration_ = wants_forced_migration();
}

void ensure_running() { runtime::get().ensure_running(); }

void runtime::ensure_running() {
  if (started_.read()) [[likely]]
    return;
  std::lock_guard guard(start_lock_);
  if (started_.read()) return;
  start_first_worker();
  watch_for_exit();
  started_.publish(true);
}

void runtime::start_first_worker() {
  processor* first = nullptr;
  {
    std::lock_guard guard(idle_lock_);
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
    if (!start_thread_for(*fresh)) throw_no_thread();
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
  prepare_worker_thread("weft-worker");
  set_current_worker_word(w.get());
  w->thread = this_thread_number();
  w->errno_address = &errno;
  w->exceptions = thread_exception_state();
  const stack_bounds bounds = thread_stack_bounds();
  w->own.sanitizers.set_bounds(bounds.low, bounds.bytes);
  w->own.sanitizers.use_thread_fiber();
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

void runtime::stop() noexcept {
  constexpr deadline_ns patience_ns = 20'000'000;
  if (!started_.read()) return;
  stopping_.publish(true);
  ask_for_attention(0);
  {
    std::lock_guard guard(idle_lock_);
    for (worker* w = idle_.front(); w; w = w->next) w->sleep.unpark();
    if (lookout_) lookout_->sleep.unpark();
  }
  const worker* self = this_worker();
  const int own = self && !self->owned->detached.read() ? 1 : 0;
  const deadline_ns give_up = now_ns() + patience_ns;
  while (now_ns() < give_up) {
    {
      std::lock_guard guard(idle_lock_);
      if (running_count_ <= own && !lookout_) return;
    }
    yield_thread();
  }
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
  if (block.left == 0) {
    // Order: none. Only the numbers must differ.
    block.next = 1 + ids_per_block * id_blocks_.fetch_add(1, relaxed);
    block.left = ids_per_block;
  }
  --block.left;
  return block.next++;
}

goroutine* runtime::take_goroutine() {
  if (worker* w = this_worker()) {
    processor& p = *w->owned;
    if (p.goroutines.count() == 0) pool_.refill(p.goroutines);
    goroutine* g = p.goroutines.pop();
    g->id = take_id(p.ids);
    if (const goroutine* creator = w->current; creator && creator->own.labels) [[unlikely]]
      if (!w->keeps_time) g->own.labels = share(creator->own.labels);
    return g;
  }
  label_set* const labels = thread_belongings().labels;
  std::lock_guard guard(outside_lock_);
  if (outside_cache_.count() == 0) pool_.refill(outside_cache_);
  goroutine* g = outside_cache_.pop();
  g->id = take_id(outside_ids_);
  g->own.labels = share(labels);
  return g;
}

void runtime::recycle(goroutine& g) noexcept {
  if (g.own.name || g.own.labels) [[unlikely]]
    g.own.drop_names();
  g.context.stack_pointer = nullptr;
  g.memory = {};
  g.locked_to = nullptr;
  g.avoid = nullptr;
  g.lock_depth = 0;
  g.state.write(goroutine_state::unused);
  if (worker* w = this_worker()) {
    processor& p = *w->owned;
    p.goroutines.push(&g);
    if (p.goroutines.count() > goroutine_pool::cached_max) pool_.drain(p.goroutines);
    return;
  }
  std::lock_guard guard(outside_lock_);
  outside_cache_.push(&g);
}

stack runtime::take_stack(processor& p, stack_class size) noexcept {
  if (size == default_stack_class && p.stacks_cached > 0) return p.stacks[--p.stacks_cached];
  return stacks_.acquire(size);
}

void runtime::return_stack(processor& p, stack s, stack_class size) noexcept {
  if (size == default_stack_class && p.stacks_cached < p.stacks.size())
    p.stacks[p.stacks_cached++] = s;
  else
    stacks_.release(s, size);
}

processor& runtime::processor_here() noexcept {
  if (worker* w = this_worker()) return *w->owned;
  return *processors_[0].read();
}

/// After something was armed on p, or moved there: a processor that was detached meanwhile is
/// looked at by nobody. The heap's lock orders this read after the detaching one's write.
void runtime::settle_timers(processor& p) noexcept {
  for (processor* at = &p; at->detached.read();) {
    processor* next = processors_[0].read();
    if (next == at) return;  // about to be replaced, and emptied after that
    at->timers.move_all_to(next->timers);
    at = next;
    wake_one();  // whoever sleeps until the next timer knows nothing of these
  }
}

void runtime::arm_wake(timed_wake& timer, deadline_ns when) noexcept {
  processor& p = processor_here();
  p.timers.arm(timer, when);
  if (p.detached.read()) [[unlikely]]
    settle_timers(p);
}

void runtime::arm_action(timed_action& action, deadline_ns when, deadline_ns period,
                         std::uint64_t epoch) noexcept {
  processor& p = processor_here();
  p.timers.arm(action, when, period, epoch);
  if (p.detached.read()) [[unlikely]]
    settle_timers(p);
}

}  // namespace weft::detail
