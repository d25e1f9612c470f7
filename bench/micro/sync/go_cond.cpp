// n goroutines wait at a condition variable until one more comes and wakes them all, again and
// again: Go's BenchmarkCond1 to BenchmarkCond32.
#include <mutex>

#include "bench.hpp"

namespace {

template <std::int64_t waiters>
void meet(bench::recorder& r) {
  const std::int64_t times = r.count(100'000 / waiters);
  weft::mutex m;
  weft::condition_variable all_here;
  std::int64_t here = 0;
  std::int64_t meetings = 0;
  const bench::stopwatch watch;
  bench::together(waiters + 1, [&](std::int64_t) {
    for (std::int64_t k = 0; k < times; ++k) {
      const std::lock_guard guard(m);
      if (++here == waiters + 1) {
        here = 0;
        ++meetings;
        all_here.notify_all();
      } else {
        all_here.wait(m, [&meetings, k] { return meetings > k; });
      }
    }
  });
  r.record(watch.ns_each(times), "ns");
  r.check(meetings, times, "meetings");
}

const bench::entry cond_1("go_cond_1", &meet<1>);
const bench::entry cond_2("go_cond_2", &meet<2>);
const bench::entry cond_4("go_cond_4", &meet<4>);
const bench::entry cond_8("go_cond_8", &meet<8>);
const bench::entry cond_16("go_cond_16", &meet<16>);
const bench::entry cond_32("go_cond_32", &meet<32>);

}  // namespace
