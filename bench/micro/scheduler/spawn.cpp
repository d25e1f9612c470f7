// What does a goroutine cost from `go` to the end of the wait for it?
#include "bench.hpp"

namespace {

// The function is empty on purpose; that each has ended is what the wait group says.
const bench::entry many("spawn_batch_1000", [](bench::recorder& r) {
  const std::int64_t batches = r.count(300);
  constexpr std::int64_t each = 1'000;
  const weft::wait_group all;
  const bench::stopwatch watch;
  for (std::int64_t b = 0; b < batches; ++b) {
    for (int i = 0; i < each; ++i) all.go([] {});
    all.wait();
  }
  r.record(watch.ns_each(batches * each), "ns");
  r.note(batches * each);
});

const bench::entry one("spawn_one", [](bench::recorder& r) {
  const std::int64_t times = r.count(100'000);
  std::int64_t ran = 0;
  const weft::wait_group all;
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) {
    all.go([&ran] { ++ran; });
    all.wait();
  }
  r.record(watch.ns_each(times), "ns");
  r.check(ran, times, "goroutines run");
});

}  // namespace
