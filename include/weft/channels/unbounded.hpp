#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <weft/chan.hpp>
#include <weft/detail/channel_kinds.hpp>

namespace weft {

/// A channel without a limit: a send never waits for a receiver.
///
/// For who must not block (a callback, a destructor, one end of a cycle that could deadlock). There
/// is no back-pressure: if receivers are slower for good, memory grows until there is none. Values
/// are kept in blocks, which are given back as they drain.
///
/// A handle is a reference, as that of a `chan<T>`: copies mean the same channel, every operation
/// is const, nullptr is a nil channel. It has the verbs of `chan<T>`, works in `select` and in a
/// range-for, and converts to `recv_chan<T>` and `send_chan<T>`. `T` may be move-only. `capacity()`
/// is the largest std::size_t.
///
/// Throws:  a send, also one in a `select`, throws std::bad_alloc when there is no memory. Nothing
///          was sent then, nothing that was sent before is lost, and an rvalue is left as it was.
///          A send on a closed channel throws closed_channel.
/// Orders:  a send happens before its receive; close happens before a receive that sees it.
/// Threads: every operation may be called from any goroutine and any thread, together.
/// Example: examples/channels/job_queue.cpp
/// ```
/// weft::unbounded_chan<std::string> log;
/// weft::go([=] { for (const std::string& line : log) write(line); });
/// log.send("never waits");
/// ```
template <class T>
class unbounded_chan : public detail::channel_handle,
                       public detail::receiving<unbounded_chan<T>, T>,
                       public detail::sending<unbounded_chan<T>, T> {
  static_assert(std::is_object_v<T> && std::same_as<T, std::remove_cv_t<T>>,
                "weft::unbounded_chan<T>: T must be a plain value type");
  using sending_verbs = detail::sending<unbounded_chan<T>, T>;

 public:
  using value_type = T;

  /// Throws: std::bad_alloc.
  unbounded_chan()
      : channel_handle(detail::adopt_t{},
                       detail::growing_channel_make(detail::ops_of<detail::stored<T>>)) {}
  /// A nil channel: operations block for ever.
  unbounded_chan(std::nullptr_t) noexcept {}

  /// Never blocks.
  void send(T&& v) const { sending_verbs::send_in_place(v); }
  void send(const T& v) const {
    T copy(v);
    sending_verbs::send_in_place(copy);
  }
  /// The same; `cancelled`, and nothing is done, if the context or std::stop_token is cancelled.
  channel_status send(const cancellation& ctx, T&& v) const {
    return sending_verbs::send(ctx, std::move(v));
  }
  channel_status send(const cancellation& ctx, const T& v) const {
    return sending_verbs::send(ctx, v);
  }

  operator recv_chan<T>() const noexcept { return {detail::adopt_t{}, this->shared_core()}; }
  operator send_chan<T>() const noexcept { return {detail::adopt_t{}, this->shared_core()}; }
};

}  // namespace weft
