// Doing, as ThreadSanitizer sees it, what a parked partner would do if it ran.
//
// A receiver puts the value of a parked sender into the ring: that is the sender's doing, and the
// receiver learns nothing of what the sender has done, or a race between the two would be hidden.
// A plain thread cannot be acted for: then the caller learns what the thread did before it parked.
// Empty but in a library for users (see port/switch/told.hpp).
#pragma once

#include "fiber/goroutine.hpp"
#include "fiber/waiter.hpp"

namespace weft::detail {

#if defined(WEFT_TSAN_USER)

class partner_scope {
 public:
  explicit partner_scope(waiter& who) noexcept : acting_(fiber_of(who)) {
    if (who.is == waiter::kind::thread) who.left.hear();
  }

 private:
  static void* fiber_of(waiter& who) noexcept {
    if (who.is == waiter::kind::thread) return nullptr;
    return static_cast<goroutine&>(who).context.sanitizers.fiber;
  }
  acting_scope acting_;
};

#else

class partner_scope {
 public:
  explicit partner_scope(waiter&) noexcept {}
};

#endif

}  // namespace weft::detail
