// A channel as a semaphore, and one that a thousand goroutines wait at: BenchmarkChanSem and
// BenchmarkChanPopular of Go.
#include "bench.hpp"

namespace {

const bench::entry sem("go_chan_sem", [](bench::recorder& r) {
  const std::int64_t each = r.count(1'000'000) / r.procs();
  const bench::numbers permits(r.procs());
  std::vector<std::int64_t> taken(static_cast<std::size_t>(r.procs()));
  const bench::stopwatch watch;
  bench::together(r.procs(), [&](std::int64_t i) {
    std::int64_t mine = 0;
    for (std::int64_t k = 0; k < each; ++k) {
      permits.send(1);
      mine += *permits.recv();
    }
    taken[static_cast<std::size_t>(i)] = mine;
  });
  r.record(watch.ns_each(each * r.procs()), "ns");
  std::int64_t total = 0;
  for (const std::int64_t mine : taken) total += mine;
  r.check(total, each * r.procs(), "permits taken");
});

/// Each of them waits at its own channel and at one that nobody ever sends on.
const bench::entry popular("go_chan_popular", [](bench::recorder& r) {
  constexpr std::int64_t crowd = 1'000;
  const std::int64_t times = r.count(100);
  const bench::numbers popular_one;
  std::vector<bench::numbers> own(crowd);
  std::vector<std::int64_t> sums(crowd);
  const weft::wait_group all;
  const bench::stopwatch watch;
  for (std::size_t i = 0; i < own.size(); ++i)
    all.go([=, c = own[i], &sum = sums[i]] {
      for (std::int64_t k = 0; k < times; ++k) {
        std::optional<std::int64_t> got;
        weft::select(weft::on_recv(popular_one, got), weft::on_recv(c, got));
        sum += *got;
      }
    });
  for (std::int64_t k = 0; k < times; ++k)
    for (const bench::numbers& c : own) c.send(k);
  all.wait();
  r.record(watch.ns_each(times * crowd), "ns");
  std::int64_t total = 0;
  for (const std::int64_t sum : sums) total += sum;
  r.check(total, crowd * (times * (times - 1) / 2), "sum of the values");
});

}  // namespace
