#pragma once

#include <type_traits>
#include <utility>

namespace weft {

/// Runs a function when the scope is left: by return, by exception or by `exit_goroutine`.
///
/// Several of them run in reverse order of their declaration, as in Go.
/// Throws: what the function throws; during unwinding that ends the program, as for any destructor.
/// Example: examples/tour/defer.cpp
/// ```
/// weft::defer close_file{[&] { std::fclose(file); }};
/// ```
template <class F>
class [[nodiscard("a defer without a name runs at once")]] defer {
 public:
  [[nodiscard("a defer without a name runs at once")]]  // g++ looks here, clang at the class
  explicit defer(F f) noexcept(std::is_nothrow_move_constructible_v<F>) : f_(std::move(f)) {}
  defer(const defer&) = delete;
  defer& operator=(const defer&) = delete;
  ~defer() noexcept(std::is_nothrow_invocable_v<F&>) { f_(); }

 private:
  F f_;
};

template <class F>
defer(F) -> defer<F>;

}  // namespace weft
