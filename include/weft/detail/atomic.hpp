// The one place that names std::atomic: a model checker replaces these aliases and runs the real
// code.
//
// A library for users of ThreadSanitizer (WEFT_TSAN_USER) is not instrumented. What its objects
// promise to users is then told by `atomic` and `published_to_users`; `inner_atomic`, `hint` and
// `published` stay unseen: an order that they give is the scheduler's own affair, and would hide
// races of goroutines that merely share a queue.
#pragma once

#include <atomic>

#if defined(WEFT_TSAN_USER)
#include <weft/detail/told_atomic.hpp>
#endif

namespace weft::detail {

#if defined(WEFT_TSAN_USER)
template <class T>
using atomic = told_atomic<T>;
#else
template <class T>
using atomic = std::atomic<T>;
#endif

/// Of the scheduler, or used under a lock that users know nothing of.
template <class T>
using inner_atomic = std::atomic<T>;

inline constexpr auto relaxed = std::memory_order_relaxed;
inline constexpr auto acquire = std::memory_order_acquire;
inline constexpr auto release = std::memory_order_release;
inline constexpr auto acq_rel = std::memory_order_acq_rel;

/// A value with one writer at a time and racy readers who want a hint, not a promise.
template <class T>
class hint {
 public:
  constexpr hint(T value = T{}) noexcept : value_(value) {}
  // Order: none. A hint orders nothing; whoever acts on it checks again under a lock.
  T read() const noexcept { return value_.load(std::memory_order_relaxed); }
  // Order: none. See read().
  void write(T value) noexcept { value_.store(value, std::memory_order_relaxed); }
  /// Only the single writer may call it: a plain load, add and store, no locked instruction.
  void bump() noexcept { write(static_cast<T>(read() + 1)); }

 private:
  inner_atomic<T> value_;
};

/// A hint for who goes on to read another: that is as new as this, at least.
template <class T>
class leading_hint {
 public:
  constexpr leading_hint(T value = T{}) noexcept : value_(value) {}
  // Order: leading. acquire here pairs with the release in write(): what the writer knew, and did
  // before, is not read older than that afterwards.
  T read() const noexcept { return value_.load(std::memory_order_acquire); }
  // Order: leading. release here pairs with the acquire in read().
  void write(T value) noexcept { value_.store(value, std::memory_order_release); }

 private:
  inner_atomic<T> value_;
};

/// A pointer or a flag that carries what was written before it to whoever reads it.
template <class T, template <class> class Atomic>
class basic_published {
 public:
  constexpr basic_published(T value = T{}) noexcept : value_(value) {}
  // Order: publish. acquire here pairs with the release in publish().
  T read() const noexcept { return value_.load(std::memory_order_acquire); }
  // Order: publish. release here pairs with the acquire in read().
  void publish(T value) noexcept { value_.store(value, std::memory_order_release); }

 private:
  Atomic<T> value_;
};

template <class T>
using published = basic_published<T, inner_atomic>;
/// The same where it is part of what an object promises: `done` of a once, a context's end.
template <class T>
using published_to_users = basic_published<T, atomic>;

}  // namespace weft::detail
