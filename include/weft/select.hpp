#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <weft/detail/select_case.hpp>

namespace weft {

/// A case that receives. `f` gets a `std::optional<T>` (nullopt: closed and drained); for a
/// `chan<void>` it gets a bool (false: closed).
template <detail::receivable C, class F>
  requires(!std::same_as<std::remove_cvref_t<F>, std::optional<typename C::value_type>>)
[[nodiscard]] auto on_recv(const C& c, F&& f) {
  return detail::recv_case<typename C::value_type, std::decay_t<F>>(c.core(), std::forward<F>(f));
}
/// The same, storing what came in `into`, to be read after select returned this case's index.
template <detail::receivable C>
  requires(!std::is_void_v<typename C::value_type>)
[[nodiscard]] auto on_recv(const C& c, std::optional<typename C::value_type>& into) {
  using T = typename C::value_type;
  return detail::recv_case<T, detail::store_into<T>>(c.core(), detail::store_into<T>{&into});
}
/// The same, dropping what came.
template <detail::receivable C>
[[nodiscard]] auto on_recv(const C& c) {
  return detail::recv_case<typename C::value_type, detail::ignore_result>(c.core(),
                                                                          detail::ignore_result{});
}

/// A case that sends `v`, then calls `f()`. An rvalue is moved from only if this case proceeds; an
/// lvalue is copied when the case is made.
template <detail::sendable C, class V, class F = detail::ignore_result>
  requires(!std::is_void_v<typename C::value_type> &&
           std::convertible_to<V, typename C::value_type>)
[[nodiscard]] auto on_send(const C& c, V&& v, F&& f = {}) {
  using T = typename C::value_type;
  if constexpr (std::same_as<V, T>)
    return detail::send_case<T, T&, std::decay_t<F>>(c.core(), v, std::forward<F>(f));
  else
    return detail::send_case<T, T, std::decay_t<F>>(c.core(), std::forward<V>(v),
                                                    std::forward<F>(f));
}
/// A case that sends on a `chan<void>`.
template <detail::sendable C, class F = detail::ignore_result>
  requires(std::is_void_v<typename C::value_type> && std::invocable<F&>)
[[nodiscard]] auto on_send(const C& c, F&& f = {}) {
  return detail::send_case<detail::unit, detail::unit, std::decay_t<F>>(c.core(), detail::unit{},
                                                                        std::forward<F>(f));
}

/// A case that proceeds when nothing else did for `d`, counted from the start of the select.
template <class Rep, class Period, class F = detail::ignore_result>
[[nodiscard]] auto on_timeout(std::chrono::duration<Rep, Period> d, F&& f = {}) {
  return detail::timeout_case<std::decay_t<F>>{detail::to_ns_saturated(d), std::forward<F>(f)};
}

/// A case that proceeds when a context or a std::stop_token is cancelled: Go's
/// `case <-ctx.Done()`, without a channel. It is ready like any other as long as it is cancelled.
template <class C, class F = detail::ignore_result>
  requires(std::same_as<C, context> || std::same_as<C, std::stop_token>)
[[nodiscard]] auto on_done(const C& by, F&& f = {}) {
  return detail::done_case<const C&, std::decay_t<F>>(by, std::forward<F>(f));
}

/// A case that proceeds at once when no other can: Go's `default`.
template <class F = detail::ignore_result>
[[nodiscard]] auto on_default(F&& f = {}) {
  return detail::default_case<std::decay_t<F>>{std::forward<F>(f)};
}

namespace detail {

/// Fills a request from cases of different types, and tells them how it ended.
template <class... Cases>
class static_select {
  static constexpr std::size_t count = sizeof...(Cases);
  static constexpr std::array<case_kind, count> kinds{Cases::kind...};
  static constexpr auto fallbacks = std::count(kinds.begin(), kinds.end(), case_kind::fallback);
  static_assert(fallbacks <= 1, "weft::select: multiple default cases");

  static constexpr auto channels_before(std::size_t index) {
    return static_cast<std::size_t>(
        std::count(kinds.begin(), kinds.begin() + index, case_kind::channel));
  }
  static constexpr std::size_t channels = channels_before(count);
  /// Which case an offer came from.
  static constexpr auto index_of = [] {
    std::array<std::size_t, channels + 1> result{};
    for (std::size_t i = 0; i < count; ++i)
      if (kinds[i] == case_kind::channel) result[channels_before(i)] = i;
    return result;
  }();
  using indices = std::make_index_sequence<count>;

 public:
  explicit static_select(Cases&... cases) : cases_(cases...) {}
  ~static_select() noexcept(false) {
    if (!declined_) decline_others(indices());
  }

  std::size_t run(choice order) {
    offer_all(indices());
    const std::size_t winner =
        select_wait({{offers_.data(), channels}, fallbacks == 1, deadline_, order});
    if (winner == select_default)
      chosen_ = default_index_;
    else if (winner == select_timeout)
      chosen_ = timeout_index_;
    else
      chosen_ = index_of[winner];
    end(winner < channels && offers_[winner].received, indices());
    return chosen_;
  }

