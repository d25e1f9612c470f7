// Selects of several goroutines over the same channels: BenchmarkSelectSyncContended and
// BenchmarkSelectAsyncContended of Go.
#include "bench.hpp"

namespace {

/// Three unbuffered channels; for each goroutine that receives from any, one that sends on any.
const bench::entry sync_contended("go_select_sync_contended", [](bench::recorder& r) {
  const std::int64_t each = r.count(200'000) / r.procs();
  const bench::numbers a;
  const bench::numbers b;
  const bench::numbers c;
  const weft::chan<void> stop;
  std::vector<std::int64_t> sums(static_cast<std::size_t>(r.procs()));
  const weft::wait_group senders;
  const bench::stopwatch watch;
  bench::together(r.procs(), [&](std::int64_t i) {
    senders.go([=] {
      const std::int64_t one = 1;
      while (weft::select(weft::on_send(a, one), weft::on_send(b, one), weft::on_send(c, one),
                          weft::on_recv(stop)) != 3) {
      }
    });
    std::optional<std::int64_t> got;
    std::int64_t sum = 0;
    for (std::int64_t k = 0; k < each; ++k) {
      weft::select(weft::on_recv(a, got), weft::on_recv(b, got), weft::on_recv(c, got));
      sum += *got;
    }
    sums[static_cast<std::size_t>(i)] = sum;
  });
  r.record(watch.ns_each(each * r.procs()), "ns");
  stop.close();
  senders.wait();
  std::int64_t total = 0;
  for (const std::int64_t sum : sums) total += sum;
  r.check(total, each * r.procs(), "values received");
});

/// A token for each goroutine; whoever takes one out of either channel puts it into the other.
const bench::entry async_contended("go_select_async_contended", [](bench::recorder& r) {
  const std::int64_t each = r.count(500'000) / r.procs();
  const bench::numbers a(r.procs());
  const bench::numbers b(r.procs());
  const bench::stopwatch watch;
  bench::together(r.procs(), [&](std::int64_t) {
    std::optional<std::int64_t> token(0);
    a.send(*token);
    for (std::int64_t k = 0; k < each; ++k) {
      const std::size_t from = weft::select(weft::on_recv(a, token), weft::on_recv(b, token));
      (from == 0 ? b : a).send(*token + 1);
    }
  });
  r.record(watch.ns_each(each * r.procs()), "ns");
  std::int64_t total = 0;
  for (const bench::numbers& c : {a, b})
    while (const auto token = c.try_recv()) total += *token;
  r.check(total, each * r.procs(), "moves of the tokens");
});

}  // namespace
