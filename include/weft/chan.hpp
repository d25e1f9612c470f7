#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <weft/detail/channel_core.hpp>
#include <weft/detail/channel_handle.hpp>
#include <weft/error.hpp>
#include <weft/recv_result.hpp>

namespace weft {

template <class T>
class chan;

/// The receiving end of a channel: Go's `<-chan T`. A `chan<T>` converts to it, never back.
template <class T>
class recv_chan : public detail::channel_handle, public detail::receiving<recv_chan<T>, T> {
 public:
  using value_type = T;
  /// A nil channel: never ready.
  recv_chan(std::nullptr_t = nullptr) noexcept {}
  recv_chan(const chan<T>& both) noexcept : channel_handle(both) {}
  recv_chan(chan<T>&& both) noexcept : channel_handle(std::move(both)) {}
  /// For weft's own use: takes over one reference.
  recv_chan(detail::adopt_t adopt, detail::channel_core* core) noexcept
      : channel_handle(adopt, core) {}
};

/// The sending end of a channel: Go's `chan<- T`. A `chan<T>` converts to it, never back.
template <class T>
class send_chan : public detail::channel_handle, public detail::sending<send_chan<T>, T> {
 public:
  using value_type = T;
  /// A nil channel: never ready.
  send_chan(std::nullptr_t = nullptr) noexcept {}
  send_chan(const chan<T>& both) noexcept : channel_handle(both) {}
  send_chan(chan<T>&& both) noexcept : channel_handle(std::move(both)) {}
  /// For weft's own use: takes over one reference.
  send_chan(detail::adopt_t adopt, detail::channel_core* core) noexcept
      : channel_handle(adopt, core) {}
};

/// A typed conduit between goroutines, and between them and threads: Go's `chan T`.
///
/// A handle is a reference: copies mean the same channel, so capture it by value; every operation
/// is const. The channel lives until its last handle is gone; values still inside are destroyed
/// then.
///
///   state            | send                | recv                    | close
///   -----------------|---------------------|-------------------------|------------------------
///   nil              | blocks for ever     | blocks for ever         | throws
///   open, no room    | blocks              | takes a value           | wakes: senders throw
///   open, empty      | hands over, buffers | blocks                  | wakes: receivers see the
///   end closed, values   | throws              | takes a value           | throws closed, drained
///   | throws              | nullopt at once         | throws
///
/// Values come out in the order they were sent; waiting receivers, and waiting senders, are served
/// first come, first served. An unbuffered channel (capacity 0) hands each value straight from the
/// sender to the receiver, and both go on only then.
///
/// `T` may be move-only, and may throw when it is copied or moved (it then travels in a box).
/// Threads: every operation may be called from any goroutine and any thread, together.
/// Example: examples/tour/pipeline.cpp
/// ```
/// weft::chan<int> c(3);
/// weft::go([=] { for (int i : {1, 2, 3}) c.send(i); c.close(); });
/// for (int i : c) std::cout << i << '\n';
/// ```
template <class T>
class chan : public detail::channel_handle,
             public detail::receiving<chan<T>, T>,
             public detail::sending<chan<T>, T> {
  using element = std::conditional_t<std::is_void_v<T>, detail::unit, T>;
  static_assert(std::is_object_v<element> && std::same_as<element, std::remove_cv_t<element>>,
                "weft::chan<T>: T must be a plain value type");

 public:
  using value_type = T;

  /// An unbuffered channel: Go's `make(chan T)`. Throws: std::bad_alloc.
  chan() : channel_handle(detail::adopt_t{}, make(0)) {}
  /// A channel with room for `capacity` values: Go's `make(chan T, capacity)`.
  /// Throws: std::length_error ("makechan: size out of range") if it is negative or absurd,
  ///         std::bad_alloc.
  template <std::integral I>
  explicit chan(I capacity) : channel_handle(detail::adopt_t{}, make(checked(capacity))) {}
  /// A nil channel: operations block for ever, a select case with it is never ready.
  chan(std::nullptr_t) noexcept {}

 private:
  static detail::channel_core* make(std::size_t capacity) {
    return detail::channel_make(capacity, detail::ops_of<detail::stored<element>>);
  }
  template <std::integral I>
  static std::size_t checked(I capacity) {
    if constexpr (std::is_signed_v<I>)
      if (capacity < 0) detail::channel_size_out_of_range();
    return static_cast<std::size_t>(capacity);
  }
};

}  // namespace weft
