#pragma once

#include <concepts>
#include <cstddef>
#include <stdexcept>
#include <type_traits>

#include <weft/channels/subscription.hpp>

namespace weft {

/// Sends each value to every subscriber, and never waits for one of them.
///
/// A subscriber sees every value sent after it subscribed, in one order that is the same for all;
/// but one that is more than `capacity` values behind loses its oldest ones, and can ask how many
/// (`missed()`). Each gets a copy of its own, made by the sender: for large values send a
/// `std::shared_ptr<const T>`.
///
/// A handle is a reference; nullptr is nil: a send blocks for ever, subscribers of it are nil.
///
/// Misuse:  copying a T must not itself send on, close or subscribe to the same broadcast and wait
///          for that (it would copy again, and so on).
/// Orders:  a send happens before each receive of its value; close happens before a receive that
///          sees it.
/// Threads: every operation may be called from any goroutine and any thread, together.
/// Example: examples/channels/news.cpp
/// ```
/// weft::broadcast<std::string> news(16);
/// weft::go([in = news.subscribe()] { for (const std::string& line : in) print(line); });
/// news.send("to everyone");
/// ```
template <class T>
class broadcast : public detail::fan_out_handle {
  static_assert(std::copy_constructible<T> && std::same_as<T, std::remove_cv_t<T>>,
                "weft::broadcast<T>: T must be a plain value type that can be copied");

 public:
  using value_type = T;

  /// `capacity`: how many values a subscriber may be behind.
  /// Throws: std::invalid_argument if it is below 1, std::bad_alloc.
  template <std::integral I>
  explicit broadcast(I capacity)
      : fan_out_handle(detail::fan_out_make(detail::fan_out_ops_of<T>, checked(capacity))) {}
  /// A nil broadcast.
  broadcast(std::nullptr_t) noexcept {}

  /// Does not wait for receivers, only for another sender that is at it.
  /// Throws: closed_channel ("send on closed channel"), std::bad_alloc, what copying a T throws.
  ///         Then nobody got the value.
  void send(const T& v) const {
    if (!deliver(&v, nullptr)) detail::throw_send_on_closed();
  }
  /// The same, but `closed` is reported, not thrown; `would_block`: nil.
  channel_status try_send(const T& v) const {
    if (!*this) return channel_status::would_block;
    return deliver(&v, nullptr) ? channel_status::ok : channel_status::closed;
  }
  /// A new subscriber. After `close` it sees the end at once.
  /// Throws: std::length_error (an absurd capacity), std::bad_alloc.
  [[nodiscard]] subscription<T> subscribe() const {
    return subscription<T>(detail::adopt_t{}, subscribe_core());
  }
  /// How many values a subscriber may be behind.
  std::size_t capacity() const noexcept { return core() ? detail::fan_out_capacity(core()) : 0; }

 private:
  template <std::integral I>
  static std::size_t checked(I capacity) {
    if (capacity < I{1}) throw std::invalid_argument("weft::broadcast: capacity below 1");
    return static_cast<std::size_t>(capacity);
  }
};

}  // namespace weft
