#pragma once

#include <chrono>

#include <weft/cancellation.hpp>
#include <weft/detail/deadline.hpp>
#include <weft/detail/sync/mutex_core.hpp>

namespace weft {

/// One at a time: Go's `sync.Mutex`. A goroutine that must wait parks, a plain thread sleeps.
///
/// Lockable and TimedLockable: use it with std::lock_guard, std::scoped_lock, std::unique_lock.
/// 40 bytes, no heap; a static one is initialized by the compiler. To lock and unlock it, when
/// nobody else wants it, costs one locked instruction in all.
///
/// Who gets it: whoever comes by when it is free, even before one that was just woken: that is
/// fast. But one that has waited for more than 1 ms, or was woken twice in vain, is handed the
/// lock, and so are those behind it at the next 64 unlocks, first come, first served. So nobody
/// starves.
///
/// Orders:  an unlock happens before the return of every later lock, and of a try_lock that
///          succeeds. One that fails orders nothing.
/// Misuse:  it is not recursive: locking it twice waits for ever. Unlocking what is not locked ends
///          the program ("fatal error: sync: unlock of unlocked mutex"), and so does destroying it
///          while it is locked or waited for. It may be destroyed as soon as it is unlocked, also
///          before the call that unlocked it has returned.
/// Threads: every operation may be called from any goroutine and any thread, together. It belongs
///          to nobody: another goroutine or thread may unlock it than locked it.
/// Example: examples/sync/mutex.cpp
class mutex {
 public:
  constexpr mutex() noexcept = default;
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;
  ~mutex() {
    if (core_.in_use()) [[unlikely]]
      detail::mutex_destroyed_in_use();
  }

  /// Blocks until it is this caller's.
  void lock() noexcept {
    if (!core_.try_hold()) [[unlikely]]
      detail::mutex_lock_contended(core_);
  }
  /// Never blocks. Returns: whether it is locked now.
  [[nodiscard]] bool try_lock() noexcept { return core_.try_hold(); }
  /// As lock, but gives up after `d`; a free one is taken whatever `d` is.
  /// Returns: whether it is locked now.
  template <class Rep, class Period>
  [[nodiscard]] bool try_lock_for(std::chrono::duration<Rep, Period> d) noexcept {
    return core_.try_hold() ||
           detail::mutex_lock_bounded(core_, {.deadline = detail::deadline_after(d)});
  }
  template <class Clock, class Duration>
  [[nodiscard]] bool try_lock_until(std::chrono::time_point<Clock, Duration> t) noexcept {
    return core_.try_hold() ||
           detail::mutex_lock_bounded(core_, {.deadline = detail::deadline_at(t)});
  }
  /// As lock, but gives up when a context or a std::stop_token is cancelled; at once if it is
  /// already. Returns: whether it is locked now.
  [[nodiscard]] bool lock(const cancellation& ctx) noexcept {
    if (ctx.cancelled()) return false;
    return core_.try_hold() || detail::mutex_lock_bounded(core_, ctx.bound());
  }

  /// Never blocks.
  void unlock() noexcept { core_.let_go(); }

 private:
  detail::mutex_core core_;
};

}  // namespace weft
