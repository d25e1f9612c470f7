#pragma once

#include <source_location>

namespace weft {

namespace detail {

/// What the report says of a scope; they nest.
struct no_park_note {
  const char* why;
  std::source_location where;
  const no_park_note* outer;
};

}  // namespace detail

/// While it lives, the goroutine must not park: a wait or a yield ends the program, with the
/// goroutine, what it would have waited for, and where the scope began.
///
/// For code that holds what belongs to its thread: a `std::mutex`, a `thread_local`, a library
/// that must be left on the thread it was entered on. After a park that is another thread, or one
/// that others use meanwhile. Costs two plain stores at each end, and nothing at a park.
///
/// It sees parks, not calls that might have parked: a send into a channel with room goes through.
/// On a plain thread it does nothing, since a thread that waits stays what it is.
/// Blocks: never. Throws: nothing.
/// Misuse: it ends on the goroutine on which it began; scopes nest.
/// Threads: goroutines, and plain threads.
/// Example: tests/hazards/no_park_test.cpp
/// ```
/// std::lock_guard lock(cache_mutex);
/// weft::no_park_scope here("the cache's lock");
/// refresh(cache);  // ends the program if it waits in weft
/// ```
class [[nodiscard]] no_park_scope {
 public:
  explicit no_park_scope(const char* why = "",
                         std::source_location where = std::source_location::current()) noexcept;
  no_park_scope(const no_park_scope&) = delete;
  no_park_scope& operator=(const no_park_scope&) = delete;
  ~no_park_scope();

  /// Whether the calling goroutine is in one.
  [[nodiscard]] static bool active() noexcept;

 private:
  detail::no_park_note note_;
};

/// A `std::lock_guard` whose holder must not park: for any lock that belongs to a thread.
/// Blocks: the thread, as `Mutex::lock` does. Throws: what `Mutex::lock` throws.
template <class Mutex>
class [[nodiscard]] no_park_lock {
 public:
  explicit no_park_lock(Mutex& mutex, std::source_location where = std::source_location::current())
      : mutex_((mutex.lock(), mutex)), scope_("a lock of the thread is held", where) {}
  no_park_lock(const no_park_lock&) = delete;
  no_park_lock& operator=(const no_park_lock&) = delete;
  ~no_park_lock() { mutex_.unlock(); }

 private:
  Mutex& mutex_;
  no_park_scope scope_;
};

}  // namespace weft
