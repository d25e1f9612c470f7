// The parts of the channel handles: ownership, the receiving half and the sending half.
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>

#include <weft/cancellation.hpp>
#include <weft/detail/channel_core.hpp>
#include <weft/recv_result.hpp>

namespace weft {

namespace detail {

struct adopt_t {};

/// Owns one reference to a channel; a null pointer is Go's nil channel.
class channel_handle {
 public:
  /// Elements in the buffer now; a snapshot. A nil, unbuffered or timer channel says 0.
  std::size_t size() const noexcept { return core_ ? channel_size(core_) : 0; }
  /// What the channel was made with. A nil, unbuffered or timer channel says 0.
  std::size_t capacity() const noexcept { return core_ ? channel_capacity(core_) : 0; }
  /// False: a nil channel, on which every operation blocks for ever.
  explicit operator bool() const noexcept { return core_ != nullptr; }
  /// Two handles are equal when they mean the same channel, whatever their direction.
  friend bool operator==(const channel_handle& a, const channel_handle& b) noexcept {
    return a.core_ == b.core_;
  }

  /// For weft's own use: the channel itself, still owned by this handle.
  channel_core* core() const noexcept { return core_; }

 protected:
  channel_handle() noexcept = default;
  channel_handle(adopt_t, channel_core* core) noexcept : core_(core) {}
  channel_handle(const channel_handle& other) noexcept : core_(other.core_) {
    if (core_) channel_retain(core_);
  }
  channel_handle(channel_handle&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  channel_handle& operator=(const channel_handle& other) noexcept {
    if (other.core_) channel_retain(other.core_);
    channel_core* old = std::exchange(core_, other.core_);
    if (old) channel_release(old);
    return *this;
  }
  channel_handle& operator=(channel_handle&& other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~channel_handle() {
    if (core_) channel_release(core_);
  }
  /// Another reference, for a handle of another type.
  channel_core* shared_core() const noexcept {
    if (core_) channel_retain(core_);
    return core_;
  }

 private:
  channel_core* core_ = nullptr;
};

/// The receiving verbs, for recv_chan<T> and chan<T>.
template <class Self, class T>
class receiving {
 public:
  /// Blocks until there is a value; nullopt: closed and drained. A chan<void> returns bool.
  /// Blocks:  while the channel is open and empty; for ever on a nil channel.
  /// Throws:  only what moving a T throws; the value is then gone.
  /// Orders:  the send happens before its receive returns; the k-th receive on a channel of
  ///          capacity C happens before the (k+C)-th send completes; close happens before a
  ///          receive that sees it.
  std::optional<T> recv() const {
    slot<T> room;
    if (!channel_recv(self(), room.raw())) return std::nullopt;
    return room.take();
  }
  /// Never blocks. The status tells `would_block` from `closed`.
  recv_result<T> try_recv() const {
    slot<T> room;
    return recv_result<T>::make(channel_try_recv(self(), room.raw()), room);
  }
  /// As recv, but gives up after `d` (a negative one is already over): status `timeout`.
  /// A value that is ready wins over a time that has passed. No value is lost by a timeout.
  template <class Rep, class Period>
  recv_result<T> recv_for(std::chrono::duration<Rep, Period> d) const {
    return recv_bounded({.deadline = deadline_after(d)});
  }
  /// The same with a point in time, on any clock.
  template <class Clock, class Duration>
  recv_result<T> recv_until(std::chrono::time_point<Clock, Duration> t) const {
    return recv_bounded({.deadline = deadline_at(t)});
  }
  /// As recv, but gives up when a context or a std::stop_token is cancelled: status `cancelled`,
  /// also if it was cancelled before the call and a value is ready.
  recv_result<T> recv(const cancellation& ctx) const { return recv_bounded(ctx.bound()); }

  /// An input iterator that receives; it equals the end when the channel is closed and drained.
  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;

    explicit iterator(const Self& from) : from_(&from), current_(from.recv()) {}
    T& operator*() const noexcept { return *current_; }
    iterator& operator++() {
      current_.reset();
      if (std::optional<T> next = from_->recv()) current_.emplace(std::move(*next));
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept {
      return !i.current_.has_value();
    }

   private:
    const Self* from_;
    mutable std::optional<T> current_;
  };

  /// `for (T& v : channel)`: Go's `for v := range channel`. begin() receives the first value.
  iterator begin() const { return iterator(static_cast<const Self&>(*this)); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  channel_core* self() const noexcept { return static_cast<const Self*>(this)->core(); }
  recv_result<T> recv_bounded(const wait_bound& bound) const {
    slot<T> room;
    return recv_result<T>::make(channel_recv_bounded(self(), room.raw(), bound), room);
  }
};

/// The sending verbs, for send_chan<T> and chan<T>.
template <class Self, class T>
class sending {
 public:
  /// Blocks until a receiver or the buffer took the value.
  /// Throws:  closed_channel ("send on closed channel"), also when it is closed during the wait;
  ///          the value is then dropped with the parameter. And what copying into `v` throws.
  void send(T v) const {
    parcel<T> p(v);
    channel_send(self(), p.raw());
  }
  /// Never blocks. Not `ok`: an rvalue is left as it was (a type whose move may throw is moved
  /// back). `closed` is reported, not thrown.
  channel_status try_send(T&& v) const {
    return parcel<T>(v).offer([&](void* raw) { return channel_try_send(self(), raw); });
  }
  channel_status try_send(const T& v) const {
    T copy(v);
    return try_send(std::move(copy));
  }
  /// As send, but gives up after `d`: `timeout`. `closed` is reported, not thrown.
  /// An rvalue that was not sent is left as it was.
  template <class Rep, class Period>
  channel_status send_for(T&& v, std::chrono::duration<Rep, Period> d) const {
    return send_bounded(v, {.deadline = deadline_after(d)});
  }
  template <class Rep, class Period>
  channel_status send_for(const T& v, std::chrono::duration<Rep, Period> d) const {
    T copy(v);
    return send_bounded(copy, {.deadline = deadline_after(d)});
  }
  /// The same with a point in time, on any clock.
  template <class Clock, class Duration>
  channel_status send_until(T&& v, std::chrono::time_point<Clock, Duration> t) const {
    return send_bounded(v, {.deadline = deadline_at(t)});
  }
  template <class Clock, class Duration>
  channel_status send_until(const T& v, std::chrono::time_point<Clock, Duration> t) const {
    T copy(v);
    return send_bounded(copy, {.deadline = deadline_at(t)});
  }
  /// As send, but gives up when a context or a std::stop_token is cancelled: `cancelled`, also if
  /// it was cancelled before the call. `closed` is reported, not thrown.
  channel_status send(const cancellation& ctx, T&& v) const {
    return send_bounded(v, ctx.bound());
  }
  channel_status send(const cancellation& ctx, const T& v) const {
    T copy(v);
    return send_bounded(copy, ctx.bound());
  }
  /// No more sends: receivers drain the buffer and then see the end. Waiting receivers return,
  /// waiting senders throw.
  /// Throws:  closed_channel: "close of closed channel", "close of nil channel".
  void close() const { channel_close(self()); }

 protected:
  /// As send, but if it throws, `v` is as it was.
  void send_in_place(T& v) const {
    parcel<T>(v).offer([&](void* raw) {
      channel_send(self(), raw);
      return channel_status::ok;
    });
  }

 private:
  channel_core* self() const noexcept { return static_cast<const Self*>(this)->core(); }
  channel_status send_bounded(T& v, const wait_bound& bound) const {
    return parcel<T>(v).offer(
        [&](void* raw) { return channel_send_bounded(self(), raw, bound); });
  }
};

/// A chan<void> carries no value: recv says whether something came.
template <class Self>
class receiving<Self, void> {
 public:
  /// False: closed and drained.
  bool recv() const {
    unit u;
    return channel_recv(self(), &u);
  }
  recv_result<void> try_recv() const {
    unit u;
    return recv_result<void>(channel_try_recv(self(), &u));
  }
  template <class Rep, class Period>
  recv_result<void> recv_for(std::chrono::duration<Rep, Period> d) const {
    unit u;
    return recv_result<void>(
        channel_recv_bounded(self(), &u, {.deadline = deadline_after(d)}));
  }
  template <class Clock, class Duration>
  recv_result<void> recv_until(std::chrono::time_point<Clock, Duration> t) const {
    unit u;
    return recv_result<void>(channel_recv_bounded(self(), &u, {.deadline = deadline_at(t)}));
  }
  recv_result<void> recv(const cancellation& ctx) const {
    unit u;
    return recv_result<void>(channel_recv_bounded(self(), &u, ctx.bound()));
  }

 private:
  channel_core* self() const noexcept { return static_cast<const Self*>(this)->core(); }
};

template <class Self>
class sending<Self, void> {
 public:
  void send() const {
    unit u;
    channel_send(self(), &u);
  }
  channel_status try_send() const {
    unit u;
    return channel_try_send(self(), &u);
  }
  template <class Rep, class Period>
  channel_status send_for(std::chrono::duration<Rep, Period> d) const {
    unit u;
    return channel_send_bounded(self(), &u, {.deadline = deadline_after(d)});
  }
  template <class Clock, class Duration>
  channel_status send_until(std::chrono::time_point<Clock, Duration> t) const {
    unit u;
    return channel_send_bounded(self(), &u, {.deadline = deadline_at(t)});
  }
  channel_status send(const cancellation& ctx) const {
    unit u;
    return channel_send_bounded(self(), &u, ctx.bound());
  }
  void close() const { channel_close(self()); }

 private:
  channel_core* self() const noexcept { return static_cast<const Self*>(this)->core(); }
};

}  // namespace detail
}  // namespace weft
