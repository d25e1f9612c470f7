// Producers and consumers that could be stopped at every value: Go's BenchmarkSelectProdCons.
#include "bench.hpp"

namespace {

const bench::entry prod_cons("go_select_prod_cons", [](bench::recorder& r) {
  constexpr int work = 100;
  const std::int64_t each = r.count(200'000) / r.procs();
  const bench::numbers items(128);
  const weft::chan<void> stop;
  std::vector<std::int64_t> sums(2 * static_cast<std::size_t>(r.procs()));
  const bench::stopwatch watch;
  bench::together(2 * r.procs(), [&](std::int64_t i) {
    std::int64_t& sum = sums[static_cast<std::size_t>(i)];
    std::uint64_t x = 1;
    if (i % 2 == 0) {
      for (std::int64_t v = each; v >= 0; --v) {  // 0: no more from this one
        x = bench::grind(x, work);
        weft::select(weft::on_send(items, v), weft::on_recv(stop));
      }
    } else {
      std::optional<std::int64_t> got(1);
      while (weft::select(weft::on_recv(items, got), weft::on_recv(stop)) == 0 && *got != 0) {
        x = bench::grind(x, work);
        sum += *got;
      }
    }
    bench::keep(x);
  });
  r.record(watch.ns_each(each * r.procs()), "ns");
  std::int64_t total = 0;
  for (const std::int64_t sum : sums) total += sum;
  r.check(total, r.procs() * (each * (each + 1) / 2), "sum of the values");
});

}  // namespace
