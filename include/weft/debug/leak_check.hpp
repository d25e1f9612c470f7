#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <vector>

namespace weft {

/// What `leak_check::check` throws: what() is the list.
class goroutine_leak : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct leak_options {
  /// How long goroutines may take to end on their own.
  std::chrono::nanoseconds grace = std::chrono::seconds(1);
  /// Goroutines of these names are no leaks.
  std::vector<std::string> ignored_names{};
  /// Called by the destructor with the list. Empty: it prints the list on stderr and ends the
  /// program by std::abort, as an assertion does.
  std::function<void(const std::string& list)> on_leak{};
};

/// A scope that no goroutine may outlive: for tests.
///
/// At its end it waits until every goroutine that was started since its beginning has ended, by
/// whomever and wherever it was started; at once if none is left, and no longer than `grace`. What
/// is still alive then is a leak, and is listed as in a dump: number, name, state, for how long,
/// its stack, where it was started; and, where weft can tell, that it will never be woken.
///
/// ```
/// TEST(server, stops) {
///   weft::leak_check guard;               // ends the program if a goroutine is left
///   ...
///   EXPECT_EQ(guard.leaks(), "");         // or: fails this test with the list
/// }
/// ```
/// Guards may nest, on goroutines and plain threads; each counts from its own beginning. Tests that
/// run at the same time in one process see each other's goroutines.
///
/// Blocks:  leaks(), check() and the destructor: until the goroutines have ended, at most `grace`.
/// Threads: one at a time.
/// Example: tests/docs/leak_snippets.cpp
class leak_check {
 public:
  /// Throws: std::bad_alloc.
  explicit leak_check(leak_options options = {},
                      std::source_location where = std::source_location::current());
  leak_check(const leak_check&) = delete;
  leak_check& operator=(const leak_check&) = delete;
  /// Reports leaks, unless leaks(), check() or dismiss() was called. While an exception unwinds the
  /// stack, leaks are only printed.
  ~leak_check();

  /// The list; "": nothing leaked. The destructor will report nothing more.
  /// Throws: std::bad_alloc.
  [[nodiscard]] std::string leaks();
  /// Throws: goroutine_leak, with the list.
  void check();
  /// The destructor will report nothing.
  void dismiss() noexcept { reported_ = true; }

 private:
  leak_options options_;
  std::source_location where_;
  std::vector<std::uint64_t> before_;  // the numbers of those that were there, in order
  int exceptions_ = 0;                 // in flight at the beginning
  bool reported_ = false;
};

}  // namespace weft
