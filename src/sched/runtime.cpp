// Start and stop, processors and their number, control blocks.
#include "sched/runtime.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

#include "port/sync/barrier.hpp"
#include "port/clock.hpp"
#include "port/cpu_count.hpp"
#include "port/thread.hpp"
#include "sched/scheduler.hpp"

namespace weft::detail {
namespace {

int wanted_procs() noexcept {
  if (const char* text = std::getenv("WEFT_MAXPROCS")) {
    int n = 0;
    const char* end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, n);
    if (stop == end && error == std::errc::result_out_of_range && *text != '-')
      return runtime::processors_max;
    if (stop == end && error == std::errc() && n > 0) return std::min(n, runtime::processors_max);
  }
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

/// Null: max_procs are active, or there is no memory for another.
processor* runtime::activate_processor_locked() {
  if (active_count_ >= target_.read()) return nullptr;
  const auto count = static_cast<std::size_t>(target_.read());
  for (std::size_t i = 0; i < count; ++i) {
    if (active_[i]) continue;
    if (!storage_[i]) {
      storage_[i].reset(new (std::nothrow) processor(static_cast<int>(i)));
      if (!storage_[i]) return nullptr;
      processors_[i].publish(storage_[i].get());
      processors_made_.write(std::max(processors_made_.read(), static_cast<int>(i) + 1));
    }
    storage_[i]->attention.write(forced_migration_);
    active_[i] = true;
    ++active_count_;
    ++running_count_;
    update_watched_locked();
    return storage_[i].get();
  }
  return nullptr;
}

/// Gives an active processor a thread: a spare one, or a new one.
void runtime::start_worker(processor& p) {
  {
    std::lock_guard guard(idle_lock_);
    if (worker* spare = spare_.pop_front()) {
      spare->owned = &p;
      spare->role = worker_role::running;
      return spare->sleep.unpark();  // under the lock: without it the thread may have ended by now
    }
  }
  try {
    auto fresh = std::make_unique<worker>(static_cast<std::uint64_t>(now_ns()));
    fresh->owned = &p;
    fresh->role = worker_role::running;
    start_thread(worker_thread, fresh.get());
    fresh.release();  // the thread's own; it ends with the thread, or with the process
  } catch (...) {
    std::lock_guard guard(idle_lock_);
    active_[static_cast<std::size_t>(p.number())] = false;
    --active_count_;
    --running_count_;
    watched_.publish(true);  // nobody is left who could watch: do not ask again at every push
    throw;
  }
}

void runtime::worker_thread(void* raw) {
  std::unique_ptr<worker> w(static_cast<worker*>(raw));
  prepare_worker_thread();
  set_current_worker_word(w.get());
  w->errno_address = &errno;
  w->exceptions = thread_exception_state();
  const stack_bounds bounds = thread_stack_bounds();
  w->own.sanitizers.set_bounds(bounds.low, bounds.bytes);
  w->own.sanitizers.use_thread_fiber();
  get().run_worker(*w);
  set_current_worker_word(nullptr);
}

/// A thread without a processor, to be given one. Null: there is none to be had.
worker* runtime::start_spare_worker() noexcept {
  try {
    auto fresh = std::make_unique<worker>(static_cast<std::uint64_t>(now_ns()));
    start_thread(worker_thread, fresh.get());
    return fresh.release();
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
  const int own = this_worker() ? 1 : 0;
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
  for (int i = 0; i < processors_made_.read(); ++i)
    if (processor* p = processors_[static_cast<std::size_t>(i)].read())
      finished += p->finished.read();
  // Order: none. A snapshot: read after the finished ones so that it does not fall below zero.
  std::uint64_t created = created_outside_.load(relaxed);
  for (int i = 0; i < processors_made_.read(); ++i)
    if (processor* p = processors_[static_cast<std::size_t>(i)].read())
      created += p->created.read();
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
    p.created.bump();
    if (const goroutine* creator = w->current; creator && creator->labels) [[unlikely]]
      if (!w->keeps_time) g->labels = share(creator->labels);
    return g;
  }
  label_set* const labels = thread_belongings().labels;
  std::lock_guard guard(outside_lock_);
  if (outside_cache_.count() == 0) pool_.refill(outside_cache_);
  goroutine* g = outside_cache_.pop();
  g->id = take_id(outside_ids_);
  // Order: none. A counter.
  created_outside_.fetch_add(1, relaxed);
  g->labels = share(labels);
  return g;
}

void runtime::recycle(goroutine& g) noexcept {
  if (g.name || g.labels) [[unlikely]]
    g.drop_names();
  g.context.stack_pointer = nullptr;
  g.memory = {};
  g.locked_to = nullptr;
  g.avoid = nullptr;
  g.lock_depth = 0;
  g.state.write(goroutine_state::unused);
  if (worker* w = this_worker()) {
    processor& p = *w->owned;
    p.goroutines.push(&g);
    p.finished.bump();
    if (p.goroutines.count() > goroutine_pool::cached_max) pool_.drain(p.goroutines);
    return;
  }
  std::lock_guard guard(outside_lock_);
  outside_cache_.push(&g);
  // Order: none. A counter: this one was never started.
  created_outside_.fetch_sub(1, relaxed);
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

timer_heap& runtime::timers_here() noexcept {
  if (worker* w = this_worker()) return w->owned->timers;
  return processors_[0].read()->timers;
}

}  // namespace weft::detail
