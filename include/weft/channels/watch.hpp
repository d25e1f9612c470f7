#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <weft/channels/subscription.hpp>

namespace weft {

/// A value that changes, and those who follow it: a configuration, a state, a position.
///
/// `send` replaces the value, `value()` reads it. A subscriber receives the newest value that it
/// has not seen yet, at first the current one; values in between are skipped (and counted as
/// missed). A send never waits for a subscriber.
///
/// A handle is a reference; nullptr is nil: a send blocks for ever, subscribers of it are nil.
///
/// Orders:  a send happens before each receive, and each `value()`, of its value; close happens
///          before a receive that sees it.
/// Threads: every operation may be called from any goroutine and any thread, together.
/// Example: examples/channels/thermostat.cpp
/// ```
/// weft::watch<settings> config(load());
/// weft::go([in = config.subscribe()] { for (const settings& s : in) apply(s); });
/// config.send(load());
/// ```
template <class T>
class watch : public detail::fan_out_handle {
  static_assert(std::copy_constructible<T> && std::same_as<T, std::remove_cv_t<T>>,
                "weft::watch<T>: T must be a plain value type that can be copied");

 public:
  using value_type = T;

  /// Begins with T(). Throws: std::bad_alloc, what the constructor throws.
  watch()
    requires std::default_initializable<T>
      : watch(T()) {}
  /// Begins with `first`. Throws: std::bad_alloc, what copying a T throws.
  explicit watch(T first) : fan_out_handle(detail::fan_out_make(detail::fan_out_ops_of<T>, 1)) {
    put(std::move(first));
  }
  /// A nil watch. (A template, because `watch<long>(0)` means the number.)
  template <std::same_as<std::nullptr_t> Nil>
  watch(Nil) noexcept {}

  /// Replaces the value. Does not wait for receivers, only for another sender that is at it.
  /// Throws: closed_channel ("send on closed channel"), std::bad_alloc, what copying a T throws.
  ///         Then nothing has changed.
  void send(T v) const {
    if (!put(std::move(v))) detail::throw_send_on_closed();
  }
  /// The same, but `closed` is reported, not thrown; `would_block`: nil.
  channel_status try_send(T v) const {
    if (!*this) return channel_status::would_block;
    return put(std::move(v)) ? channel_status::ok : channel_status::closed;
  }
  /// A copy of the current value, also after `close`. Never blocks.
  /// Throws: std::logic_error ("value of nil watch"), what copying a T throws.
  T value() const { return *shared_value(); }
  /// The current value itself, without a copy; it does not change when the watch's does.
  std::shared_ptr<const T> shared_value() const {
    if (!*this) throw std::logic_error("weft::watch: value of nil watch");
    return std::static_pointer_cast<const T>(detail::fan_out_latest(core()));
  }
  /// A new subscriber; the current value is the first that it receives.
  /// Throws: std::bad_alloc, what copying a T throws.
  [[nodiscard]] subscription<T> subscribe() const {
    return subscription<T>(detail::adopt_t{}, subscribe_core());
  }

 private:
  bool put(T&& v) const {
    if (!*this) return deliver(nullptr, nullptr);
    auto box = std::make_shared<const T>(std::move(v));
    const T* value = box.get();
    return deliver(value, std::move(box));
  }
};

}  // namespace weft
