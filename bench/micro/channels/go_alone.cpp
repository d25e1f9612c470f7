// Values through channels with room: BenchmarkChanUncontended and BenchmarkChanContended of Go.
#include "bench.hpp"

namespace {

constexpr std::int64_t room = 100;

/// As many goroutines as processors fill a channel and empty it again, time after time.
template <class Channel>
void fill_and_empty(bench::recorder& r, const Channel& channel_of) {
  const std::int64_t fills = r.count(10'000);
  std::vector<std::int64_t> sums(static_cast<std::size_t>(r.procs()));
  const bench::stopwatch watch;
  bench::together(r.procs(), [&](std::int64_t i) {
    const bench::numbers c = channel_of();
    std::int64_t sum = 0;
    for (std::int64_t f = 0; f < fills; ++f) {
      for (std::int64_t v = 0; v < room; ++v) c.send(v);
      for (std::int64_t v = 0; v < room; ++v) sum += *c.recv();
    }
    sums[static_cast<std::size_t>(i)] = sum;
  });
  r.record(watch.ns_each(fills * room * r.procs()), "ns");
  std::int64_t total = 0;
  for (const std::int64_t sum : sums) total += sum;
  r.check(total, r.procs() * fills * (room * (room - 1) / 2), "sum of the values");
}

const bench::entry uncontended("go_chan_uncontended", [](bench::recorder& r) {
  fill_and_empty(r, [] { return bench::numbers(room); });
});

const bench::entry contended("go_chan_contended", [](bench::recorder& r) {
  const bench::numbers shared(static_cast<int>(room) * r.procs());
  fill_and_empty(r, [&shared] { return shared; });
});

}  // namespace
