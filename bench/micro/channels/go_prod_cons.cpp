// A producer and a consumer for each processor, at one channel, that do little or some work for
// each value: BenchmarkChanProdCons0, 10 and 100 of Go, and those with work.
#include "bench.hpp"

namespace {

void produce_and_consume(bench::recorder& r, int room, int work) {
  const std::int64_t each = r.count(200'000) / r.procs();
  const bench::numbers items(room);
  std::vector<std::int64_t> sums(2 * static_cast<std::size_t>(r.procs()));
  const bench::stopwatch watch;
  bench::together(2 * r.procs(), [&](std::int64_t i) {
    std::int64_t& sum = sums[static_cast<std::size_t>(i)];
    std::uint64_t x = 1;
    if (i % 2 == 0) {
      for (std::int64_t v = each; v >= 0; --v) {  // 0: no more from this one
        x = bench::grind(x, work);
        items.send(v);
      }
    } else {
      for (std::int64_t v = *items.recv(); v != 0; v = *items.recv()) {
        x = bench::grind(x, work);
        sum += v;
      }
    }
    bench::keep(x);
  });
  r.record(watch.ns_each(each * r.procs()), "ns");
  std::int64_t total = 0;
  for (const std::int64_t sum : sums) total += sum;
  r.check(total, r.procs() * (each * (each + 1) / 2), "sum of the values");
}

const bench::entry room_0("go_chan_prod_cons_0",
                          [](bench::recorder& r) { produce_and_consume(r, 0, 0); });
const bench::entry room_10("go_chan_prod_cons_10",
                           [](bench::recorder& r) { produce_and_consume(r, 10, 0); });
const bench::entry room_100("go_chan_prod_cons_100",
                            [](bench::recorder& r) { produce_and_consume(r, 100, 0); });
const bench::entry work_0("go_chan_prod_cons_work_0",
                          [](bench::recorder& r) { produce_and_consume(r, 0, 100); });
const bench::entry work_10("go_chan_prod_cons_work_10",
                           [](bench::recorder& r) { produce_and_consume(r, 10, 100); });
const bench::entry work_100("go_chan_prod_cons_work_100",
                            [](bench::recorder& r) { produce_and_consume(r, 100, 100); });

}  // namespace
