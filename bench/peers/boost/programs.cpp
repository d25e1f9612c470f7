// Whole programs; see bench/micro/programs.
#include <memory>

#include "fibers.hpp"

namespace {

using bench::unbuffered;
using link = std::shared_ptr<unbuffered>;

const bench::entry chain("chain_10000", [](bench::recorder& r) {
  const std::int64_t links = r.count(10'000);
  const bench::stopwatch watch;
  const auto first = std::make_shared<unbuffered>();
  link last = first;
  for (std::int64_t i = 0; i < links; ++i) {
    const auto next = std::make_shared<unbuffered>();
    bench::start([=] { last->push(next->value_pop() + 1); }).detach();
    last = next;
  }
  bench::start([last] { last->push(0); }).detach();
  const std::int64_t sum = first->value_pop();
  r.record(watch.ns_each(links), "ns");
  r.check(sum, links, "additions");
});

const bench::entry sieve("prime_sieve_5000", [](bench::recorder& r) {
  const std::int64_t limit = r.count(48'611);
  const bench::stopwatch watch;
  link in = std::make_shared<unbuffered>();
  bench::start([in, limit] {
    for (std::int64_t v = 2; v <= limit; ++v) in->push(v);
    in->close();
  }).detach();
  std::int64_t sum = 0;
  std::int64_t prime = 0;
  while (in->pop(prime) == boost::fibers::channel_op_status::success) {
    sum += prime;
    const auto out = std::make_shared<unbuffered>();
    bench::start([in, out, prime] {
      for (const std::int64_t v : *in)
        if (v % prime != 0) out->push(v);
      out->close();
    }).detach();
    in = out;
  }
  r.record(watch.ms(), "ms");
  r.note(sum);
});

std::int64_t place(int size, int row, std::uint32_t columns, std::uint32_t left,
                   std::uint32_t right) {
  if (row == std::min(3, size)) return bench::count_queens(size, row, columns, left, right);
  std::vector<std::int64_t> ways(static_cast<std::size_t>(size));
  bench::together(size, [&](std::int64_t c) {
    const std::uint32_t at = 1U << static_cast<unsigned>(c);
    if (((columns | left | right) & at) != 0) return;
    ways[static_cast<std::size_t>(c)] =
        place(size, row + 1, columns | at, (left | at) << 1U, (right | at) >> 1U);
  });
  std::int64_t sum = 0;
  for (const std::int64_t each : ways) sum += each;
  return sum;
}

const bench::entry queens("n_queens_12", [](bench::recorder& r) {
  const int size = static_cast<int>(r.count(12));
  const bench::stopwatch watch;
  const std::int64_t ways = place(size, 0, 0, 0, 0);
  r.record(watch.ms(), "ms");
  r.check(ways, bench::count_queens(size, 0, 0, 0, 0), "ways");
});

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
