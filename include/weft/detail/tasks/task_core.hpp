// A task's untyped half: who runs it, whether it has ended, who waits for it, who frees it.
//
// The typed half stands behind it in the same block: the function, then the result.
// Tested by: tests/unit/api/task_test.cpp, tests/conformance/tasks
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>

#include <weft/detail/atomic.hpp>
#include <weft/detail/spawn.hpp>
#include <weft/detail/wait_bound.hpp>

namespace weft::detail {

class task_core;

struct task_actions {
  void (*run)(task_core&);  // calls the function and destroys it; throws what it throws
  void (*destroy)(task_core&) noexcept;  // the whole block
};

enum class task_outcome : std::uint8_t { pending, value, error, exited };

class task_core {
 public:
  explicit task_core(const task_actions& actions) noexcept : actions_(&actions) {}
  task_core(const task_core&) = delete;
  task_core& operator=(const task_core&) = delete;

  bool ready() const noexcept {
    // Order: task-done. acquire pairs with the release of the one who ran it.
    return (word_.load(acquire) & done) != 0;
  }
  /// Once it is ready, and before it runs.
  task_outcome outcome() const noexcept { return outcome_; }
  /// For the one handle.
  bool taken() const noexcept { return taken_; }
  /// The outcome has an owner now: dropping the task is no loss.
  void mark_seen() noexcept { seen_ = true; }
  /// Returns normally if there is a value; it is the caller's from now on.
  /// Throws: the function's exception, task_exited, or std::logic_error when it is taken already.
  void take();
  std::exception_ptr error() const noexcept { return error_; }

 protected:
  ~task_core() = default;

 private:
  friend class task_machine;  // src/api/tasks/task.cpp
  static constexpr std::uint32_t done = 1;

  atomic<std::uint32_t> word_{0};
  task_outcome outcome_ = task_outcome::pending;
  bool in_place_ = true;  // a joiner may run it
  bool seen_ = false;
  bool taken_ = false;
  const task_actions* actions_;
  goroutine* goroutine_ = nullptr;
  std::uint64_t id_ = 0;
  std::exception_ptr error_;
  creation_site site_;
  std::unique_ptr<char[]> name_;
  // The queue of those who wait and its lock; src knows their types.
  alignas(void*) std::byte waiting_[3 * sizeof(void*)];
};

/// Starts it as a goroutine. Throws: what weft::go throws; then nothing was started, and the block
/// is still the caller's.
void task_start(task_core& t, const spawn_request& request);
/// Waits for it, or runs it in place. Returns: whether it has ended within the bound.
bool task_join(task_core& t, const wait_bound& bound) noexcept;
/// Joins several, the last one first: that is the newest, which can be taken back.
/// Returns: whether all have ended within the bound; then they count as seen.
bool task_join_all(task_core* const* tasks, std::size_t count, const wait_bound& bound) noexcept;
/// The handle goes. The block is freed when the goroutine has let go of it as well.
void task_drop(task_core& t) noexcept;

inline constexpr std::size_t no_task = SIZE_MAX;
/// Waits for the first of several to be ready; the lowest index wins a tie.
/// Returns: its index, or no_task when the bound came first.
/// Throws: std::bad_alloc, std::invalid_argument if there are none.
std::size_t task_wait_any(task_core* const* tasks, std::size_t count, const wait_bound& bound);

[[noreturn]] void throw_no_task();
[[noreturn]] void throw_task_exited();

}  // namespace weft::detail
