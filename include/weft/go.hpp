#pragma once

#include <cstddef>
#include <source_location>
#include <string_view>
#include <utility>

#include <weft/detail/spawn.hpp>

namespace weft {

/// What a goroutine is given besides its function; made by `named` or from a stack size alone.
///
/// The name is shown in error messages and dumps; it is copied when the goroutine is started.
class goroutine_options {
 public:
  explicit goroutine_options(
      std::string_view name = {},
      std::source_location where = std::source_location::current()) noexcept {
    request_.name = name;
    request_.site.where = where;
  }

  /// Asks for a stack of at least `bytes` (rounded up to a power of two).
  /// Misuse: below 16 KiB or above 1 GiB, `go` throws std::invalid_argument.
  goroutine_options stack(std::size_t bytes) const noexcept {
    goroutine_options changed = *this;
    changed.request_.stack_bytes = bytes == 0 ? 1 : bytes;
    return changed;
  }

  const detail::spawn_request& request() const noexcept { return request_; }

 private:
  detail::spawn_request request_;
};

/// A name for a goroutine: `go(named("reader"), f)`, `go(named("parser").stack(512 * 1024), f)`.
inline goroutine_options named(
    std::string_view name,
    std::source_location where = std::source_location::current()) noexcept {
  return goroutine_options(name, where);
}

/// Starts `f(args...)` as a goroutine and returns at once: Go's `go f(x)`.
///
/// `f` and the arguments are copied or moved in the caller, as `std::thread` does; wrap an argument
/// in `std::ref` to pass a reference. The goroutine has no handle and no result: talk to it through
/// channels, count it with a `wait_group`. It runs on any worker thread and may change threads
/// whenever it blocks.
///
/// Blocks:  never.
/// Throws:  std::bad_alloc, std::system_error (the first worker thread could not be made),
///          std::invalid_argument (stack size out of range, or "go of nil func value"), and what
///          copying `f` and the arguments throws. After an exception nothing was started.
/// Orders:  the call happens before `f` starts. The end of `f` orders nothing by itself.
/// Misuse:  an exception that leaves `f` ends the program (std::terminate) after a report that
///          names the goroutine and where it was started.
/// Example: examples/tour/concurrent_tasks.cpp
template <class F>
void go(F&& f, std::source_location where = std::source_location::current()) {
  detail::start_closure({.site = {.where = where}}, std::forward<F>(f));
}

/// The same, with a name, a stack size, or both.
template <class F>
void go(const goroutine_options& options, F&& f) {
  detail::start_closure(options.request(), std::forward<F>(f));
}

template <class F, class... Args>
void go(const goroutine_options& options, F&& f, Args&&... args) {
  detail::start_closure(options.request(), std::forward<F>(f), std::forward<Args>(args)...);
}

/// The same, with arguments. A parameter pack leaves no room for a source location, so the place is
/// kept as a code address.
template <class F, class... Args>
  requires(sizeof...(Args) > 0 && !std::is_same_v<std::decay_t<F>, goroutine_options>)
[[gnu::always_inline]] inline void go(F&& f, Args&&... args) {
  detail::start_closure({.site = {.where = {}, .address = detail::here()}}, std::forward<F>(f),
                        std::forward<Args>(args)...);
}

}  // namespace weft
