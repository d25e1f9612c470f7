// Selects that never wait: BenchmarkSelectUncontended and BenchmarkSelectNonblock of Go.
#include "bench.hpp"

namespace {

/// A token goes back and forth between two channels of its goroutine.
const bench::entry uncontended("go_select_uncontended", [](bench::recorder& r) {
  const std::int64_t each = r.count(500'000) / r.procs();
  std::vector<std::int64_t> tokens(static_cast<std::size_t>(r.procs()));
  const bench::stopwatch watch;
  bench::together(r.procs(), [&](std::int64_t i) {
    const bench::numbers a(1);
    const bench::numbers b(1);
    std::optional<std::int64_t> token(0);
    a.send(*token);
    for (std::int64_t k = 0; k < each; ++k) {
      const std::size_t from = weft::select(weft::on_recv(a, token), weft::on_recv(b, token));
      (from == 0 ? b : a).send(*token + 1);
    }
    tokens[static_cast<std::size_t>(i)] = *token + 1;
  });
  r.record(watch.ns_each(each * r.procs()), "ns");
  std::int64_t total = 0;
  for (const std::int64_t token : tokens) total += token;
  r.check(total, each * r.procs(), "moves of the tokens");
});

/// Four selects with a default: an unbuffered channel is never ready, one with room always is.
const bench::entry nonblock("go_select_nonblock", [](bench::recorder& r) {
  const std::int64_t each = r.count(500'000) / r.procs();
  std::vector<std::int64_t> done(static_cast<std::size_t>(r.procs()));
  const bench::stopwatch watch;
  bench::together(r.procs(), [&](std::int64_t i) {
    const bench::numbers never;
    const bench::numbers room(1);
    std::int64_t mine = 0;
    for (std::int64_t k = 0; k < each; ++k) {
      mine += weft::select(weft::on_recv(never), weft::on_default()) == 0;
      mine += weft::select(weft::on_send(room, k), weft::on_default()) == 0;
      mine += weft::select(weft::on_recv(room), weft::on_default()) == 0;
      mine += weft::select(weft::on_send(never, k), weft::on_default()) == 0;
    }
    done[static_cast<std::size_t>(i)] = mine;
  });
  r.record(watch.ns_each(each * r.procs()), "ns");
  std::int64_t total = 0;
  for (const std::int64_t mine : done) total += mine;
  r.check(total, 2 * each * r.procs(), "cases that proceeded");
});

}  // namespace
