// How long does it take from waking a goroutine, or from the moment a sleep should end, until it
// runs, while four goroutines for each processor compute in slices of 20 us?
#include <atomic>

#include "bench.hpp"

namespace {

using namespace std::chrono_literals;

/// Runs `f` beside the load.
template <class F>
void under_load(int procs, const F& f) {
  std::atomic<bool> stop = false;
  const weft::wait_group load;
  for (int i = 0; i < 4 * procs; ++i)
    load.go([&stop] {
      for (; !stop.load(std::memory_order_relaxed); weft::yield()) bench::spin(20us);
    });
  f();
  stop.store(true);
  load.wait();
}

/// The waker goes on for 20 us, as one of the load, after it woke the receiver.
const bench::entry wake("wake_under_load", [](bench::recorder& r) {
  using clock = std::chrono::steady_clock;
  const std::int64_t times = r.count(1'000);
  const weft::chan<clock::time_point> c;
  std::vector<double> late_us;
  const weft::wait_group receiver;
  receiver.go([&] {
    for (const clock::time_point sent : c) {
      const std::chrono::duration<double, std::micro> late = clock::now() - sent;
      late_us.push_back(late.count());
    }
  });
  under_load(r.procs(), [&] {
    for (std::int64_t i = 0; i < times; ++i) {
      c.send(clock::now());
      bench::spin(20us);
      weft::yield();
    }
  });
  c.close();
  receiver.wait();
  r.check(static_cast<std::int64_t>(late_us.size()), times, "wake-ups");
  r.record_percentiles(std::move(late_us), "us");
});

const bench::entry sleep("sleep_under_load_late", [](bench::recorder& r) {
  const std::int64_t times = r.count(200);
  std::vector<double> late_us;
  under_load(r.procs(), [&] {
    for (std::int64_t i = 0; i < times; ++i) {
      const bench::stopwatch watch;
      weft::sleep_for(500us);
      late_us.push_back(watch.us() - 500);
    }
  });
  r.check(static_cast<std::int64_t>(late_us.size()), times, "sleeps");
  r.record_percentiles(std::move(late_us), "us");
});

}  // namespace
