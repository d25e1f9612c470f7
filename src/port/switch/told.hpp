// What ThreadSanitizer must be told for a user's program: what happens before what.
//
// Empty but in a library for users (WEFT_TSAN_USER), which is not instrumented. There every
// goroutine has a fiber of its own, and switches order nothing; the scheduler has one for each
// worker, on which no access is looked at. All orders are told by hand: here, and by `atomic`.
// Internals mode (-fsanitize=thread on the library itself) needs none of this.
// Threads: any. Tested by: tests/litmus
#pragma once

#include <cstddef>

#if defined(WEFT_TSAN_USER)
#include <sanitizer/tsan_interface.h>

#include <weft/detail/told_atomic.hpp>
#endif

namespace weft::detail {

#if defined(WEFT_TSAN_USER)

inline constexpr bool tells_users = true;

/// What the caller has done happens before what follows a hear_at() of the same place.
inline void tell_at(const void* place) noexcept { __tsan_release(const_cast<void*>(place)); }
inline void hear_at(const void* place) noexcept {
  if (!speaks_for_scheduler()) __tsan_acquire(const_cast<void*>(place));
}

/// Accesses and memory in this scope are nobody's business: locks that are not told of order them.
class unseen_scope {
 public:
  unseen_scope() noexcept;
  unseen_scope(const unseen_scope&) = delete;
  unseen_scope& operator=(const unseen_scope&) = delete;
  ~unseen_scope();
};

/// In this scope the calling thread is another goroutine, which is parked and stays so.
class acting_scope {
 public:
  /// Null: it is not another.
  explicit acting_scope(void* fiber) noexcept : own_(__tsan_get_current_fiber()) {
    if (fiber) __tsan_switch_to_fiber(fiber, __tsan_switch_to_fiber_no_sync);
  }
  acting_scope(const acting_scope&) = delete;
  acting_scope& operator=(const acting_scope&) = delete;
  ~acting_scope() { __tsan_switch_to_fiber(own_, __tsan_switch_to_fiber_no_sync); }

 private:
  void* const own_;
};

/// A place to tell at in objects whose memory is used again: begin() forgets who told before.
class told_edge {
 public:
  void begin() noexcept {
    const unseen_scope scope;
    // Order: none. Of the real world: this is for the sanitizer's own book-keeping.
    __tsan_atomic8_store(&place_, 0, static_cast<int>(std::memory_order_release));
  }
  void tell() noexcept { tell_at(&place_); }
  void hear() noexcept { hear_at(&place_); }

 private:
  char place_ = 0;
};

#else

inline constexpr bool tells_users = false;

inline void tell_at(const void*) noexcept {}
inline void hear_at(const void*) noexcept {}

class unseen_scope {
 public:
  unseen_scope() noexcept {}
  ~unseen_scope() {}
};

class told_edge {
 public:
  void begin() noexcept {}
  void tell() noexcept {}
  void hear() noexcept {}
};

#endif

}  // namespace weft::detail
