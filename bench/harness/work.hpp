// What benchmarks compute, the same in every language: integers only, since floating point is
// contracted differently by each compiler.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

/// `steps` of xorshift: about 1 ns each.
inline std::uint64_t grind(std::uint64_t x, std::int64_t steps) {
  for (std::int64_t i = 0; i < steps; ++i) {
    x ^= x << 13U;
    x ^= x >> 7U;
    x ^= x << 17U;
  }
  return x;
}

/// The compiler must assume that somebody looks at it.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

/// Keeps the processor busy for so long.
inline void spin(std::chrono::nanoseconds d) {
  const auto end = std::chrono::steady_clock::now() + d;
  while (std::chrono::steady_clock::now() < end) {
  }
}

/// How many ways there are to place queens in the rows left, given what the placed ones attack.
inline std::int64_t count_queens(int size, int row, std::uint32_t columns, std::uint32_t left,
                                 std::uint32_t right) {
  if (row == size) return 1;
  std::int64_t ways = 0;
  for (int c = 0; c < size; ++c) {
    const std::uint32_t at = 1U << static_cast<unsigned>(c);
    if (((columns | left | right) & at) != 0) continue;
    ways += count_queens(size, row + 1, columns | at, (left | at) << 1U, (right | at) >> 1U);
  }
  return ways;
}

/// Steps until each point of a row leaves the circle of radius 2, at most 200, in numbers with 28
/// bits after the point.
inline std::int64_t mandelbrot_row(std::int64_t y, std::int64_t size) {
  constexpr std::int64_t one = 1 << 28;
  constexpr int steps_max = 200;
  const std::int64_t ci = 2 * one * y / size - one;
  std::int64_t steps = 0;
  for (std::int64_t x = 0; x < size; ++x) {
    const std::int64_t cr = 3 * one * x / size - 2 * one;
    std::int64_t zr = 0;
    std::int64_t zi = 0;
    for (int i = 0; i < steps_max; ++i) {
      const std::int64_t rr = (zr * zr) >> 28;
      const std::int64_t ii = (zi * zi) >> 28;
      if (rr + ii > 4 * one) break;
      zi = ((zr * zi) >> 27) + ci;
      zr = rr - ii + cr;
      ++steps;
    }
  }
  return steps;
}

/// Words of 1 to 4 letters and spaces, the short ones more often.
inline std::string make_text(std::size_t bytes) {
  std::string text;
  text.reserve(bytes + 8);
  std::uint64_t state = 1;
  while (text.size() < bytes) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const std::uint64_t random = state >> 33U;
    std::uint64_t word = (random & 0xffffU) % (1 + ((random >> 16U) & 0x3fffU));
    do {
      text += static_cast<char>('a' + word % 26);
      word /= 26;
    } while (word != 0);
    text += ' ';
  }
  return text;
}

constexpr std::size_t word_slots = 1U << 14U;

/// Counts words by their FNV-1a hash.
inline std::vector<std::uint32_t> count_words(const char* begin, const char* end) {
  constexpr std::uint32_t basis = 2166136261U;
  std::vector<std::uint32_t> counts(word_slots);
  std::uint32_t hash = basis;
  for (; begin != end; ++begin) {
    if (*begin != ' ') {
      hash = (hash ^ static_cast<unsigned char>(*begin)) * 16777619U;
      continue;
    }
    ++counts[hash % word_slots];
    hash = basis;
  }
  return counts;
}

/// Pseudo-random durations: 1 to 10 hours, in milliseconds.
inline std::int64_t far_away_ms(std::int64_t i) { return 3'600'000 + i * 7919 % 32'400'000; }

}  // namespace bench
