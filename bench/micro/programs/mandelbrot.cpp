// A picture of 400 x 400 points of the Mandelbrot set, a goroutine for each row.
#include "bench.hpp"

namespace {

const bench::entry picture("mandelbrot", [](bench::recorder& r) {
  const std::int64_t size = r.count(400);
  std::vector<std::int64_t> rows(static_cast<std::size_t>(size));
  const bench::stopwatch watch;
  bench::together(size, [&](std::int64_t y) {
    rows[static_cast<std::size_t>(y)] = bench::mandelbrot_row(y, size);
  });
  r.record(watch.ms(), "ms");
  std::int64_t sum = 0;
  for (const std::int64_t row : rows) sum += row;
  r.note(sum);
});

}  // namespace
