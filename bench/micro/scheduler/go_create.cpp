// What does it cost to start goroutines? BenchmarkCreateGoroutines, ...Parallel, ...Capture and
// ...Single of Go.
#include "bench.hpp"

namespace {

/// A goroutine that starts the next one and ends.
void create_chain(const bench::numbers& end, std::int64_t left, std::int64_t made) {
  if (left == 0) return end.send(made);
  weft::go([end, left, made] { create_chain(end, left - 1, made + 1); });
}

void create(bench::recorder& r, std::int64_t chains) {
  const std::int64_t each = r.count(300'000) / chains;
  const bench::numbers end;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < chains; ++i) create_chain(end, each, 0);
  std::int64_t made = 0;
  for (std::int64_t i = 0; i < chains; ++i) made += *end.recv();
  r.record(watch.ns_each(each * chains), "ns");
  r.check(made, each * chains, "goroutines made");
}

const bench::entry one("go_create_goroutines", [](bench::recorder& r) {
  const std::int64_t times = r.count(300'000);
  const bench::numbers end(1);
  const bench::stopwatch watch;
  create_chain(end, times, 0);
  const std::int64_t made = *end.recv();
  r.record(watch.ns_each(times), "ns");
  r.check(made, times, "goroutines made");
});

const bench::entry parallel("go_create_goroutines_parallel",
                            [](bench::recorder& r) { create(r, 4 * r.procs()); });

const bench::entry capture("go_create_goroutines_capture", [](bench::recorder& r) {
  constexpr std::int64_t batch = 4;
  const std::int64_t times = r.count(100'000);
  std::int64_t seen[batch] = {};
  const weft::wait_group all;
  const bench::stopwatch watch;
  for (std::int64_t k = 0; k < times; ++k) {
    for (std::int64_t i = 0; i < batch; ++i) all.go([&seen, i, k] { seen[i] += k; });
    all.wait();
  }
  r.record(watch.ns_each(times * batch), "ns");
  std::int64_t total = 0;
  for (const std::int64_t each : seen) total += each;
  r.check(total, batch * (times * (times - 1) / 2), "sum of what was captured");
});

/// Nobody waits before all are started.
const bench::entry single("go_create_goroutines_single", [](bench::recorder& r) {
  const std::int64_t times = r.count(100'000);
  const bench::numbers ran(static_cast<int>(times));
  const weft::wait_group all;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < times; ++i) all.go([&ran, i] { ran.send(i); });
  all.wait();
  r.record(watch.ns_each(times), "ns");
  ran.close();
  std::int64_t sum = 0;
  for (const std::int64_t i : ran) sum += i;
  r.check(sum, times * (times - 1) / 2, "sum of the numbers");
});

}  // namespace
