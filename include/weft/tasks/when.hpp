#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <weft/tasks/task.hpp>

namespace weft {

namespace detail {

template <class T>
inline constexpr bool is_task = false;
template <class R>
inline constexpr bool is_task<task<R>> = true;

template <class T>
concept any_task = is_task<std::remove_cvref_t<T>>;
template <class T>
concept task_range = std::ranges::forward_range<T> && any_task<std::ranges::range_reference_t<T>>;
/// Either some tasks, or one range of tasks that all have the same type.
template <class... T>
concept tasks = sizeof...(T) > 0 &&
                ((any_task<T> && ...) || (sizeof...(T) == 1 && (task_range<T> && ...)));

template <any_task... T>
std::array<task_core*, sizeof...(T)> cores_of(T&... each) {
  return {&each.core()...};
}
template <task_range T>
std::vector<task_core*> cores_of(T& range) {
  std::vector<task_core*> cores;
  for (auto& each : range) cores.push_back(&each.core());
  return cores;
}

template <class R>
struct kept_in_order {
  using type = R;
};
template <class R>
struct kept_in_order<R&> {
  using type = std::reference_wrapper<R>;
};

template <class R>
auto value_of(task<R>& t) -> std::conditional_t<std::is_void_v<R>, std::monostate, R> {
  if constexpr (std::is_void_v<R>) {
    t.get();
    return {};
  } else {
    return t.get();
  }
}

template <any_task... T>
auto values_of(T&... each) {
  using all = std::tuple<decltype(value_of(each))...>;
  return all{value_of(each)...};  // braces: in order, so that the first exception is the first's
}
template <task_range T>
auto values_of(T& range) {
  using R = typename std::remove_cvref_t<std::ranges::range_reference_t<T>>::result_type;
  if constexpr (std::is_void_v<R>) {
    for (auto& each : range) each.get();
    return std::monostate{};
  } else {
    std::vector<typename kept_in_order<R>::type> all;
    for (auto& each : range) all.push_back(each.get());
    return all;
  }
}

template <class... T>
auto all_within(const wait_bound& bound, T&... each)
    -> std::optional<decltype(values_of(each...))> {
  const auto cores = cores_of(each...);
  if (!task_join_all(cores.data(), cores.size(), bound)) return std::nullopt;
  return values_of(each...);
}

template <class... T>
std::optional<std::size_t> any_within(const wait_bound& bound, const T&... each) {
  const auto cores = cores_of(each...);
  const std::size_t index = task_wait_any(cores.data(), cores.size(), bound);
  if (index == no_task) return std::nullopt;
  return index;
}

}  // namespace detail

/// Joins tasks and returns their results in order: a std::tuple for tasks, a std::vector for a
/// range of them. void becomes std::monostate; a range of task<void> gives one std::monostate, a
/// range of task<T&> a vector of std::reference_wrapper<T>.
///
/// Blocks:  until all are ready; they may be run in place, as by `task::join`.
/// Throws:  when all have ended, what the first of them in order threw; the other exceptions are
///          dropped. As `task::get` it takes the results, of lvalues too.
/// Example: examples/tasks/results.cpp
template <class... T>
  requires detail::tasks<T...>
auto when_all(T&&... each) {
  return *detail::all_within({}, each...);
}
/// The same, but gives up after `d`. Returns: the results, or std::nullopt; then none was taken.
template <class Rep, class Period, class... T>
  requires detail::tasks<T...>
auto when_all_for(std::chrono::duration<Rep, Period> d, T&&... each) {
  return detail::all_within({.deadline = detail::deadline_after(d)}, each...);
}
template <class Clock, class Duration, class... T>
  requires detail::tasks<T...>
auto when_all_until(std::chrono::time_point<Clock, Duration> t, T&&... each) {
  return detail::all_within({.deadline = detail::deadline_at(t)}, each...);
}
/// The same, but gives up when a context or a std::stop_token is cancelled.
template <class... T>
  requires detail::tasks<T...>
auto when_all(const cancellation& ctx, T&&... each) {
  return detail::all_within(ctx.bound(), each...);
}

/// Waits until one of the tasks is ready, and takes nothing: all can be joined afterwards.
///
/// Blocks:  until one is ready. None is run in place.
/// Returns: its index; the lowest of those that are ready when the call begins.
/// Throws:  std::invalid_argument for an empty range; std::bad_alloc.
/// Example: examples/tasks/first_of.cpp
template <class... T>
  requires detail::tasks<T...>
std::size_t when_any(T&&... each) {
  return *detail::any_within({}, each...);
}
/// The same, but gives up after `d`. Returns: the index, or std::nullopt.
template <class Rep, class Period, class... T>
  requires detail::tasks<T...>
std::optional<std::size_t> when_any_for(std::chrono::duration<Rep, Period> d, T&&... each) {
  return detail::any_within({.deadline = detail::deadline_after(d)}, each...);
}
template <class Clock, class Duration, class... T>
  requires detail::tasks<T...>
std::optional<std::size_t> when_any_until(std::chrono::time_point<Clock, Duration> t, T&&... each) {
  return detail::any_within({.deadline = detail::deadline_at(t)}, each...);
}
/// The same, but gives up when a context or a std::stop_token is cancelled.
template <class... T>
  requires detail::tasks<T...>
std::optional<std::size_t> when_any(const cancellation& ctx, T&&... each) {
  return detail::any_within(ctx.bound(), each...);
}

}  // namespace weft
