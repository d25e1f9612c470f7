// std::mutex and its like among threads; see bench/micro/sync.
#include <condition_variable>
#include <mutex>
#include <shared_mutex>

#include "threads.hpp"

namespace {

template <class Lock>
void alone(bench::recorder& r) {
  const std::int64_t times = r.count(5'000'000);
  typename Lock::mutex_type m;
  std::int64_t n = 0;
  std::thread([] {}).join();  // glibc's locks take shortcuts in a process of one thread
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < times; ++i) {
    const Lock guard(m);
    ++n;
  }
  r.record(watch.ns_each(times), "ns");
  r.check(n, times, "turns");
}

const bench::entry mutex_alone("mutex_uncontended", &alone<std::unique_lock<std::mutex>>);
const bench::entry read_alone("shared_mutex_read", &alone<std::shared_lock<std::shared_mutex>>);
const bench::entry write_alone("shared_mutex_write", &alone<std::unique_lock<std::shared_mutex>>);

template <class Mutex>
void contend(bench::recorder& r, std::int64_t threads, std::int64_t each, int work, bool yields) {
  Mutex m;
  std::int64_t n = 0;
  const bench::stopwatch watch;
  bench::together(threads, [&](std::int64_t) {
    std::uint64_t x = 1;
    for (std::int64_t i = 0; i < each; ++i) {
      {
        const std::lock_guard guard(m);
        if (yields) std::this_thread::yield();
        ++n;
      }
      x = bench::grind(x, work);
    }
    bench::keep(x);
  });
  r.record(watch.ns_each(each * threads), "ns");
  r.check(n, each * threads, "turns");
}

const bench::entry contended("mutex_contended_8", [](bench::recorder& r) {
  contend<std::mutex>(r, 8, r.count(500'000), 0, false);
});
const bench::entry yielding("mutex_yield_inside_8", [](bench::recorder& r) {
  contend<std::mutex>(r, 8, r.count(50'000), 0, true);
});
const bench::entry writing("shared_mutex_write_contended_8", [](bench::recorder& r) {
  contend<std::shared_mutex>(r, 8, r.count(200'000), 0, false);
});

void contend_as_go(bench::recorder& r, int threads_each, int work) {
  const std::int64_t threads = std::int64_t{threads_each} * r.procs();
  contend<std::mutex>(r, threads, r.count(1'000'000) / threads, work, false);
}

const bench::entry plain("go_mutex", [](bench::recorder& r) { contend_as_go(r, 1, 0); });
const bench::entry slack("go_mutex_slack", [](bench::recorder& r) { contend_as_go(r, 10, 0); });
const bench::entry work("go_mutex_work", [](bench::recorder& r) { contend_as_go(r, 1, 100); });
const bench::entry both("go_mutex_work_slack",
                        [](bench::recorder& r) { contend_as_go(r, 10, 100); });

template <std::int64_t write_every, int steps>
void read_and_write(bench::recorder& r) {
  const std::int64_t each = r.count(1'000'000) / r.procs();
  std::shared_mutex m;
  std::int64_t n = 0;
  const bench::stopwatch watch;
  bench::together(r.procs(), [&](std::int64_t) {
    std::uint64_t x = 1;
    for (std::int64_t k = 0; k < each; ++k) {
      if (k % write_every == 0) {
        const std::lock_guard guard(m);
        ++n;
      } else {
        const std::shared_lock guard(m);
        x = bench::grind(x + static_cast<std::uint64_t>(n > 0), steps);
      }
    }
    bench::keep(x);
  });
  r.record(watch.ns_each(each * r.procs()), "ns");
  r.check(n, r.procs() * ((each + write_every - 1) / write_every), "writes");
}

const bench::entry write_100("go_rwmutex_write_100", &read_and_write<100, 0>);
const bench::entry write_10("go_rwmutex_write_10", &read_and_write<10, 0>);
const bench::entry work_100("go_rwmutex_work_write_100", &read_and_write<100, 100>);
const bench::entry work_10("go_rwmutex_work_write_10", &read_and_write<10, 100>);

const bench::entry condition("condition_ping_pong", [](bench::recorder& r) {
  const std::int64_t times = r.count(200'000);
  std::mutex m;
  std::condition_variable changed;
  std::int64_t turn = 0;
  const bench::stopwatch watch;
  bench::together(2, [&](std::int64_t me) {
    for (std::int64_t i = 0; i < times; ++i) {
      std::unique_lock lock(m);
      changed.wait(lock, [&] { return turn % 2 == me; });
      ++turn;
      changed.notify_one();
    }
  });
  r.record(watch.ns_each(2 * times), "ns");
  r.check(turn, 2 * times, "turns");
});

template <std::int64_t waiters>
void meet(bench::recorder& r) {
  const std::int64_t times = r.count(100'000 / waiters);
  std::mutex m;
  std::condition_variable all_here;
  std::int64_t here = 0;
  std::int64_t meetings = 0;
  const bench::stopwatch watch;
  bench::together(waiters + 1, [&](std::int64_t) {
    for (std::int64_t k = 0; k < times; ++k) {
      std::unique_lock lock(m);
      if (++here == waiters + 1) {
        here = 0;
        ++meetings;
        all_here.notify_all();
      } else {
        all_here.wait(lock, [&meetings, k] { return meetings > k; });
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
