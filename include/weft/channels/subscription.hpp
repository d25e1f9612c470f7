#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include <weft/chan.hpp>
#include <weft/detail/channel_kinds.hpp>
#include <weft/error.hpp>

namespace weft {

/// One subscriber's end of a `broadcast` or a `watch`: a `recv_chan<T>` that knows what it missed.
///
/// Copies mean the same subscriber: each value goes to one of them. When the last copy is gone (and
/// every `recv_chan<T>` made from it), the subscriber is forgotten.
template <class T>
class subscription : public recv_chan<T> {
 public:
  /// A nil channel: never ready.
  subscription(std::nullptr_t = nullptr) noexcept {}
  /// For weft's own use: takes over one reference.
  subscription(detail::adopt_t adopt, detail::channel_core* core) noexcept
      : recv_chan<T>(adopt, core) {}

  /// How many values it has lost, since it subscribed, because newer ones needed their place.
  std::uint64_t missed() const noexcept {
    return this->core() ? detail::subscriber_missed(this->core()) : 0;
  }
};

namespace detail {

/// Owns one reference to what broadcast and watch send on; null is nil.
class fan_out_handle {
 public:
  /// Who receives now; a snapshot.
  std::size_t subscribers() const noexcept { return core_ ? fan_out_subscribers(core_) : 0; }
  /// False: nil.
  explicit operator bool() const noexcept { return core_ != nullptr; }
  friend bool operator==(const fan_out_handle& a, const fan_out_handle& b) noexcept {
    return a.core_ == b.core_;
  }
  /// No more sends. Subscribers receive what they have not received yet, then see the end.
  /// Throws: closed_channel: "close of closed channel", "close of nil channel".
  void close() const { fan_out_close(core_); }

 protected:
  fan_out_handle() noexcept = default;
  explicit fan_out_handle(fan_out_core* core) noexcept : core_(core) {}
  fan_out_handle(const fan_out_handle& other) noexcept : core_(other.core_) {
    if (core_) fan_out_retain(core_);
  }
  fan_out_handle& operator=(const fan_out_handle& other) noexcept {
    if (other.core_) fan_out_retain(other.core_);
    if (core_) fan_out_release(core_);
    core_ = other.core_;
    return *this;
  }
  ~fan_out_handle() {
    if (core_) fan_out_release(core_);
  }

  fan_out_core* core() const noexcept { return core_; }
  channel_core* subscribe_core() const { return core_ ? fan_out_subscribe(core_) : nullptr; }
  /// `latest`: see fan_out_send. On nil it blocks for ever.
  bool deliver(const void* value, std::shared_ptr<const void> latest) const {
    if (!core_) channel_send(nullptr, nullptr);
    return fan_out_send(core_, value, std::move(latest));
  }

 private:
  fan_out_core* core_ = nullptr;
};

[[noreturn]] inline void throw_send_on_closed() { throw closed_channel("send on closed channel"); }

}  // namespace detail
}  // namespace weft
