#pragma once

#include <chrono>
#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <weft/cancellation.hpp>
#include <weft/detail/deadline.hpp>
#include <weft/detail/spawn.hpp>
#include <weft/detail/sync/once_core.hpp>

namespace weft {

/// Runs one function, once: Go's `sync.Once`.
///
/// The first `call` runs its function; all others return when it has ended, without running
/// theirs. A function that ends by an exception or by exit_goroutine has run: the exception goes to
/// the caller that ran it, and to nobody else.
///
/// Blocks:  while the function runs for somebody else. Afterwards a call is one load (1 ns).
/// Orders:  the end of the function happens before the return of every call.
/// Misuse:  a call from inside the function waits for itself, as in Go. Destroying a once
///          while its function runs ends the program.
/// Threads: every operation may be called from any goroutine and any thread, together.
/// Example: examples/sync/once.cpp
class once {
 public:
  constexpr once() noexcept = default;
  once(const once&) = delete;
  once& operator=(const once&) = delete;

  /// Runs `f` unless a call has done so. Throws: what `f` throws, if this call ran it.
  template <std::invocable F>
  void call(F&& f) {
    if (!core_.done()) [[unlikely]]
      static_cast<void>(run<F>({}, f));
  }
  /// As call, but does not wait longer than `d` for somebody else's run: it does not cut short its
  /// own. Returns: whether the function has run.
  template <class Rep, class Period, std::invocable F>
  bool call_for(std::chrono::duration<Rep, Period> d, F&& f) {
    return core_.done() || run<F>({.deadline = detail::deadline_after(d)}, f);
  }
  template <class Clock, class Duration, std::invocable F>
  bool call_until(std::chrono::time_point<Clock, Duration> t, F&& f) {
    return core_.done() || run<F>({.deadline = detail::deadline_at(t)}, f);
  }
  /// As call, but gives up waiting when a context or a std::stop_token is cancelled. If it is
  /// cancelled already, nothing is run and the answer is false.
  template <std::invocable F>
  bool call(const cancellation& ctx, F&& f) {
    return !ctx.cancelled() && (core_.done() || run<F>(ctx.bound(), f));
  }

 private:
  struct ending {
    detail::once_core& core;
    ~ending() { core.end(); }
  };

  template <class F>
  bool run(const detail::wait_bound& bound, F& f) {
    const detail::once_turn turn = core_.begin(bound);
    if (turn != detail::once_turn::run) return turn == detail::once_turn::done;
    const ending at_exit{core_};
    static_cast<void>(std::invoke(std::forward<F>(f)));
    return true;
  }

  detail::once_core core_;
};

namespace detail {

/// What the copies of a once_func or a once_value share.
template <class F>
struct once_shared {
  explicit once_shared(F&& function) : f(std::move(function)) {}
  explicit once_shared(const F& function) : f(function) {}

  /// Gives the function to `use`, once, and keeps its exception. The function itself is gone
  /// afterwards.
  template <class Use>
  void run(Use use) {
    first.call([&] {
      struct forget {
        std::optional<F>& f;
        ~forget() { f.reset(); }
      } const at_exit{f};
      try {
        use(*f);
      } catch (const exit_request&) {
        error = std::make_exception_ptr(std::runtime_error(
            "weft::once_func: the function ended its goroutine (exit_goroutine)"));
        throw;
      } catch (...) {
        error = std::current_exception();
      }
    });
    if (error) std::rethrow_exception(error);
  }

  once first;
  std::optional<F> f;
  std::exception_ptr error;
};

}  // namespace detail

/// A function that runs `f` at its first call, and never again: Go's `sync.OnceFunc`.
///
/// Copies share the one run. If `f` throws, every call rethrows that exception. If it ends by
/// exit_goroutine, later calls throw std::runtime_error. `f` is destroyed after its run.
///
/// Blocks:  the calls of the result, while `f` runs for somebody else.
/// Throws:  std::bad_alloc, and what copying `f` throws.
/// Example: examples/sync/once.cpp
template <class F>
  requires std::invocable<std::decay_t<F>&>
[[nodiscard]] auto once_func(F&& f) {
  detail::reject_nil(f);
  auto shared = std::make_shared<detail::once_shared<std::decay_t<F>>>(std::forward<F>(f));
  return [shared = std::move(shared)] {
    shared->run([](auto& function) { static_cast<void>(std::invoke(function)); });
  };
}

/// A function that computes a value at its first call, and afterwards returns the same one: Go's
/// `sync.OnceValue`. The value lives as long as a copy of the function does.
///
/// Returns: a callable that returns a const reference to what `f` returned (to a copy of it, if `f`
///          returns a reference).
/// Blocks, Throws: as once_func.
/// ```
/// const auto config = weft::once_value([] { return read_config("/etc/app"); });
/// serve(config().port);
/// ```
template <class F>
  requires std::invocable<std::decay_t<F>&>
[[nodiscard]] auto once_value(F&& f) {
  using value = std::remove_cvref_t<std::invoke_result_t<std::decay_t<F>&>>;
  static_assert(!std::is_void_v<value>, "weft::once_value: the function returns nothing");
  struct kept : detail::once_shared<std::decay_t<F>> {
    using detail::once_shared<std::decay_t<F>>::once_shared;
    std::optional<value> result;
  };
  detail::reject_nil(f);
  auto shared = std::make_shared<kept>(std::forward<F>(f));
  return [shared = std::move(shared)]() -> const value& {
    shared->run([&](auto& function) { shared->result.emplace(std::invoke(function)); });
    return *shared->result;
  };
}

}  // namespace weft
