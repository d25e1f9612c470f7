// What does a value cost on its way through a channel?
#include "bench.hpp"

namespace {

const bench::entry round_trip("ping_pong", [](bench::recorder& r) {
  const std::int64_t trips = r.count(500'000);
  const weft::chan<std::int64_t> there;
  const weft::chan<std::int64_t> back;
  weft::go([=] {
    for (std::int64_t v : there) back.send(v + 1);
    back.close();
  });
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < trips; ++i) {
    there.send(i);
    sum += *back.recv();
  }
  r.record(watch.ns_each(trips), "ns");
  there.close();
  back.recv();
  r.check(sum, trips * (trips + 1) / 2, "sum of the echoes");
});

/// `pairs` producers and as many consumers at one channel with room for 100.
void produce_and_consume(bench::recorder& r, std::int64_t pairs) {
  const std::int64_t each = r.count(1'000'000) / pairs;
  const weft::chan<std::int64_t> items(100);
  weft::wait_group producers;
  weft::wait_group consumers;
  std::vector<std::int64_t> sums(static_cast<std::size_t>(pairs));
  const bench::stopwatch watch;
  for (std::int64_t& sum : sums) {
    consumers.go([=, &sum] {
      std::int64_t mine = 0;
      for (std::int64_t v : items) mine += v;
      sum = mine;
    });
    producers.go([=] {
      for (std::int64_t v = 0; v < each; ++v) items.send(v);
    });
  }
  producers.wait();
  items.close();
  consumers.wait();
  r.record(watch.ns_each(static_cast<std::size_t>(each * pairs)), "ns");
  std::int64_t total = 0;
  for (const std::int64_t sum : sums) total += sum;
  r.check(total, pairs * (each * (each - 1) / 2), "sum of the items");
}

const bench::entry one("buffered_1p1c", [](bench::recorder& r) { produce_and_consume(r, 1); });
const bench::entry four("buffered_4p4c", [](bench::recorder& r) { produce_and_consume(r, 4); });

}  // namespace
