#pragma once

#include <algorithm>
#include <bit>
#include <functional>
#include <iterator>
#include <ranges>

#include <weft/runtime.hpp>
#include <weft/tasks/parallel.hpp>

namespace weft {

namespace detail {

/// Swaps the median of nine samples to the front: nobody copies an element, so it may be move-only.
template <class It, class Compare>
void move_pivot_to_front(It first, std::iter_difference_t<It> count, Compare& less) {
  const auto step = count / 9;
  const auto median = [&less](It a, It b, It c) {
    if (std::invoke(less, *b, *a)) std::swap(a, b);
    if (!std::invoke(less, *c, *b)) return b;
    return std::invoke(less, *c, *a) ? a : c;
  };
  const auto of_three = [&](int group) {
    const It at = first + (3 * group + 1) * step;
    return median(at - step + step / 2, at, at + step);
  };
  std::iter_swap(first, median(of_three(0), of_three(1), of_three(2)));
}

/// What is below the pivot, [first, below), and above, [above, last); all between is equal to it.
template <class It>
struct sorted_apart {
  It below;
  It above;
};

template <class It, class Compare>
sorted_apart<It> part_around_pivot(It first, It last, Compare& less) {
  const auto count = last - first;
  move_pivot_to_front(first, count, less);
  It above =
      std::partition(first + 1, last, [&](const auto& x) { return std::invoke(less, x, *first); });
  const It below = above - 1;
  std::iter_swap(first, below);
  // Many equal ones would make no progress: they all stand above.
  if (below - first < count / 16)
    above =
        std::partition(above, last, [&](const auto& x) { return !std::invoke(less, *below, x); });
  return {below, above};
}

template <class It, class Compare>
void sort_apart(It first, It last, Compare& less, std::iter_difference_t<It> small, int depth) {
  const auto precedes = [&less](const auto& a, const auto& b) -> bool {
    return std::invoke(less, a, b);
  };
  if (last - first <= small || depth == 0) return std::sort(first, last, precedes);
  const auto [below, above] = part_around_pivot(first, last, less);
  parallel_invoke([&, end = below] { sort_apart(first, end, less, small, depth - 1); },
                  [&, begin = above] { sort_apart(begin, last, less, small, depth - 1); });
}

}  // namespace detail

/// Sorts [first, last), on all processors at once; not stable. A quicksort whose halves are sorted
/// in parallel, and by std::sort once they are small. No element is copied, no memory is allocated
/// for elements.
///
/// `less` is not copied for each goroutine: it is called by several at the same time.
/// Throws:  what `less` and moving elements throw, when all running parts have ended; every element
///          is still there then, in no particular order, unless a move has lost it.
/// Blocks, Orders: as parallel_for.
template <std::random_access_iterator It, class Compare = std::less<>>
void parallel_sort(It first, It last, Compare less = {}) {
  constexpr std::iter_difference_t<It> small_min = 4096;
  if (last - first < 2) return;
  if (max_procs() == 1) return std::sort(first, last, std::ref(less));
  const auto count = last - first;
  const auto small = std::max(count / (8 * max_procs()), small_min);
  const int depth = 2 * static_cast<int>(std::bit_width(static_cast<std::size_t>(count)));
  detail::sort_apart(first, last, less, small, depth);
}

template <std::ranges::random_access_range R, class Compare = std::less<>>
void parallel_sort(R&& range, Compare less = {}) {
  parallel_sort(std::ranges::begin(range), std::ranges::end(range), std::move(less));
}

}  // namespace weft
