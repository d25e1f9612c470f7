// A channel without its element type: the compiled core that every chan<T> moves its values
// through.
//
// Threads: everything here may be called from any goroutine and any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include <weft/detail/wait_bound.hpp>

namespace weft {

/// How an operation on a channel ended.
enum class channel_status : std::uint8_t {
  ok,           ///< the value was handed over
  would_block,  ///< nothing was ready (only `try_` operations say so)
  closed,       ///< the channel is closed; for a receive: and drained
  timeout,      ///< the time ran out first
  cancelled,    ///< the wait was cancelled first
};

namespace detail {

class channel_core;

/// What the core must know of an element. Nothing here may throw: see stored<T>.
struct element_ops {
  std::size_t size;
  std::size_t alignment;
  void (*move)(void* to, void* from) noexcept;      // from stays alive, moved from
  void (*relocate)(void* to, void* from) noexcept;  // from ends its life
  void (*destroy)(void* element) noexcept;
};

channel_core* channel_make(std::size_t capacity, const element_ops& ops);
[[noreturn]] void channel_size_out_of_range();
void channel_retain(channel_core* c) noexcept;
void channel_release(channel_core* c) noexcept;

std::size_t channel_size(channel_core* c) noexcept;
std::size_t channel_capacity(channel_core* c) noexcept;

/// Moves *value into the channel. Throws closed_channel; a channel that grows: std::bad_alloc. Then
/// *value is untouched.
void channel_send(channel_core* c, void* value);
channel_status channel_try_send(channel_core* c, void* value);
channel_status channel_send_bounded(channel_core* c, void* value, const wait_bound& bound);

/// Constructs an element at `to`; false: closed and drained, and nothing was constructed.
bool channel_recv(channel_core* c, void* to) noexcept;
channel_status channel_try_recv(channel_core* c, void* to) noexcept;
channel_status channel_recv_bounded(channel_core* c, void* to, const wait_bound& bound) noexcept;

void channel_close(channel_core* c);
/// Returns: whether this call closed it. `c` is not null.
bool channel_close_once(channel_core* c) noexcept;

/// The element of a chan<void>.
struct unit {};

/// How a T travels. A type whose move may throw travels in a box, so that no user code runs, and
/// nothing throws, while a channel is locked.
template <class T>
struct boxed {
  std::unique_ptr<T> value;
};

template <class T>
inline constexpr bool travels_boxed = !std::is_nothrow_move_constructible_v<T>;

template <class T>
using stored = std::conditional_t<travels_boxed<T>, boxed<T>, T>;

template <class S>
inline constexpr element_ops ops_of{
    sizeof(S), alignof(S),
    [](void* to, void* from) noexcept { ::new (to) S(std::move(*static_cast<S*>(from))); },
    [](void* to, void* from) noexcept {
      ::new (to) S(std::move(*static_cast<S*>(from)));
      static_cast<S*>(from)->~S();
    },
    [](void* element) noexcept { static_cast<S*>(element)->~S(); }};

/// Room for an element that a receive will construct.
template <class T>
class slot {
 public:
  slot() noexcept {}
  slot(slot&&) noexcept {}  // only an empty one is moved
  slot& operator=(slot&&) = delete;
  ~slot() {}

  void* raw() noexcept { return &element_; }

  /// Call once, after a receive constructed the element.
  std::optional<T> take() {
    struct destroy_at_exit {
      stored<T>& e;
      ~destroy_at_exit() { std::destroy_at(&e); }
    } guard{element_};
    if constexpr (travels_boxed<T>)
      return std::optional<T>(std::in_place, std::move(*element_.value));
    else
      return std::optional<T>(std::in_place, std::move(element_));
  }

 private:
  union {
    stored<T> element_;
  };
};

/// A value on its way into a channel. A refused rvalue of a boxed type is moved back.
template <class T>
class parcel {
 public:
  explicit parcel(T& value) : value_(value) {
    if constexpr (travels_boxed<T>) box_.value = std::make_unique<T>(std::move(value));
  }
  void* raw() noexcept {
    if constexpr (travels_boxed<T>)
      return &box_;
    else
      return std::addressof(value_);
  }
  /// `send(raw())` offers the value. If it is not taken, whatever the reason, it is given back.
  template <class Send>
  channel_status offer(Send&& send) {
    if constexpr (travels_boxed<T>) {
      try {
        const channel_status status = send(raw());
        if (status != channel_status::ok) give_back();
        return status;
      } catch (...) {
        give_back();
        throw;
      }
    } else {
      return send(raw());
    }
  }
  /// The channel did not take it.
  void give_back() {
    if constexpr (travels_boxed<T>) {
      if constexpr (std::is_move_assignable_v<T>) {
        value_ = std::move(*box_.value);
      } else {
        std::destroy_at(std::addressof(value_));
        std::construct_at(std::addressof(value_), std::move(*box_.value));
      }
    }
  }

 private:
  struct nothing {};
  T& value_;
  [[no_unique_address]] std::conditional_t<travels_boxed<T>, boxed<T>, nothing> box_;
};

}  // namespace detail
}  // namespace weft
