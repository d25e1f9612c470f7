// Two goroutines at ping-pong beside a third that computes: Go's BenchmarkPingPongHog.
//
// Go's hog never yields and is interrupted; this one yields every microsecond or two, in every
// language, since nothing but Go interrupts a loop.
#include <atomic>

#include "bench.hpp"

namespace {

const bench::entry hog("go_ping_pong_hog", [](bench::recorder& r) {
  const std::int64_t times = r.count(100'000);
  std::atomic<bool> stop = false;
  const weft::wait_group others;
  others.go([&stop] {
    for (std::uint64_t x = 1; !stop.load(std::memory_order_relaxed); weft::yield())
      bench::keep(x = bench::grind(x, 1'000));
  });
  const bench::numbers ping;
  const bench::numbers pong;
  others.go([=] {
    for (std::int64_t i = 0; i < times; ++i) pong.send(*ping.recv() + 1);
  });
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < times; ++i) {
    ping.send(i);
    sum += *pong.recv();
  }
  r.record(watch.ns_each(times), "ns");
  stop.store(true);
  others.wait();
  r.check(sum, times * (times + 1) / 2, "sum of the echoes");
});

}  // namespace
