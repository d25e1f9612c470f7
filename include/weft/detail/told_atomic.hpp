// An atomic whose operations ThreadSanitizer sees in code that is not instrumented.
//
// It has the layout of std::atomic, which is what an instrumented user's code makes of the same
// member. Only <weft/detail/atomic.hpp> includes this.
// Orders: those that the caller names.
// Tested by: tests/litmus
#pragma once

#include <atomic>
#include <cstring>
#include <type_traits>

extern "C" {
#define WEFT_DECLARE_TOLD(bits, type)                     \
  type __tsan_atomic##bits##_load(const type*, int);      \
  void __tsan_atomic##bits##_store(type*, type, int);     \
  type __tsan_atomic##bits##_exchange(type*, type, int);  \
  type __tsan_atomic##bits##_fetch_add(type*, type, int); \
  type __tsan_atomic##bits##_fetch_sub(type*, type, int); \
  type __tsan_atomic##bits##_fetch_and(type*, type, int); \
  type __tsan_atomic##bits##_fetch_or(type*, type, int);  \
  int __tsan_atomic##bits##_compare_exchange_strong(type*, type*, type, int, int);
WEFT_DECLARE_TOLD(8, char)
WEFT_DECLARE_TOLD(32, int)
WEFT_DECLARE_TOLD(64, long)
#undef WEFT_DECLARE_TOLD
}

namespace weft::detail {

/// Whether the calling thread runs the scheduler now: it passes on what it was told, but learns
/// nothing, or it would order goroutines that have nothing to do with each other.
bool speaks_for_scheduler() noexcept;

/// The calls for a word of one size.
template <std::size_t Bytes>
struct told_word;

#define WEFT_DEFINE_TOLD(bits, bytes, type)                                                 \
  template <>                                                                               \
  struct told_word<bytes> {                                                                 \
    using word = type;                                                                      \
    static constexpr auto load = __tsan_atomic##bits##_load;                                \
    static constexpr auto store = __tsan_atomic##bits##_store;                              \
    static constexpr auto exchange = __tsan_atomic##bits##_exchange;                        \
    static constexpr auto fetch_add = __tsan_atomic##bits##_fetch_add;                      \
    static constexpr auto fetch_sub = __tsan_atomic##bits##_fetch_sub;                      \
    static constexpr auto fetch_and = __tsan_atomic##bits##_fetch_and;                      \
    static constexpr auto fetch_or = __tsan_atomic##bits##_fetch_or;                        \
    static constexpr auto compare_exchange = __tsan_atomic##bits##_compare_exchange_strong; \
  };
WEFT_DEFINE_TOLD(8, 1, char)
WEFT_DEFINE_TOLD(32, 4, int)
WEFT_DEFINE_TOLD(64, 8, long)
#undef WEFT_DEFINE_TOLD

template <class T>
class told_atomic {
  static_assert(std::is_trivially_copyable_v<T>);
  using calls = told_word<sizeof(T)>;
  using word = typename calls::word;
  using order = std::memory_order;

 public:
  constexpr told_atomic() noexcept = default;
  constexpr told_atomic(T value) noexcept : value_(value) {}
  told_atomic(const told_atomic&) = delete;
  told_atomic& operator=(const told_atomic&) = delete;

  T load(order o = order::seq_cst) const noexcept {
    if (speaks_for_scheduler()) o = order::relaxed;
    return from_word(calls::load(const_cast<told_atomic*>(this)->place(), number(o)));
  }
  void store(T value, order o = order::seq_cst) noexcept {
    calls::store(place(), to_word(value), number(o));
  }
  T exchange(T value, order o = order::seq_cst) noexcept {
    return from_word(calls::exchange(place(), to_word(value), change(o)));
  }
  T fetch_add(T n, order o = order::seq_cst) noexcept {
    return from_word(calls::fetch_add(place(), to_word(n), change(o)));
  }
  T fetch_sub(T n, order o = order::seq_cst) noexcept {
    return from_word(calls::fetch_sub(place(), to_word(n), change(o)));
  }
  T fetch_and(T bits, order o = order::seq_cst) noexcept {
    return from_word(calls::fetch_and(place(), to_word(bits), change(o)));
  }
  T fetch_or(T bits, order o = order::seq_cst) noexcept {
    return from_word(calls::fetch_or(place(), to_word(bits), change(o)));
  }

  bool compare_exchange_strong(T& expected, T desired, order success, order failure) noexcept {
    word seen = to_word(expected);
    if (speaks_for_scheduler()) failure = order::relaxed;
    const bool done = calls::compare_exchange(place(), &seen, to_word(desired), change(success),
                                              number(failure)) != 0;
    expected = from_word(seen);
    return done;
  }
  bool compare_exchange_strong(T& expected, T desired, order o = order::seq_cst) noexcept {
    return compare_exchange_strong(expected, desired, o, failure_of(o));
  }
  bool compare_exchange_weak(T& expected, T desired, order success, order failure) noexcept {
    return compare_exchange_strong(expected, desired, success, failure);
  }
  bool compare_exchange_weak(T& expected, T desired, order o = order::seq_cst) noexcept {
    return compare_exchange_strong(expected, desired, o, failure_of(o));
  }

 private:
  static constexpr int number(order o) noexcept { return static_cast<int>(o); }
  static int change(order o) noexcept {
    if (!speaks_for_scheduler() || o == order::relaxed || o == order::release) return number(o);
    return number(o == order::acquire ? order::relaxed : order::release);
  }
  static constexpr order failure_of(order o) noexcept {
    if (o == order::acq_rel) return order::acquire;
    return o == order::release ? order::relaxed : o;
  }
  // Safety: the word is looked at by the sanitizer's functions only, which know sizes, no types.
  word* place() noexcept { return reinterpret_cast<word*>(&value_); }
  static word to_word(T value) noexcept {
    word w{};
    std::memcpy(&w, &value, sizeof w);
    return w;
  }
  static T from_word(word w) noexcept {
    T value;
    std::memcpy(&value, &w, sizeof value);
    return value;
  }

  alignas(sizeof(T)) T value_{};
};

}  // namespace weft::detail
