// The product of two matrices of 300 x 300 numbers, a goroutine for each row.
#include "bench.hpp"

namespace {

const bench::entry product("matrix_product", [](bench::recorder& r) {
  const std::int64_t size = r.count(300);
  const auto cells = static_cast<std::size_t>(size * size);
  std::vector<std::int64_t> a(cells);
  std::vector<std::int64_t> b(cells);
  std::vector<std::int64_t> c(cells);
  for (std::size_t i = 0; i < cells; ++i) {
    a[i] = static_cast<std::int64_t>(i % 7);
    b[i] = static_cast<std::int64_t>(i % 11);
  }
  const bench::stopwatch watch;
  bench::together(size, [&](std::int64_t row) {
    std::int64_t* out = &c[static_cast<std::size_t>(row * size)];
    for (std::int64_t k = 0; k < size; ++k) {
      const std::int64_t factor = a[static_cast<std::size_t>(row * size + k)];
      const std::int64_t* in = &b[static_cast<std::size_t>(k * size)];
      for (std::int64_t column = 0; column < size; ++column) out[column] += factor * in[column];
    }
  });
  r.record(watch.ms(), "ms");
  // The sum of a product: of the column sums of a, each times the row sum of b.
  std::int64_t wanted = 0;
  for (std::int64_t k = 0; k < size; ++k) {
    std::int64_t column = 0;
    std::int64_t row = 0;
    for (std::int64_t i = 0; i < size; ++i) {
      column += a[static_cast<std::size_t>(i * size + k)];
      row += b[static_cast<std::size_t>(k * size + i)];
    }
    wanted += column * row;
  }
  std::int64_t sum = 0;
  for (const std::int64_t cell : c) sum += cell;
  r.check(sum, wanted, "sum of the product");
});

}  // namespace
