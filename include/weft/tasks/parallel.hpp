#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>

#include <weft/cancellation.hpp>
#include <weft/detail/tasks/parallel_core.hpp>

namespace weft {

/// How many elements a goroutine takes at a time, at least; zero and less: as many as take about
/// 50 us, found out while the loop runs.
using grain_size = std::ptrdiff_t;

namespace detail {

template <class I>
concept loop_index = std::integral<I> && !std::same_as<std::remove_cv_t<I>, bool>;

template <class R>
concept loop_range = std::ranges::random_access_range<R> && std::ranges::sized_range<R>;

/// [first, last) as an iterator over numbers, so that one loop serves both.
template <class I>
struct index_sequence_from {
  I first;
  std::size_t count;
  index_sequence_from(I from, I to) noexcept
      : first(from),
        // Unsigned, because the distance of two signed numbers may not fit.
        count(from < to ? static_cast<std::size_t>(to) - static_cast<std::size_t>(from) : 0) {}
  template <class Each>
  void walk(std::size_t from, std::size_t to, Each&& each) const {
    const I end = at(to);
    for (I i = at(from); i != end; ++i) each(i);
  }
  I at(std::size_t offset) const noexcept {
    return static_cast<I>(static_cast<std::size_t>(first) + offset);
  }
};

template <class R>
struct element_sequence {
  std::ranges::iterator_t<R> first;
  std::size_t count;
  explicit element_sequence(R& range)
      : first(std::ranges::begin(range)),
        count(static_cast<std::size_t>(std::ranges::size(range))) {}
  template <class Each>
  void walk(std::size_t from, std::size_t to, Each&& each) const {
    using distance = std::ranges::range_difference_t<R>;
    auto i = first + static_cast<distance>(from);
    const auto end = first + static_cast<distance>(to);
    for (; i != end; ++i) each(*i);
  }
};

template <class Sequence, class F>
bool for_each_in(const Sequence& sequence, F& f, grain_size grain, const cancel_state* cancel) {
  struct body {
    const Sequence& sequence;
    F& f;
    static void run(void* raw, std::size_t first, std::size_t last, parallel_part*&) {
      // Safety: it is the `all` below.
      F& each = static_cast<body*>(raw)->f;
      static_cast<body*>(raw)->sequence.walk(
          first, last, [&each](auto&& x) { std::invoke(each, std::forward<decltype(x)>(x)); });
    }
  } all{sequence, f};
  return parallel_run({&body::run, &all, sequence.count, grain}, cancel);
}

/// A function, as a parallel_call. It may be a plain one, which no void* can point to.
template <class F>
struct referred_call {
  F& f;
  static void run(void* raw) {
    // Safety: parallel_invoke() made it of this type.
    static_cast<void>(std::invoke(static_cast<referred_call*>(raw)->f));
  }
};

}  // namespace detail

/// Calls `f(i)` for every i of [first, last), on all processors at once.
///
/// The caller takes part, and no more goroutines than processors help, unless bodies block: a body
/// may wait for whatever it likes, its processor then runs another one. It must not wait for
/// another index of the same loop. `f` is not copied: it is called by several goroutines at the
/// same time. On one processor this is a plain loop in order that lets others run now and then.
///
/// Blocks:  until every call has returned. May be nested, and called from plain threads.
/// Throws:  the first exception of an `f`, when those that run have ended; the rest of the range is
///          abandoned. task_exited if `f` ended by exit_goroutine (on a plain thread, the caller's
///          share included, that ends the program as always). std::bad_alloc.
/// Orders:  what was before the call happens before each `f`, each `f` before the return.
/// Example: examples/tasks/parallel_sum.cpp
template <detail::loop_index First, detail::loop_index Last, class F>
void parallel_for(First first, Last last, F&& f, grain_size grain = 0) {
  using index = std::common_type_t<First, Last>;
  const detail::index_sequence_from<index> all(static_cast<index>(first), static_cast<index>(last));
  detail::for_each_in(all, f, grain, nullptr);
}

/// Calls `f(element)` for every element of a range with random access.
template <detail::loop_range R, class F>
void parallel_for(R&& range, F&& f, grain_size grain = 0) {
  detail::for_each_in(detail::element_sequence<std::remove_reference_t<R>>(range), f, grain,
                      nullptr);
}

/// The same, but nothing more is begun once a context or a std::stop_token is cancelled. Calls that
/// run are not interrupted: hand them the context too.
/// Returns: whether `f` was called for all.
template <detail::loop_index First, detail::loop_index Last, class F>
bool parallel_for(const cancellation& ctx, First first, Last last, F&& f, grain_size grain = 0) {
  using index = std::common_type_t<First, Last>;
  const detail::index_sequence_from<index> all(static_cast<index>(first), static_cast<index>(last));
  return detail::for_each_in(all, f, grain, ctx.state());
}
template <detail::loop_range R, class F>
bool parallel_for(const cancellation& ctx, R&& range, F&& f, grain_size grain = 0) {
  return detail::for_each_in(detail::element_sequence<std::remove_reference_t<R>>(range), f, grain,
                             ctx.state());
}

/// Calls every function, at the same time where processors are free. They may wait for each other.
///
/// Blocks:  until all have ended.
/// Throws:  the exception of the first in order that threw one, after all have ended; what `spawn`
///          throws.
template <class... F>
  requires(sizeof...(F) > 0 && (std::invocable<F&> && ...))
void parallel_invoke(F&&... f) {
  std::tuple<detail::referred_call<std::remove_reference_t<F>>...> all{
      detail::referred_call<std::remove_reference_t<F>>{f}...};
  std::apply(
      [](auto&... each) {
        const detail::parallel_call calls[] = {
            {&std::remove_reference_t<decltype(each)>::run, &each}...};
        detail::parallel_call_all(calls, sizeof...(each));
      },
      all);
}

}  // namespace weft