 private:
  template <std::size_t... I>
  void offer_all(std::index_sequence<I...>) {
    (offer<I>(std::get<I>(cases_)), ...);
  }
  template <std::size_t I, class Case>
  void offer(Case& c) {
    if constexpr (Case::kind == case_kind::channel) {
      offers_[channels_before(I)] = c.offer();
    } else if constexpr (Case::kind == case_kind::timeout) {
      const deadline_ns at = deadline_after_ns(c.delay_ns);
      if (timeout_index_ == count || at < deadline_) {
        deadline_ = at;
        timeout_index_ = I;
      }
    } else {
      default_index_ = I;
    }
  }
  template <std::size_t... I>
  void end([[maybe_unused]] bool received, std::index_sequence<I...>) {
    static_cast<void>(((I == chosen_ && (end_chosen(std::get<I>(cases_), received), true)) || ...));
  }
  template <class Case>
  void end_chosen(Case& c, bool received) {
    if constexpr (requires { c.accept(received); }) c.accept(received);
    decline_others(indices());
    c.proceed();
  }
  template <std::size_t... I>
  void decline_others(std::index_sequence<I...>) {
    declined_ = true;
    (decline<I>(std::get<I>(cases_)), ...);
  }
  template <std::size_t I, class Case>
  void decline(Case& c) {
    if constexpr (requires { c.decline(); })
      if (I != chosen_) c.decline();
  }

  std::tuple<Cases&...> cases_;
  std::array<select_case, channels == 0 ? 1 : channels> offers_;  // filled by offer_all()
  deadline_ns deadline_ = never_ns;
  std::size_t timeout_index_ = count;
  std::size_t default_index_ = count;
  std::size_t chosen_ = count;
  bool declined_ = false;
};

}  // namespace detail

/// Waits until one of several channel operations can proceed, and does exactly that one.
///
/// If several are ready, one is chosen uniformly at random. `on_default` proceeds if none is ready
/// at that instant; `on_timeout` if none became ready in time; `on_done` if a context is cancelled.
/// The same channel may stand in several cases. A case on a nil channel is never ready: set a
/// channel to `nullptr` to switch its case off. The handler of the chosen case runs in the caller,
/// after every channel has been let go.
///
/// Blocks:  until a case can proceed; for ever without any case that ever can.
/// Returns: the index of the case, in the order of the arguments: `switch (select(...))` works.
/// Throws:  closed_channel ("send on closed channel") if a send case on a closed channel is chosen,
///          and what the handler throws. Compile time: two defaults.
/// Orders:  as for the chosen operation.
/// Note:    C++ does not order the evaluation of function arguments, so operands with side effects
///          are not evaluated "in source order" as in Go; give them names first.
/// Example: examples/tour/select_timeout.cpp
template <detail::select_argument... Cases>
std::size_t select(Cases&&... cases) {
  return detail::static_select<std::remove_reference_t<Cases>...>(cases...).run(
      detail::choice::uniform);
}

/// As `select`, but the first ready case in the order of the arguments is taken: a priority select.
template <detail::select_argument... Cases>
std::size_t select_in_order(Cases&&... cases) {
  return detail::static_select<std::remove_reference_t<Cases>...>(cases...).run(
      detail::choice::in_order);
}

/// A select whose cases are known only at run time: Go's `reflect.Select`.
///
/// It keeps the channels and contexts of its cases alive. A send case is spent once it proceeded:
/// it is never ready again.
/// Threads: one goroutine or thread at a time uses a selector.
/// Example: examples/tour/fan_in.cpp
class selector {
 public:
  /// Adds a case and returns its index. Throws: std::logic_error ("multiple default cases").
  template <detail::select_argument Case>
  std::size_t add(Case&& c) {
    using plain = std::remove_cvref_t<Case>;
    if constexpr (plain::kind == detail::case_kind::fallback) {
      for (const auto& other : cases_)
        if (other->kind() == detail::case_kind::fallback)
          throw std::logic_error("selector: multiple default cases");
    }
    if constexpr (requires { std::move(c).owned(); }) {
      auto owned = std::move(c).owned();
      cases_.push_back(std::make_unique<model<decltype(owned)>>(std::move(owned)));
    } else {
      cases_.push_back(std::make_unique<model<plain>>(std::forward<Case>(c)));
    }
    return cases_.size() - 1;
  }
  /// Waits for one of the cases, chosen uniformly, and returns its index. See weft::select.
  /// Throws: std::length_error for more than 65,536 cases.
  std::size_t select() { return run(detail::choice::uniform); }
  /// As select, but prefers the case that was added first.
  std::size_t select_in_order() { return run(detail::choice::in_order); }
  /// Forgets every case.
  void clear() noexcept { cases_.clear(); }
  std::size_t size() const noexcept { return cases_.size(); }

 private:
  struct any_case {
    virtual ~any_case() = default;
    virtual detail::case_kind kind() const noexcept = 0;
    virtual detail::select_case offer() { return {}; }
    virtual detail::deadline_ns delay_ns() const noexcept { return detail::never_ns; }
    virtual void decline() {}
    virtual void accept(bool) {}
    virtual void proceed() = 0;
  };

  template <class Case>
  struct model final : any_case {
    explicit model(Case c) : c_(std::move(c)) {
      if constexpr (Case::kind == detail::case_kind::channel) {
        channel_ = c_.offer().channel;
        c_.decline();
        if (channel_) detail::channel_retain(channel_);
      }
    }
    model(const model&) = delete;
    model& operator=(const model&) = delete;
    ~model() override {
      if (channel_) detail::channel_release(channel_);
    }
    detail::case_kind kind() const noexcept override { return Case::kind; }
    detail::select_case offer() override {
      if constexpr (Case::kind == detail::case_kind::channel) return c_.offer();
      return {};
    }
    detail::deadline_ns delay_ns() const noexcept override {
      if constexpr (Case::kind == detail::case_kind::timeout) return c_.delay_ns;
      return detail::never_ns;
    }
    void decline() override {
      if constexpr (requires { c_.decline(); }) c_.decline();
    }
    void accept(bool received) override {
      if constexpr (requires { c_.accept(received); }) c_.accept(received);
    }
    void proceed() override { c_.proceed(); }

    Case c_;
    detail::channel_core* channel_ = nullptr;
  };

  std::size_t run(detail::choice order);

  std::vector<std::unique_ptr<any_case>> cases_;
};

}  // namespace weft
