// What AddressSanitizer and ThreadSanitizer must be told about stacks that are switched by hand.
//
// Empty without a sanitizer. Under TSan every stack with a goroutine on it is a fiber. Where the
// library itself is instrumented, a switch orders what went before it on this thread (flag 0), so
// the scheduler's owner-only data need no annotation. In a library for users (WEFT_TSAN_USER) it
// orders nothing, and the scheduler is on a fiber of its own between two goroutines: see told.hpp.
#pragma once

#include <cstddef>

#include "port/switch/told.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define WEFT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__) || defined(WEFT_TSAN_USER)
#define WEFT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEFT_TSAN 1
#endif
#endif

#if defined(WEFT_ASAN)
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#if defined(WEFT_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

// TSan counts calls and returns per fiber: what never returns on its fiber must not be counted.
// ASan may keep locals on a heap, which is gone as soon as it hears that a stack ends: who still
// runs then keeps them on the stack itself.
#if defined(WEFT_TSAN)
#define WEFT_NEVER_RETURNS_ON_ITS_STACK __attribute__((no_sanitize("thread"), noinline))
#elif defined(WEFT_ASAN)
#define WEFT_NEVER_RETURNS_ON_ITS_STACK __attribute__((no_sanitize("address")))
#else
#define WEFT_NEVER_RETURNS_ON_ITS_STACK
#endif

namespace weft::detail {

#if defined(WEFT_ASAN)
inline constexpr bool with_asan = true;
#else
inline constexpr bool with_asan = false;
#endif

/// ThreadSanitizer keeps a thread of its own.
#if defined(WEFT_TSAN)
inline constexpr int sanitizer_thread_count = 1;
#else
inline constexpr int sanitizer_thread_count = 0;
#endif

#if defined(WEFT_TSAN)
void* take_kept_fiber() noexcept;  // null: none is kept
bool keep_fiber(void* fiber) noexcept;
#endif
#if defined(WEFT_TSAN_USER)
/// A new one, or the one that has been unused for longest when many are.
void* take_user_fiber() noexcept;
void keep_user_fiber(void* fiber) noexcept;
/// Moves the calling thread to a new fiber, which is the scheduler's, and back.
void* begin_scheduling() noexcept;
void end_scheduling(void* fiber) noexcept;
#endif
/// Only in a library for users: for a goroutine that begins on a used stack, whose contents are
/// lost.
void forget_accesses(void* low, std::size_t bytes) noexcept;

/// A stack as the sanitizers know it.
struct shadow {
#if defined(WEFT_ASAN)
  void* fake_stack = nullptr;
  const void* bottom = nullptr;
  std::size_t size = 0;
#endif
#if defined(WEFT_TSAN)
  void* fiber = nullptr;
#endif

  void set_bounds([[maybe_unused]] const void* low, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(WEFT_ASAN)
    bottom = low;
    size = bytes;
#endif
  }
  /// Before the first switch to it.
  void take_fiber() noexcept {
#if defined(WEFT_ASAN)
    fake_stack = nullptr;
#elif defined(WEFT_TSAN_USER)
    fiber = take_user_fiber();
#elif defined(WEFT_TSAN)
    fiber = take_kept_fiber();
    if (!fiber) fiber = __tsan_create_fiber(0);
#endif
  }
  /// At the beginning of a worker's thread, for the stack of its loop.
  void use_thread_fiber() noexcept {
#if defined(WEFT_TSAN_USER)
    fiber = begin_scheduling();
#elif defined(WEFT_TSAN)
    fiber = __tsan_get_current_fiber();
#endif
  }
  /// At its end.
  void leave_thread_fiber() noexcept {
#if defined(WEFT_TSAN_USER)
    end_scheduling(fiber);
#endif
  }
  /// Between goroutines: the scheduler's turn, on whatever stack; then a goroutine's again.
  void become() noexcept {
#if defined(WEFT_TSAN_USER)
    __tsan_switch_to_fiber(fiber, __tsan_switch_to_fiber_no_sync);
#endif
  }
  /// TSan shows 63 characters of it.
  void name([[maybe_unused]] const char* text) noexcept {
#if defined(WEFT_TSAN_USER)
    __tsan_set_fiber_name(fiber, text);
#endif
  }
  /// Kept for the next goroutine: making and destroying one maps and unmaps megabytes.
  void give_fiber_back() noexcept {
#if defined(WEFT_TSAN_USER)
    keep_user_fiber(fiber);
    fiber = nullptr;
#elif defined(WEFT_TSAN)
    if (!keep_fiber(fiber)) __tsan_destroy_fiber(fiber);
    fiber = nullptr;
#endif
  }
  /// Around a switch away from this stack. `ends`: it will not be resumed.
  WEFT_NEVER_RETURNS_ON_ITS_STACK
  void before_switch_to([[maybe_unused]] shadow& to, [[maybe_unused]] bool ends) noexcept {
#if defined(WEFT_ASAN)
    __sanitizer_start_switch_fiber(ends ? nullptr : &fake_stack, to.bottom, to.size);
#endif
#if defined(WEFT_TSAN) && !defined(WEFT_TSAN_USER)
    __tsan_switch_to_fiber(to.fiber, 0);
#endif
  }
  /// The first thing on this stack after a switch to it.
  WEFT_NEVER_RETURNS_ON_ITS_STACK
  void after_switch() noexcept {
#if defined(WEFT_ASAN)
    __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
  }
};

/// The leak checker looks for pointers in goroutines' stacks too.
inline void register_stack_memory([[maybe_unused]] void* low,
                                  [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(WEFT_ASAN)
  __lsan_register_root_region(low, bytes);
#endif
}

}  // namespace weft::detail
