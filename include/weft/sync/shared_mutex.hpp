#pragma once

#include <chrono>

#include <weft/cancellation.hpp>
#include <weft/detail/deadline.hpp>
#include <weft/detail/sync/shared_mutex_core.hpp>

namespace weft {

/// Many readers or one writer: Go's `sync.RWMutex`.
///
/// SharedLockable, SharedTimedLockable, Lockable and TimedLockable: use it with std::shared_lock
/// (Go's RLocker), std::unique_lock and std::scoped_lock. 40 bytes, no heap; a static one is
/// initialized by the compiler. One locked instruction to lock and one to unlock.
///
/// Who gets it: a waiting writer holds back new readers. When a writer unlocks, all readers that
/// came meanwhile go first, together, and then the next writer. While a processor has nothing to
/// do, others may take the lock before the first of those is there; but one that many have passed,
/// or that came in vain twice, is handed it. So neither side starves.
///
/// Orders:  an unlock happens before the return of every later lock and lock_shared; an
///          unlock_shared before the return of every later lock. A try that fails orders nothing.
/// Misuse:  not recursive, for readers neither: a second lock_shared may wait for a writer that
///          waits for the first. No upgrade, no downgrade. Unlocking what is not locked so ends
///          the program ("fatal error: sync: Unlock of unlocked RWMutex", "fatal error: sync:
///          RUnlock of unlocked RWMutex"), and so does destroying it while it is in use. It may be
///          destroyed as soon as it is unlocked, also before that call has returned.
/// Threads: every operation may be called from any goroutine and any thread, together. Another may
///          unlock it than locked it.
/// Example: examples/sync/shared_mutex.cpp
class shared_mutex {
 public:
  constexpr shared_mutex() noexcept = default;
  shared_mutex(const shared_mutex&) = delete;
  shared_mutex& operator=(const shared_mutex&) = delete;
  ~shared_mutex() {
    if (core_.in_use()) [[unlikely]]
      detail::shared_mutex_destroyed_in_use();
  }

  /// Blocks until no reader and no other writer holds it.
  void lock() noexcept {
    if (!core_.try_write()) [[unlikely]]
      static_cast<void>(detail::shared_mutex_lock_bounded(core_, {}));
  }
  /// Never blocks. Returns: whether it is locked now.
  [[nodiscard]] bool try_lock() noexcept { return core_.try_write(); }
  /// As lock, but gives up after `d`; a free one is taken whatever `d` is. Readers that were held
  /// back by the wait go on then. Returns: whether it is locked now.
  template <class Rep, class Period>
  [[nodiscard]] bool try_lock_for(std::chrono::duration<Rep, Period> d) noexcept {
    return core_.try_write() ||
           detail::shared_mutex_lock_bounded(core_, {.deadline = detail::deadline_after(d)});
  }
  template <class Clock, class Duration>
  [[nodiscard]] bool try_lock_until(std::chrono::time_point<Clock, Duration> t) noexcept {
    return core_.try_write() ||
           detail::shared_mutex_lock_bounded(core_, {.deadline = detail::deadline_at(t)});
  }
  /// As lock, but gives up when a context or a std::stop_token is cancelled; at once if it is
  /// already. Returns: whether it is locked now.
  [[nodiscard]] bool lock(const cancellation& ctx) noexcept {
    if (ctx.cancelled()) return false;
    return core_.try_write() || detail::shared_mutex_lock_bounded(core_, ctx.bound());
  }
  /// Never blocks.
  void unlock() noexcept { core_.end_write(); }

  /// Blocks while a writer holds it or waits for it.
  void lock_shared() noexcept {
    if (!core_.read_at_once()) [[unlikely]]
      static_cast<void>(detail::shared_mutex_lock_shared_bounded(core_, {}));
  }
  /// Never blocks. Returns: whether it is locked for reading now.
  [[nodiscard]] bool try_lock_shared() noexcept { return core_.try_read(); }
  /// As lock_shared, but gives up after `d`. Returns: whether it is locked for reading now.
  template <class Rep, class Period>
  [[nodiscard]] bool try_lock_shared_for(std::chrono::duration<Rep, Period> d) noexcept {
    return core_.try_read() ||
           detail::shared_mutex_lock_shared_bounded(core_, {.deadline = detail::deadline_after(d)});
  }
  template <class Clock, class Duration>
  [[nodiscard]] bool try_lock_shared_until(std::chrono::time_point<Clock, Duration> t) noexcept {
    return core_.try_read() ||
           detail::shared_mutex_lock_shared_bounded(core_, {.deadline = detail::deadline_at(t)});
  }
  /// As lock_shared, but gives up when a context or a std::stop_token is cancelled; at once if it
  /// is already. Returns: whether it is locked for reading now.
  [[nodiscard]] bool lock_shared(const cancellation& ctx) noexcept {
    if (ctx.cancelled()) return false;
    return core_.try_read() || detail::shared_mutex_lock_shared_bounded(core_, ctx.bound());
  }
  /// Never blocks.
  void unlock_shared() noexcept { core_.end_read(); }

 private:
  detail::shared_mutex_core core_;
};

}  // namespace weft
