// The case objects that select and selector take: what to offer, and what to call afterwards.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <weft/cancellation.hpp>
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

/// An optional that can be filled without assigning a T.
template <class T>
class received_value : public std::optional<T> {
 public:
  received_value() = default;
  received_value& operator=(std::optional<T>&& other) {
    if (other) this->emplace(std::move(*other));
    return *this;
  }
};

/// Receives into its own slot and gives the result to F.
template <class T, class F>
class recv_case {
 public:
  static constexpr case_kind kind = case_kind::channel;

  template <class G>
  recv_case(channel_core* channel, G&& f) : channel_(channel), f_(std::forward<G>(f)) {}

  select_case offer() noexcept {
    return {channel_, room_.raw(), direction::receive, false, nullptr};
  }
  void decline() noexcept {}
  /// Takes what came out of the slot. May throw what moving a T throws.
  void accept(bool received) {
    result_.reset();  // a selector uses a case again and again
    if (received) result_ = room_.take();
  }
  void proceed() {
    if constexpr (std::is_void_v<T>)
      std::invoke(f_, result_.has_value());
    else
      std::invoke(f_, static_cast<std::optional<T>&&>(result_));
  }

 private:
  using element = std::conditional_t<std::is_void_v<T>, unit, T>;
  channel_core* channel_;
  F f_;
  slot<element> room_;
  received_value<element> result_;
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
    return {channel_, parcel_->raw(), direction::send, false, nullptr};
  }
  void decline() {
    if (parcel_) parcel_->give_back();
    parcel_.reset();
  }
  void accept(bool) noexcept {
    parcel_.reset();
    channel_ = nullptr;  // spent: a value is sent once
  }
  void proceed() { std::invoke(f_); }
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

/// Proceeds when a context or a std::stop_token is cancelled. Source is one of them (owned), or a
/// reference to one that outlives the case.
template <class Source, class F>
class done_case {
 public:
  static constexpr case_kind kind = case_kind::channel;

  template <class G>
  done_case(const std::remove_cvref_t<Source>& source, G&& f)
      : source_(source), f_(std::forward<G>(f)) {}

  select_case offer() {
    by_.emplace(source_);
    return {nullptr, nullptr, direction::cancel, false, by_->state()};
  }
  void decline() noexcept { by_.reset(); }
  void accept(bool) noexcept { by_.reset(); }
  void proceed() { std::invoke(f_); }
  /// The same case with a source of its own, for a selector that outlives the expression.
  done_case<std::remove_cvref_t<Source>, F> owned() && {
    return done_case<std::remove_cvref_t<Source>, F>(source_, std::move(f_));
  }
  done_case(done_case&& other) : source_(other.source_), f_(std::move(other.f_)) {}

 private:
  Source source_;
  F f_;
  std::optional<cancellation> by_;
};

template <class F>
struct timeout_case {
  static constexpr case_kind kind = case_kind::timeout;
  deadline_ns delay_ns;
  F f;
  void proceed() { std::invoke(f); }
};

template <class F>
struct default_case {
  static constexpr case_kind kind = case_kind::fallback;
  F f;
  void proceed() { std::invoke(f); }
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
