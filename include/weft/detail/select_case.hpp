// The case objects that select and selector take: what to offer, and what to call afterwards.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <weft/chan.hpp>
#include <weft/detail/select_core.hpp>

namespace weft::detail {

struct ignore_result {
  template <class... Args>
  void operator()(Args&&...) const noexcept {}
};

enum class case_kind { channel, timeout, fallback };

template <class C>
concept receivable = requires(const C& c) {
  typename C::value_type;
  c.recv();
  { c.core() } -> std::same_as<channel_core*>;
};

template <class C>
concept sendable = requires(const C& c) {
  typename C::value_type;
  c.close();
  { c.core() } -> std::same_as<channel_core*>;
};

/// Receives into its own slot and gives the result to F.
template <class T, class F>
class recv_case {
 public:
  static constexpr case_kind kind = case_kind::channel;

  template <class G>
  recv_case(channel_core* channel, G&& f) : channel_(channel), f_(std::forward<G>(f)) {}

  select_case offer() noexcept { return {channel_, room_.raw(), direction::receive, false}; }
  void decline() noexcept {}
  void proceed(bool received) {
    if constexpr (std::is_void_v<T>)
      std::invoke(f_, received);
    else
      std::invoke(f_, received ? room_.take() : std::nullopt);
  }

 private:
  using element = std::conditional_t<std::is_void_v<T>, unit, T>;
  channel_core* channel_;
  F f_;
  slot<element> room_;
};

/// Sends a value it owns (Value is T) or one of the caller's that outlives it (Value is T&).
template <class T, class Value, class F>
class send_case {
 public:
  static constexpr case_kind kind = case_kind::channel;

  template <class V, class G>
  send_case(channel_core* channel, V&& value, G&& f)
      : channel_(channel), value_(std::forward<V>(value)), f_(std::forward<G>(f)) {}

  select_case offer() {
    parcel_.emplace(value_);
    return {channel_, parcel_->raw(), direction::send, false};
  }
  void decline() {
    if (parcel_) parcel_->give_back();
    parcel_.reset();
  }
  void proceed(bool) {
    parcel_.reset();
    channel_ = nullptr;  // spent: a value is sent once
    std::invoke(f_);
  }
  /// The same case with a value of its own, for a selector that outlives the expression.
  send_case<T, T, F> owned() && {
    return send_case<T, T, F>(channel_, std::forward<T>(value_), std::move(f_));
  }

 private:
  channel_core* channel_;
  Value value_;
  F f_;
  std::optional<parcel<T>> parcel_;
};

template <class F>
struct timeout_case {
  static constexpr case_kind kind = case_kind::timeout;
  deadline_ns delay_ns;
  F f;
  void proceed(bool) { std::invoke(f); }
};

template <class F>
struct default_case {
  static constexpr case_kind kind = case_kind::fallback;
  F f;
  void proceed(bool) { std::invoke(f); }
};

template <class C>
concept select_argument = requires {
  { std::remove_cvref_t<C>::kind } -> std::convertible_to<case_kind>;
};

/// Stores what was received in the caller's optional.
template <class T>
struct store_into {
  std::optional<T>* into;
  void operator()(std::optional<T>&& value) const { *into = std::move(value); }
};

}  // namespace weft::detail
