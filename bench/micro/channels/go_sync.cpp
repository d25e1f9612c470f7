// Two goroutines that send and receive in turns on one unbuffered channel: Go's BenchmarkChanSync.
#include "bench.hpp"

namespace {

const bench::entry sync("go_chan_sync", [](bench::recorder& r) {
  const std::int64_t times = r.count(500'000);
  const bench::numbers c;
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  bench::together(2, [&](std::int64_t i) {
    for (std::int64_t v = 0; v < times; ++v) {
      if (i == 0) {
        c.send(v);
        sum += *c.recv();
      } else {
        c.send(*c.recv() + 1);
      }
    }
  });
  r.record(watch.ns_each(times), "ns");
  r.check(sum, times * (times + 1) / 2, "sum of the answers");
});

}  // namespace
