#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <weft/tasks/parallel.hpp>

namespace weft {

namespace detail {

template <class T>
struct reduced_part : parallel_part {
  T value;
  explicit reduced_part(T&& v) : value(std::move(v)) {}
};

template <class T>
class reduced_parts {
 public:
  reduced_parts() = default;
  reduced_parts(const reduced_parts&) = delete;
  reduced_parts& operator=(const reduced_parts&) = delete;
  ~reduced_parts() {
    while (parallel_part* part = list) {
      list = part->next;
      delete static_cast<reduced_part<T>*>(part);
    }
  }
  /// In the order of the range: `reduce` need not commute.
  template <class Reduce>
  T fold(T init, Reduce& reduce) {
    std::vector<reduced_part<T>*> all;
    for (parallel_part* part = list; part; part = part->next)
      all.push_back(static_cast<reduced_part<T>*>(part));
    std::sort(all.begin(), all.end(), [](auto* a, auto* b) { return a->first < b->first; });
    T result = std::move(init);
    for (reduced_part<T>* part : all)
      result = std::invoke(reduce, std::move(result), std::move(part->value));
    return result;
  }
  parallel_part* list = nullptr;
};

template <class Sequence, class T, class Reduce, class Transform>
struct reduce_body {
  const Sequence& sequence;
  Reduce& reduce;
  Transform& transform;

  static void run(void* raw, std::size_t first, std::size_t last, parallel_part*& parts) {
    // Safety: it is the body that reduce_all() has handed over.
    auto& self = *static_cast<reduce_body*>(raw);
    if (parts && parts->last == first) {
      auto& mine = static_cast<reduced_part<T>&>(*parts);
      mine.value = self.continue_from(std::move(mine.value), first, last);
      mine.last = last;
      return;
    }
    auto mine = std::make_unique<reduced_part<T>>(self.begin_at(first, last));
    mine->first = first;
    mine->last = last;
    mine->next = parts;
    parts = mine.release();
  }

 private:
  /// No neutral element is needed: the first one begins.
  T begin_at(std::size_t first, std::size_t last) const {
    std::optional<T> begun;
    sequence.walk(first, first + 1, [&](auto&& x) {
      begun.emplace(std::invoke(transform, std::forward<decltype(x)>(x)));
    });
    return continue_from(std::move(*begun), first + 1, last);
  }
  T continue_from(T value, std::size_t first, std::size_t last) const {
    sequence.walk(first, last, [&](auto&& x) {
      value = std::invoke(reduce, std::move(value),
                          std::invoke(transform, std::forward<decltype(x)>(x)));
    });
    return value;
  }
};

template <class Sequence, class T, class Reduce, class Transform>
std::optional<T> reduce_all(const Sequence& sequence, T init, Reduce& reduce, Transform& transform,
                            grain_size grain, const cancel_state* cancel) {
  using body_type = reduce_body<Sequence, T, Reduce, Transform>;
  body_type body{sequence, reduce, transform};
  reduced_parts<T> parts;
  if (!parallel_run({&body_type::run, &body, sequence.count, grain, &parts.list}, cancel))
    return std::nullopt;
  return parts.fold(std::move(init), reduce);
}

/// What parallel_map has made of one element. Not every result has a default.
template <class R>
class mapped_results {
  static constexpr bool direct =
      std::default_initializable<R> && std::is_move_assignable_v<R> && !std::same_as<R, bool>;
  using slot = std::conditional_t<direct, R, std::optional<R>>;

 public:
  explicit mapped_results(std::size_t count) : slots_(count) {}
  template <class Make>
  void put(std::size_t at, Make&& make) {
    slots_[at] = make();
  }
  std::vector<R> take() {
    if constexpr (direct) {
      return std::move(slots_);
    } else {
      std::vector<R> all;
      all.reserve(slots_.size());
      for (slot& each : slots_) all.push_back(std::move(*each));
      return all;
    }
  }

