#pragma once

#include <chrono>
#include <source_location>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <weft/cancellation.hpp>
#include <weft/detail/deadline.hpp>
#include <weft/detail/tasks/task_block.hpp>
#include <weft/go.hpp>

namespace weft {

namespace detail {
struct task_maker;
}

/// Thrown where a result is asked for and the function has ended by exit_goroutine.
class task_exited : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// A goroutine whose result or exception is kept for whoever joins it; made by `spawn`.
///
/// A handle that can be moved and not copied. A task is *ready* when its function has returned, has
/// thrown, or has ended by exit_goroutine.
///
/// Destroyed without having been joined, the task goes on by itself, like a goroutine. If it ends,
/// or has ended, with an exception that nobody has seen, the program ends as it does when an
/// exception leaves a function given to `go`: with a report that names the goroutine and where it
/// was started. Whoever has joined a task and then drops it has chosen to drop its exception too.
///
/// Orders:  `spawn` happens before the function starts; its end happens before `ready`, `join` and
///          `get` tell of it.
/// Threads: one thread or goroutine at a time uses a handle, as any object of the standard library.
/// Misuse:  an empty handle (default-constructed or moved from) throws std::logic_error from
///          everything but `valid`.
/// Example: examples/tasks/results.cpp
template <class R>
class [[nodiscard]] task {
 public:
  using result_type = R;

  task() noexcept = default;
  task(task&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  task& operator=(task&& other) noexcept {
    task(std::move(other)).swap(*this);
    return *this;
  }
  ~task() {
    if (block_) detail::task_drop(*block_);
  }
  void swap(task& other) noexcept { std::swap(block_, other.block_); }

  /// Whether the handle has a task, joined or not.
  bool valid() const noexcept { return block_ != nullptr; }
  /// Never blocks.
  bool ready() const { return core().ready(); }

  /// Blocks until the task is ready. Does not throw the task's exception.
  ///
  /// A task that has not started is run in place, on the caller's stack, when that is safe: the
  /// caller is a goroutine with enough stack left (32 KiB, and a quarter of its stack), and the
  /// task was given no name and no stack size. Then the task runs as the caller:
  /// its id, its labels, its `local` values and its tie to a thread are the caller's.
  /// exit_goroutine ends the task only.
  void join() const {
    static_cast<void>(detail::task_join(core(), {}));
    block_->mark_seen();
  }
  /// As join, but gives up after `d`. Returns: whether the task is ready.
  template <class Rep, class Period>
  bool join_for(std::chrono::duration<Rep, Period> d) const {
    return join_within({.deadline = detail::deadline_after(d)});
  }
  template <class Clock, class Duration>
  bool join_until(std::chrono::time_point<Clock, Duration> t) const {
    return join_within({.deadline = detail::deadline_at(t)});
  }
  /// As join, but gives up when a context or a std::stop_token is cancelled. The task goes on.
  bool join(const cancellation& ctx) const { return join_within(ctx.bound()); }

  /// Joins the task and returns its result, moved out.
  /// Throws: what the function threw; task_exited if it ended by exit_goroutine; std::logic_error
  ///         if the outcome was taken already.
  R get() {
    static_cast<void>(detail::task_join(core(), {}));
    block_->take();
    return block_->move_out();
  }

  /// For weft's own use.
  detail::task_core& core() const {
    if (!block_) detail::throw_no_task();
    return *block_;
  }

 private:
  friend struct detail::task_maker;
  explicit task(detail::task_result<R>* block) noexcept : block_(block) {}

  bool join_within(const detail::wait_bound& bound) const {
    if (!detail::task_join(core(), bound)) return false;
    block_->mark_seen();
    return true;
  }

  detail::task_result<R>* block_ = nullptr;
};

namespace detail {

struct task_maker {
  template <class F, class... Args>
  static task<spawn_result<F, Args...>> make(const spawn_request& request, F&& f, Args&&... args) {
    return task<spawn_result<F, Args...>>(
        start_task(request, std::forward<F>(f), std::forward<Args>(args)...));
  }
};

}  // namespace detail

/// Starts `f(args...)` as a goroutine, as `go` does, and keeps what it returns or throws.
///
/// `f` and the arguments are copied or moved in the caller, and destroyed before the task is ready.
/// The result may be void, a reference, or anything that can be moved.
///
/// Blocks:  never.
/// Throws:  what weft::go throws; then nothing was started.
/// Example:
/// ```
/// auto left = weft::spawn(sum, first, middle);
/// const long right = sum(middle, last);
/// return left.get() + right;
/// ```
template <class F>
  requires std::is_invocable_v<std::decay_t<F>>
auto spawn(F&& f, std::source_location where = std::source_location::current()) {
  return detail::task_maker::make({.site = {.where = where}}, std::forward<F>(f));
}

/// The same, with a name, a stack size, or both. Such a task has a goroutine of its own.
template <class F, class... Args>
  requires std::is_invocable_v<std::decay_t<F>, std::decay_t<Args>...>
auto spawn(const goroutine_options& options, F&& f, Args&&... args) {
  return detail::task_maker::make(options.request(), std::forward<F>(f),
                                  std::forward<Args>(args)...);
}

/// The same, with arguments. The place is kept as a code address.
template <class F, class... Args>
  requires(sizeof...(Args) > 0 && !std::is_same_v<std::decay_t<F>, goroutine_options> &&
           std::is_invocable_v<std::decay_t<F>, std::decay_t<Args>...>)
[[gnu::always_inline]] inline auto spawn(F&& f, Args&&... args) {
  return detail::task_maker::make({.site = {.where = {}, .address = detail::here()}},
                                  std::forward<F>(f), std::forward<Args>(args)...);
}

}  // namespace weft
