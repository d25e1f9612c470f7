// The one place that names std::atomic: a model checker replaces these aliases and runs the real
// code.
#pragma once

#include <atomic>

namespace weft::detail {

template <class T>
using atomic = std::atomic<T>;

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
  atomic<T> value_;
};

/// A pointer or a flag that carries what was written before it to whoever reads it.
template <class T>
class published {
 public:
  constexpr published(T value = T{}) noexcept : value_(value) {}
  // Order: publish. acquire here pairs with the release in publish().
  T read() const noexcept { return value_.load(std::memory_order_acquire); }
  // Order: publish. release here pairs with the acquire in read().
  void publish(T value) noexcept { value_.store(value, std::memory_order_release); }

 private:
  atomic<T> value_;
};

}  // namespace weft::detail