 private:
  std::vector<slot> slots_;
};

template <class R, class F>
using mapped = std::decay_t<std::invoke_result_t<F&, std::ranges::range_reference_t<R>>>;

template <class R, class F>
std::optional<std::vector<mapped<R, F>>> map_all(R& range, F& f, grain_size grain,
                                                 const cancel_state* cancel) {
  const auto first = std::ranges::begin(range);
  const auto count = static_cast<std::size_t>(std::ranges::size(range));
  mapped_results<mapped<R, F>> results(count);
  auto one = [&](std::size_t i) {
    results.put(i, [&]() -> decltype(auto) {
      return std::invoke(f, first[static_cast<std::ranges::range_difference_t<R>>(i)]);
    });
  };
  const index_sequence_from<std::size_t> all(0, count);
  if (!for_each_in(all, one, grain, cancel)) return std::nullopt;
  return results.take();
}

}  // namespace detail

/// Returns init + transform(x0) + transform(x1) + ..., where + is `reduce`, computed on all
/// processors at once. `reduce` must be associative; it need not commute, because partial results
/// are put together in the order of the range. `init` is used once.
///
/// The type of the result is that of `init`; what `transform` returns must convert to it.
/// Blocks, Throws, Orders: as parallel_for.
/// Example: examples/tasks/parallel_sum.cpp
template <detail::loop_index First, detail::loop_index Last, class T, class Reduce, class Transform>
T parallel_reduce(First first, Last last, T init, Reduce reduce, Transform transform,
                  grain_size grain = 0) {
  using index = std::common_type_t<First, Last>;
  const detail::index_sequence_from<index> all(static_cast<index>(first), static_cast<index>(last));
  return *detail::reduce_all(all, std::move(init), reduce, transform, grain, nullptr);
}

template <detail::loop_range R, class T, class Reduce = std::plus<>,
          class Transform = std::identity>
T parallel_reduce(R&& range, T init, Reduce reduce = {}, Transform transform = {},
                  grain_size grain = 0) {
  const detail::element_sequence<std::remove_reference_t<R>> all(range);
  return *detail::reduce_all(all, std::move(init), reduce, transform, grain, nullptr);
}

/// The same, cancellable. Returns: std::nullopt when it was cancelled before all were taken in.
template <detail::loop_index First, detail::loop_index Last, class T, class Reduce, class Transform>
std::optional<T> parallel_reduce(const cancellation& ctx, First first, Last last, T init,
                                 Reduce reduce, Transform transform, grain_size grain = 0) {
  using index = std::common_type_t<First, Last>;
  const detail::index_sequence_from<index> all(static_cast<index>(first), static_cast<index>(last));
  return detail::reduce_all(all, std::move(init), reduce, transform, grain, ctx.state());
}

template <detail::loop_range R, class T, class Reduce = std::plus<>,
          class Transform = std::identity>
std::optional<T> parallel_reduce(const cancellation& ctx, R&& range, T init, Reduce reduce = {},
                                 Transform transform = {}, grain_size grain = 0) {
  const detail::element_sequence<std::remove_reference_t<R>> all(range);
  return detail::reduce_all(all, std::move(init), reduce, transform, grain, ctx.state());
}

/// Returns f of every element of a range with random access, in the order of the range.
/// Blocks, Throws, Orders: as parallel_for.
/// Example: examples/tasks/parallel_words.cpp
template <detail::loop_range R, class F>
std::vector<detail::mapped<R, F>> parallel_map(R&& range, F&& f, grain_size grain = 0) {
  return *detail::map_all(range, f, grain, nullptr);
}

/// The same, cancellable. Returns: std::nullopt when it was cancelled before all were begun.
template <detail::loop_range R, class F>
std::optional<std::vector<detail::mapped<R, F>>> parallel_map(const cancellation& ctx, R&& range,
                                                              F&& f, grain_size grain = 0) {
  return detail::map_all(range, f, grain, ctx.state());
}

}  // namespace weft
