// Pools and once as Go's BenchmarkPool, BenchmarkPoolOverflow and BenchmarkOnce use them.
#include "bench.hpp"

namespace {

template <class F>
void each_sums(bench::recorder& r, std::int64_t operations, const F& sum_of) {
  std::vector<std::int64_t> sums(static_cast<std::size_t>(r.procs()));
  const std::int64_t each = r.count(operations) / r.procs();
  const bench::stopwatch watch;
  bench::together(r.procs(),
                  [&](std::int64_t i) { sums[static_cast<std::size_t>(i)] = sum_of(each); });
  r.record(watch.ns_each(each * r.procs()), "ns");
  std::int64_t total = 0;
  for (const std::int64_t sum : sums) total += sum;
  r.check(total, each * r.procs(), "sum of what came out");
}

const bench::entry pool("go_pool", [](bench::recorder& r) {
  weft::pool<std::int64_t> p([] { return std::int64_t{1}; });
  each_sums(r, 2'000'000, [&p](std::int64_t times) {
    std::int64_t sum = 0;
    for (std::int64_t k = 0; k < times; ++k) {
      p.put(1);
      sum += p.get();
    }
    return sum;
  });
});

/// A hundred go in before the first comes out.
const bench::entry overflow("go_pool_overflow", [](bench::recorder& r) {
  weft::pool<std::int64_t> p([] { return std::int64_t{1}; });
  each_sums(r, 20'000, [&p](std::int64_t times) {
    std::int64_t sum = 0;
    for (std::int64_t k = 0; k < times; ++k) {
      for (int i = 0; i < 100; ++i) p.put(1);
      for (int i = 0; i < 100; ++i) sum += p.get();
    }
    return sum / 100;
  });
});

const bench::entry once("go_once", [](bench::recorder& r) {
  weft::once o;
  std::int64_t one = 0;
  each_sums(r, 20'000'000, [&](std::int64_t times) {
    std::int64_t sum = 0;
    for (std::int64_t k = 0; k < times; ++k) {
      o.call([&one] { ++one; });
      sum += one;
    }
    return sum;
  });
});

}  // namespace
