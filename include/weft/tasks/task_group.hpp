#pragma once

#include <chrono>
#include <concepts>
#include <exception>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include <weft/cancellation.hpp>
#include <weft/context.hpp>
#include <weft/detail/deadline.hpp>
#include <weft/detail/tasks/task_group_core.hpp>
#include <weft/go.hpp>

namespace weft {

namespace detail {

template <class F>
concept group_function = std::invocable<F> || std::invocable<F, const context&>;

}  // namespace detail

/// Goroutines that begin and end within a scope, and fail together: Go's `errgroup.Group`.
///
/// The first exception that leaves one of them cancels the group's context, so that the others can
/// stop, and is rethrown by `wait`; later ones are dropped. A round ends with `wait`, which cancels
/// its context too; then the group may be used again, with a new context. exit_goroutine ends one
/// goroutine and is no failure.
///
/// The destructor cancels and waits, so no goroutine of the group outlives it: they may use what
/// stands before it in the same scope by reference. An exception that no `wait` has taken ends the
/// program there with its words, so that it is not lost; unless the scope is being left by another
/// exception, or all that was thrown is the answer to the destructor's own cancellation.
///
/// Orders:  the end of each function happens before the return of `wait`.
/// Threads: every operation but the destructor, from any goroutine and any thread, together.
/// Example: examples/tasks/first_error.cpp
/// ```
/// weft::task_group g(ctx);
/// for (const url& u : urls) g.go([&](const weft::context& c) { fetch(c, u); });
/// g.wait();
/// ```
class task_group {
 public:
  /// Throws: std::bad_alloc; with a parent also what with_cancel throws.
  task_group() : core_(detail::task_group_make(nullptr)) {}
  /// The group's contexts are children of `parent`.
  explicit task_group(const class context& parent) : core_(detail::task_group_make(&parent)) {}
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;
  ~task_group() {
    detail::task_group_destroy(core_, std::uncaught_exceptions() > uncaught_before_);
  }

  /// Starts `f()` or `f(context)` as a goroutine of this group; its result is ignored.
  ///
  /// Blocks:  while as many goroutines as the limit are active; with no limit never.
  /// Throws:  what weft::go throws; nothing is counted then.
  template <class F>
    requires detail::group_function<std::decay_t<F>>
  void go(F&& f, std::source_location where = std::source_location::current()) {
    static_cast<void>(start({.site = {.where = where}}, std::forward<F>(f), {}));
  }
  /// The same with `weft::named(...)`.
  template <class F>
    requires detail::group_function<std::decay_t<F>>
  void go(const goroutine_options& options, F&& f) {
    static_cast<void>(start(options.request(), std::forward<F>(f), {}));
  }
  /// As go, but gives up waiting for room when a context or a std::stop_token is cancelled.
  /// Returns: whether it was started.
  template <class F>
    requires detail::group_function<std::decay_t<F>>
  bool go(const cancellation& ctx, F&& f,
          std::source_location where = std::source_location::current()) {
    return start({.site = {.where = where}}, std::forward<F>(f), ctx.bound());
  }
  /// Starts it only if there is room now. Returns: whether it was started; `f` is moved from only
  /// then.
  template <class F>
    requires detail::group_function<std::decay_t<F>>
  bool try_go(F&& f, std::source_location where = std::source_location::current()) {
    detail::reject_nil(f);
    if (!detail::task_group_try_begin(core_)) return false;
    launch({.site = {.where = where}}, std::forward<F>(f));
    return true;
  }

  /// At most `n` goroutines are active at a time; negative: no limit; zero: none can be started.
  /// Throws: std::logic_error ("errgroup: modify limit while N goroutines in the group are still
  ///         active").
  void set_limit(int n) { detail::task_group_set_limit(core_, n); }

  /// This round's context: cancelled by the first exception, with that as its cause, by `cancel`,
  /// by `wait`, and with the parent. Throws: std::bad_alloc.
  class context context() const { return detail::task_group_context(core_); }
  /// Asks everyone to stop. Never blocks.
  void cancel() noexcept { detail::task_group_cancel(core_); }

  /// Waits until no goroutine of the group is active.
  /// Throws: the first exception that left one of them, once.
  void wait() { static_cast<void>(detail::task_group_wait(core_, {})); }
  /// As wait, but gives up after `d`. Returns: whether the round has ended.
  template <class Rep, class Period>
  bool wait_for(std::chrono::duration<Rep, Period> d) {
    return detail::task_group_wait(core_, {.deadline = detail::deadline_after(d)});
  }
  template <class Clock, class Duration>
  bool wait_until(std::chrono::time_point<Clock, Duration> t) {
    return detail::task_group_wait(core_, {.deadline = detail::deadline_at(t)});
  }
  /// As wait, but gives up when a context or a std::stop_token is cancelled. That does not cancel
  /// the group.
  bool wait(const cancellation& ctx) { return detail::task_group_wait(core_, ctx.bound()); }

 private:
  template <class F>
  struct counted {
    detail::task_group_core* core;
    std::optional<F> f;
    void operator()() {
      try {
        call();
      } catch (const detail::exit_request&) {
        finish();
        throw;
      } catch (...) {
        detail::task_group_fail(core);
      }
      finish();
    }
    void call() {
      if constexpr (std::invocable<F>)
        static_cast<void>((*std::move(f))());
      else
        static_cast<void>((*std::move(f))(detail::task_group_context(core)));
    }
    /// What f has captured is gone before anybody is told.
    void finish() {
      f.reset();
      detail::task_group_end(core);
    }
  };

  template <class F>
  bool start(const detail::spawn_request& request, F&& f, const detail::wait_bound& bound) {
    detail::reject_nil(f);
    if (!detail::task_group_begin(core_, bound)) return false;
    launch(request, std::forward<F>(f));
    return true;
  }
  template <class F>
  void launch(const detail::spawn_request& request, F&& f) {
    using function = std::decay_t<F>;
    try {
      // Made here, where there is somebody to tell that there is no memory.
      if constexpr (!std::invocable<function>) static_cast<void>(detail::task_group_context(core_));
      detail::start_closure(request, counted<function>{core_, std::forward<F>(f)});
    } catch (...) {
      detail::task_group_end(core_);
      throw;
    }
  }

  detail::task_group_core* core_;
  int uncaught_before_ = std::uncaught_exceptions();
};

}  // namespace weft
