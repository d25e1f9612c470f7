// Timers as Go's BenchmarkAfterFunc, BenchmarkStop (StartStop), BenchmarkReset and BenchmarkSleep
// use them: as many goroutines as processors at once.
#include <atomic>

#include "bench.hpp"

namespace {

using namespace std::chrono_literals;

/// What `sum_of(n)` of each goroutine is must be n.
template <class F>
void on_each_processor(bench::recorder& r, std::int64_t operations, const F& sum_of) {
  const std::int64_t each = r.count(operations) / r.procs();
  std::vector<std::int64_t> sums(static_cast<std::size_t>(r.procs()));
  const bench::stopwatch watch;
  bench::together(r.procs(),
                  [&](std::int64_t i) { sums[static_cast<std::size_t>(i)] = sum_of(each); });
  r.record(watch.ns_each(each * r.procs()), "ns");
  std::int64_t total = 0;
  for (const std::int64_t sum : sums) total += sum;
  r.check(total, each * r.procs(), "timers");
}

const bench::entry start_stop("go_timer_start_stop", [](bench::recorder& r) {
  on_each_processor(r, 300'000, [](std::int64_t times) {
    std::int64_t stopped = 0;
    for (std::int64_t k = 0; k < times; ++k) stopped += weft::after_func(1h, [] {}).stop();
    return stopped;
  });
});

const bench::entry reset("go_timer_reset", [](bench::recorder& r) {
  on_each_processor(r, 1'000'000, [](std::int64_t times) {
    const weft::timer t(1h);
    std::int64_t pending = 0;
    for (std::int64_t k = 0; k < times; ++k) pending += t.reset(1h);
    t.stop();
    return pending;
  });
});

/// A thousand goroutines at a time that sleep for 1 ns.
const bench::entry sleep("go_timer_sleep", [](bench::recorder& r) {
  on_each_processor(r, 20'000, [](std::int64_t times) {
    std::atomic<std::int64_t> woke = 0;
    for (std::int64_t k = 0; k < times; k += 1'000)
      bench::together(std::min<std::int64_t>(1'000, times - k), [&woke](std::int64_t) {
        weft::sleep_for(1ns);
        woke.fetch_add(1, std::memory_order_relaxed);
      });
    return woke.load();
  });
});

/// Each call asks for the next.
void call_again(const bench::numbers& end, std::int64_t left, std::int64_t calls) {
  if (left == 0) return end.send(calls);
  weft::after_func(0ns, [=] { call_again(end, left - 1, calls + 1); });
}

const bench::entry after_func("go_timer_after_func", [](bench::recorder& r) {
  on_each_processor(r, 50'000, [](std::int64_t times) {
    const bench::numbers end(1);
    call_again(end, times, 0);
    return *end.recv();
  });
});

}  // namespace
