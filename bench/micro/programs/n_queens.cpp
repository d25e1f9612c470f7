// How many ways are there to place 12 queens? A goroutine for each placement of the first three,
// made by the goroutine of what stands before it.
#include "bench.hpp"

namespace {

constexpr int rows_split = 3;

void place(const bench::numbers& found, int size, int row, std::uint32_t columns,
           std::uint32_t left, std::uint32_t right) {
  if (row == std::min(rows_split, size))
    return found.send(bench::count_queens(size, row, columns, left, right));
  const bench::numbers mine(size);
  int started = 0;
  for (int c = 0; c < size; ++c) {
    const std::uint32_t at = 1U << static_cast<unsigned>(c);
    if (((columns | left | right) & at) != 0) continue;
    weft::go(
        [=] { place(mine, size, row + 1, columns | at, (left | at) << 1U, (right | at) >> 1U); });
    ++started;
  }
  std::int64_t ways = 0;
  for (int i = 0; i < started; ++i) ways += *mine.recv();
  found.send(ways);
}

const bench::entry queens("n_queens_12", [](bench::recorder& r) {
  const int size = static_cast<int>(r.count(12));
  const bench::numbers found(1);
  const bench::stopwatch watch;
  place(found, size, 0, 0, 0, 0);
  const std::int64_t ways = *found.recv();
  r.record(watch.ms(), "ms");
  r.check(ways, bench::count_queens(size, 0, 0, 0, 0), "ways");
});

}  // namespace
