#pragma once

#include <chrono>
#include <concepts>
#include <optional>
#include <source_location>
#include <utility>

#include <weft/cancellation.hpp>
#include <weft/detail/deadline.hpp>
#include <weft/detail/spawn.hpp>
#include <weft/detail/wait_group_core.hpp>

namespace weft {

/// Waits for a number of goroutines to finish: Go's `sync.WaitGroup`.
///
/// A handle is a reference: copies count together, so capture it by value.
///
/// Misuse:  `add` from zero must happen before `wait`; a new round starts only after every `wait`
///          of the last one has returned. A count below zero throws std::logic_error ("sync:
///          negative WaitGroup counter"), and so does one above 2,147,483,647.
/// Orders:  `done` (and the end of a function given to `go`) happens before the return of the
///          `wait` that it unblocks.
/// Threads: every operation may be called from any goroutine and any thread, together.
/// Example: examples/tour/workers.cpp
/// ```
/// weft::wait_group wg;
/// for (int i : {1, 2, 3}) wg.go([i] { work(i); });
/// wg.wait();
/// ```
class wait_group {
 public:
  /// Throws: std::bad_alloc.
  wait_group() : core_(detail::wait_group_make()) {}
  wait_group(const wait_group& other) noexcept : core_(other.core_) {
    detail::wait_group_retain(core_);
  }
  wait_group& operator=(wait_group other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~wait_group() { detail::wait_group_release(core_); }

  /// Adds `n`, which may be negative. At zero every waiter is released. Never blocks.
  void add(int n = 1) const { detail::wait_group_add(core_, n); }
  /// One is finished: add(-1).
  void done() const { detail::wait_group_add(core_, -1); }
  /// Blocks until the count is zero.
  void wait() const { detail::wait_group_wait(core_, {}); }
  /// As wait, but gives up after `d`. Returns: whether the count came to zero.
  template <class Rep, class Period>
  bool wait_for(std::chrono::duration<Rep, Period> d) const {
    return detail::wait_group_wait(core_, {.deadline = detail::deadline_after(d)});
  }
  template <class Clock, class Duration>
  bool wait_until(std::chrono::time_point<Clock, Duration> t) const {
    return detail::wait_group_wait(core_, {.deadline = detail::deadline_at(t)});
  }
  /// As wait, but gives up when a context or a std::stop_token is cancelled.
  /// Returns: whether the count came to zero first.
  bool wait(const cancellation& ctx) const {
    return detail::wait_group_wait(core_, ctx.bound());
  }

  /// Starts `f` as a goroutine that this group counts: add(1), `weft::go`, and done() when `f` has
  /// returned (or ended by exit_goroutine). Throws: what weft::go throws; nothing is counted then.
  template <class F>
    requires std::invocable<std::decay_t<F>>
  void go(F&& f, std::source_location where = std::source_location::current()) const {
    start({.site = {.where = where}}, std::forward<F>(f));
  }
  /// The same with `weft::named(...)` or any other goroutine_options.
  template <class Options, class F>
    requires std::invocable<std::decay_t<F>> && requires(const Options& o) {
      { o.request() } -> std::convertible_to<const detail::spawn_request&>;
    }
  void go(const Options& options, F&& f) const {
    start(options.request(), std::forward<F>(f));
  }

 private:
  template <class F>
  struct counted {
    detail::wait_group_core* core;  // alive while its count is above zero
    std::optional<F> f;
    void operator()() {
      try {
        static_cast<void>((*std::move(f))());
      } catch (const detail::exit_request&) {
        finish();
        throw;
      }
      finish();
    }
    /// What f has captured is gone before anybody is told.
    void finish() {
      f.reset();
      detail::wait_group_add(core, -1);
    }
  };

  template <class F>
  void start(const detail::spawn_request& request, F&& f) const {
    detail::reject_nil(f);
    add(1);
    try {
      detail::start_closure(request, counted<std::decay_t<F>>{core_, std::forward<F>(f)});
    } catch (...) {
      done();
      throw;
    }
  }

  detail::wait_group_core* core_;
};

}  // namespace weft
