#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include <weft/chan.hpp>
#include <weft/go.hpp>

namespace weft {

/// Processors this process may run on: its affinity mask when it started. Never changes.
[[nodiscard]] int num_cpu() noexcept;

/// How many goroutines run at the same time, at most: Go's GOMAXPROCS.
///
/// It starts as `WEFT_MAXPROCS` if that is a positive number, else as the smaller of num_cpu() and
/// the cgroup CPU quota (rounded up, and not below 2 because of a quota).
[[nodiscard]] int max_procs() noexcept;

/// Sets max_procs and returns what it was; `n < 1` only asks, more than 1,024 counts as 1,024.
/// Goroutines that run on a processor too many go on until they next block or yield.
/// Throws: std::bad_alloc; nothing has changed then.
int set_max_procs(int n);

/// Goroutines that exist, from `go` until their function has returned, started or not.
/// Plain threads, `main` among them, are not goroutines.
[[nodiscard]] std::size_t num_goroutines() noexcept;

/// Lets others run: Go's `runtime.Gosched`. On a plain thread: std::this_thread::yield().
void yield() noexcept;

/// Ends the calling goroutine after its destructors (and `defer`s) have run: Go's `runtime.Goexit`.
///
/// It unwinds the stack by an exception of a private type, so a `catch (...)` on the way must
/// rethrow.
/// Misuse: on a plain thread it ends the program by std::terminate.
[[noreturn]] void exit_goroutine();

/// Ties the calling goroutine to its worker thread: it runs only there, and nothing else does,
/// until as many calls to unlock_os_thread. For libraries that keep state per thread. If it ends
/// while tied, so does the thread. No effect on a plain thread.
void lock_os_thread() noexcept;
void unlock_os_thread() noexcept;

/// Threads that run goroutines, at most, those that are blocked included. It starts as
/// `WEFT_MAX_THREADS` if that is a positive number, else as 10,000. When they are used up, a
/// message says so on stderr, and goroutines behind a blocked one wait for it.
/// Returns: what it was; `n < 1` only asks.
int set_max_threads(int n) noexcept;

/// Packs the stacks of goroutines that have been parked for longer than `after`: of a stack that is
/// hardly used, its few hundred live bytes are kept, and the page of 4 KiB goes back to the system
/// until the goroutine wakes, or somebody touches it. For very many that wait for long. Off unless
/// this or `WEFT_PACK_AFTER` (in milliseconds) asks for it; 0 or less switches it off, and brings
/// all stacks back. A thread of weft's looks for them, every quarter of `after` (5 ms to 1 s).
///
/// A wake-up takes some 10 us longer then, and so does the first touch of a local of a packed
/// goroutine, by anybody. Not packed are waits with a deadline and sleeps, and stacks whose last
/// page is nearly full. What it may break stands in docs/process.md.
///
/// Returns: false, and nothing has changed, if it is not possible: it needs Linux 6.13, and there
///          must be no sanitizer and no Valgrind.
/// Misuse: a system call of yours that reads or writes at the address of a parked goroutine's local
///         fails with EFAULT. SIGSEGV must reach weft's handler: it must not be blocked, and a
///         handler of yours must have been there before, or pass on what is not its own.
/// Example: docs/process.md
bool set_pack_parked_after(std::chrono::nanoseconds after);

/// Goroutines whose stacks are packed.
[[nodiscard]] std::size_t num_packed() noexcept;

namespace detail {

/// The place of the calling goroutine's processor is another's while it exists.
class blocking_section {
 public:
  blocking_section() noexcept;
  blocking_section(const blocking_section&) = delete;
  blocking_section& operator=(const blocking_section&) = delete;
  ~blocking_section();
};

}  // namespace detail

/// Calls `f`, which is known to block its thread, and lets another thread run goroutines meanwhile.
///
/// Without it the same happens after some 10 ms, because a monitor notices; `blocking` does it at
/// once. Use it around calls that often take longer than 50 us: name look-ups, file system calls
/// on slow disks, database clients. On a plain thread it is a call.
///
/// Blocks:  as long as `f`, and afterwards until a processor is free.
/// Returns: what `f` returns. Throws: what `f` throws.
/// Example: examples/runtime/blocking_call.cpp
template <class F>
decltype(auto) blocking(F&& f) {
  const detail::blocking_section section;
  return std::invoke(std::forward<F>(f));
}

namespace detail {

template <class R>
struct run_outcome {
  std::exception_ptr error;
  std::optional<R> value;
  template <class F>
  void capture(F& f) {
    value.emplace(std::invoke(f));
  }
  R take() { return std::move(*value); }
};

template <>
struct run_outcome<void> {
  std::exception_ptr error;
  template <class F>
  void capture(F& f) {
    std::invoke(f);
  }
  void take() {}
};

}  // namespace detail

/// Runs `f` as the main goroutine and returns what it returns. With
/// `int main() { return weft::run(real_main); }` a program is Go's: it ends when its main goroutine
/// does, and the others are dropped where they are. A main that needs much stack says so:
/// `weft::run(weft::named("main").stack(8 << 20), real_main)`.
///
/// Blocks:  until `f` has returned. For ever if `f` ends by exit_goroutine: as in Go, the others
///          then go on.
/// Throws:  what `f` throws, and what weft::go throws.
/// Example: examples/tour/prime_sieve.cpp
template <class F>
auto run(const goroutine_options& options, F&& f) {
  using R = std::decay_t<std::invoke_result_t<F&>>;
  detail::run_outcome<R> outcome;
  chan<void> finished(1);
  go(options, [&f, &outcome, finished] {
    try {
      outcome.capture(f);
    } catch (const detail::exit_request&) {
      throw;
    } catch (...) {
      outcome.error = std::current_exception();
    }
    finished.send();
  });
  finished.recv();
  if (outcome.error) std::rethrow_exception(outcome.error);
  return outcome.take();
}

/// The same, with the name "main" and a stack of the default size.
template <class F>
auto run(F&& f, std::source_location where = std::source_location::current()) {
  return run(named("main", where), std::forward<F>(f));
}

}  // namespace weft
