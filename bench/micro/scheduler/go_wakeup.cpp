// Two goroutines that compute for some time between their meetings: do they run in parallel?
// Go's BenchmarkWakeupParallelSpinning.
//
// They take turns in being the sender. The receiver computes for d and receives; the sender
// computes for d + 5 us, so that the receiver most likely waits already. An iteration takes 2 d + 5
// us if they never run at the same time, and d + 5 us if they do.
#include <array>

#include "bench.hpp"

namespace {

void wake(bench::recorder& r, std::chrono::microseconds d) {
  using namespace std::chrono_literals;
  const std::int64_t times = r.count(500);
  const bench::numbers c;
  std::array<std::int64_t, 2> sums{};
  const bench::stopwatch watch;
  bench::together(2, [&](std::int64_t me) {
    for (std::int64_t i = 0; i < times; ++i) {
      if (i % 2 == me) {
        bench::spin(d);
        sums[static_cast<std::size_t>(me)] += *c.recv();
      } else {
        bench::spin(d + 5us);
        c.send(i);
      }
    }
  });
  r.record(watch.us() / static_cast<double>(times), "us");
  r.check(sums[0] + sums[1], times * (times - 1) / 2, "sum of the values");
}

template <int us>
void wake_after(bench::recorder& r) {
  wake(r, std::chrono::microseconds(us));
}

const bench::entry us_0("go_wakeup_parallel_spinning_0us", &wake_after<0>);
const bench::entry us_1("go_wakeup_parallel_spinning_1us", &wake_after<1>);
const bench::entry us_2("go_wakeup_parallel_spinning_2us", &wake_after<2>);
const bench::entry us_5("go_wakeup_parallel_spinning_5us", &wake_after<5>);
const bench::entry us_10("go_wakeup_parallel_spinning_10us", &wake_after<10>);
const bench::entry us_20("go_wakeup_parallel_spinning_20us", &wake_after<20>);
const bench::entry us_50("go_wakeup_parallel_spinning_50us", &wake_after<50>);
const bench::entry us_100("go_wakeup_parallel_spinning_100us", &wake_after<100>);

}  // namespace
