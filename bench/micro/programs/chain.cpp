// A number goes through 10,000 goroutines, each of which adds one: made, linked and ended.
#include "bench.hpp"

namespace {

const bench::entry chain("chain_10000", [](bench::recorder& r) {
  const std::int64_t links = r.count(10'000);
  const bench::stopwatch watch;
  const bench::numbers first;
  bench::numbers last = first;
  for (std::int64_t i = 0; i < links; ++i) {
    const bench::numbers next;
    weft::go([=] { last.send(*next.recv() + 1); });
    last = next;
  }
  weft::go([last] { last.send(0); });
  const std::int64_t sum = *first.recv();
  r.record(watch.ns_each(links), "ns");
  r.check(sum, links, "additions");
});

}  // namespace
