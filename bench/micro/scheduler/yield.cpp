// What does it cost to let another goroutine run?
#include "bench.hpp"

namespace {

void yield_among(bench::recorder& r, int goroutines, std::int64_t yields_usual) {
  const std::int64_t yields_each = r.count(yields_usual);
  weft::chan<void> begin;
  weft::wait_group all;
  std::vector<std::int64_t> turns(static_cast<std::size_t>(goroutines));
  for (std::int64_t& mine : turns)
    all.go([=, &mine] {
      begin.recv();
      for (std::int64_t i = 0; i < yields_each; ++i) {
        ++mine;
        weft::yield();
      }
    });
  begin.close();
  const bench::stopwatch watch;
  all.wait();
  const std::int64_t wanted = std::int64_t{goroutines} * yields_each;
  r.record(watch.ns_each(static_cast<std::size_t>(wanted)), "ns");
  std::int64_t sum = 0;
  for (const std::int64_t mine : turns) sum += mine;
  r.check(sum, wanted, "turns");
}

const bench::entry two("yield_2", [](bench::recorder& r) { yield_among(r, 2, 500'000); });
const bench::entry many("yield_1000", [](bench::recorder& r) { yield_among(r, 1'000, 1'000); });

}  // namespace
