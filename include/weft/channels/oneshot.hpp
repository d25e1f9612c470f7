#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>

#include <weft/chan.hpp>
#include <weft/detail/channel_kinds.hpp>

namespace weft {

/// A channel for one value: an answer, a result, a decision.
///
/// The send never waits, and it closes the channel: a second send throws closed_channel ("send on
/// closed channel"), whoever receives after the value was taken gets nullopt at once. `close`
/// without a send says that no value will come.
///
/// A handle is a reference, as that of a `chan<T>`: copies mean the same channel, every operation
/// is const, nullptr is a nil channel. It has the verbs of `chan<T>`, works in `select` and in a
/// range-for, and converts to `recv_chan<T>` and `send_chan<T>`. `T` may be void or move-only.
///
/// Orders:  the send happens before its receive, and before a receive that sees the end.
/// Misuse:  `close` after a send throws closed_channel ("close of closed channel").
/// Threads: every operation may be called from any goroutine and any thread, together.
/// Example: examples/channels/first_answer.cpp
/// ```
/// weft::oneshot<int> answer;
/// weft::go([=] { answer.send(42); });
/// int n = answer.recv().value();
/// ```
template <class T>
class oneshot : public detail::channel_handle,
                public detail::receiving<oneshot<T>, T>,
                public detail::sending<oneshot<T>, T> {
  using element = std::conditional_t<std::is_void_v<T>, detail::unit, T>;
  static_assert(std::is_object_v<element> && std::same_as<element, std::remove_cv_t<element>>,
                "weft::oneshot<T>: T must be a plain value type");

 public:
  using value_type = T;

  /// Throws: std::bad_alloc.
  oneshot()
      : channel_handle(detail::adopt_t{},
                       detail::one_value_channel_make(detail::ops_of<detail::stored<element>>)) {}
  /// A nil channel: operations block for ever.
  oneshot(std::nullptr_t) noexcept {}

  operator recv_chan<T>() const noexcept { return {detail::adopt_t{}, this->shared_core()}; }
  operator send_chan<T>() const noexcept { return {detail::adopt_t{}, this->shared_core()}; }
};

}  // namespace weft
