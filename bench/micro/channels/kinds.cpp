// What do the other kinds of channels cost, and a goroutine-local variable?
#include "bench.hpp"

namespace {

constexpr std::int64_t times_usual = 1'000'000;

const bench::entry unbounded("unbounded_1p1c", [](bench::recorder& r) {
  const std::int64_t times = r.count(times_usual);
  const weft::unbounded_chan<std::int64_t> c;
  const bench::stopwatch watch;
  weft::go([=] {
    for (std::int64_t v = 0; v < times; ++v) c.send(v);
    c.close();
  });
  std::int64_t sum = 0;
  for (const std::int64_t v : c) sum += v;
  r.record(watch.ns_each(times), "ns");
  r.check(sum, times * (times - 1) / 2, "sum of the items");
});

const bench::entry unbounded_alone("unbounded_send_recv", [](bench::recorder& r) {
  const std::int64_t times = r.count(times_usual);
  const weft::unbounded_chan<std::int64_t> c;
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  for (std::int64_t v = 0; v < times; ++v) {
    c.send(v);
    sum += *c.recv();
  }
  r.record(watch.ns_each(times), "ns");
  r.check(sum, times * (times - 1) / 2, "sum of the items");
});

const bench::entry one_shot("oneshot_make_send_recv", [](bench::recorder& r) {
  const std::int64_t rounds = r.count(200'000);
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  for (std::int64_t v = 0; v < rounds; ++v) {
    const weft::oneshot<std::int64_t> c;
    c.send(v);
    sum += *c.recv();
  }
  r.record(watch.ns_each(rounds), "ns");
  r.check(sum, rounds * (rounds - 1) / 2, "sum of the items");
});

/// A send to so many, none of whom keeps up: per subscriber.
void broadcast_to(bench::recorder& r, std::size_t subscribers) {
  const std::int64_t sends = r.count(20'000);
  const weft::broadcast<std::int64_t> b(64);
  std::vector<weft::subscription<std::int64_t>> all;
  for (std::size_t i = 0; i < subscribers; ++i) all.push_back(b.subscribe());
  const bench::stopwatch watch;
  for (std::int64_t v = 0; v < sends; ++v) b.send(v);
  r.record(watch.ns_each(static_cast<std::size_t>(sends) * subscribers), "ns");
  r.check(*all.back().recv(), std::max<std::int64_t>(sends - 64, 0), "the oldest value kept");
}

const bench::entry to_1("broadcast_send_to_1", [](bench::recorder& r) { broadcast_to(r, 1); });
const bench::entry to_100("broadcast_send_to_100_each",
                          [](bench::recorder& r) { broadcast_to(r, 100); });

const bench::entry watched("watch_send_and_value", [](bench::recorder& r) {
  const std::int64_t rounds = r.count(200'000);
  const weft::watch<std::int64_t> w(0);
  const auto in = w.subscribe();
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  for (std::int64_t v = 0; v < rounds; ++v) {
    w.send(v);
    sum += w.value();
  }
  r.record(watch.ns_each(rounds), "ns");
  r.check(sum, rounds * (rounds - 1) / 2, "sum of the values");
});

const weft::local<std::int64_t> counter;

const bench::entry local_access("local_access", [](bench::recorder& r) {
  const std::int64_t accesses = r.count(10'000'000);
  counter.set(0);
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < accesses; ++i) *counter += i & 1;
  r.record(watch.ns_each(accesses), "ns");
  r.check(*counter, accesses / 2, "the local count");
});

}  // namespace
