#pragma once

#include <optional>
#include <utility>

#include <weft/detail/channel_core.hpp>

namespace weft {

/// What a bounded or a `try_` receive came back with: a status, and the value when it is `ok`.
///
/// Reads like a std::optional that also says why it is empty.
template <class T>
class recv_result {
 public:
  channel_status status() const noexcept { return status_; }
  /// True: a value was received.
  explicit operator bool() const noexcept { return value_.has_value(); }
  T& operator*() & noexcept { return *value_; }
  const T& operator*() const& noexcept { return *value_; }
  T&& operator*() && noexcept { return std::move(*value_); }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }
  /// Throws: std::bad_optional_access without a value.
  T& value() & { return value_.value(); }
  T&& value() && { return std::move(value_).value(); }

  static recv_result make(channel_status status, detail::slot<T>& room) {
    return recv_result(status, room);
  }

 private:
  recv_result(channel_status status, detail::slot<T>& room)
      : status_(status), value_(status == channel_status::ok ? room.take() : std::nullopt) {}
  channel_status status_;
  std::optional<T> value_;
};

template <>
class recv_result<void> {
 public:
  explicit recv_result(channel_status status) noexcept : status_(status) {}
  channel_status status() const noexcept { return status_; }
  explicit operator bool() const noexcept { return status_ == channel_status::ok; }

 private:
  channel_status status_;
};

}  // namespace weft
