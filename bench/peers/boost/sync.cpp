// Locks, condition variables and barriers; see bench/micro/sync.
#include <mutex>

#include "fibers.hpp"

namespace {

namespace fibers = bench::fibers;

const bench::entry alone("mutex_uncontended", [](bench::recorder& r) {
  const std::int64_t times = r.count(5'000'000);
  fibers::mutex m;
  std::int64_t n = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < times; ++i) {
    const std::lock_guard guard(m);
    ++n;
  }
  r.record(watch.ns_each(times), "ns");
  r.check(n, times, "turns");
});

void contend(bench::recorder& r, std::int64_t number, std::int64_t each, int work, bool yields) {
  fibers::mutex m;
  std::int64_t n = 0;
  const bench::stopwatch watch;
  bench::together(number, [&](std::int64_t) {
    std::uint64_t x = 1;
    for (std::int64_t i = 0; i < each; ++i) {
      {
        const std::lock_guard guard(m);
        if (yields) boost::this_fiber::yield();
        ++n;
      }
      x = bench::grind(x, work);
    }
    bench::keep(x);
  });
  r.record(watch.ns_each(each * number), "ns");
  r.check(n, each * number, "turns");
}

const bench::entry contended("mutex_contended_8",
                             [](bench::recorder& r) { contend(r, 8, r.count(500'000), 0, false); });
const bench::entry yielding("mutex_yield_inside_8",
                            [](bench::recorder& r) { contend(r, 8, r.count(50'000), 0, true); });

void contend_as_go(bench::recorder& r, int fibers_each, int work) {
  const std::int64_t number = std::int64_t{fibers_each} * r.procs();
  contend(r, number, r.count(1'000'000) / number, work, false);
}

const bench::entry plain("go_mutex", [](bench::recorder& r) { contend_as_go(r, 1, 0); });
const bench::entry slack("go_mutex_slack", [](bench::recorder& r) { contend_as_go(r, 10, 0); });
const bench::entry work("go_mutex_work", [](bench::recorder& r) { contend_as_go(r, 1, 100); });
const bench::entry both("go_mutex_work_slack",
                        [](bench::recorder& r) { contend_as_go(r, 10, 100); });

struct alignas(128) own_mutex {
  fibers::mutex m;
  std::int64_t n = 0;
};

const bench::entry uncontended("go_mutex_uncontended", [](bench::recorder& r) {
  const std::int64_t each = r.count(5'000'000) / r.procs();
  std::vector<own_mutex> all(static_cast<std::size_t>(r.procs()));
  const bench::stopwatch watch;
  bench::together(r.procs(), [&](std::int64_t i) {
    own_mutex& mine = all[static_cast<std::size_t>(i)];
    for (std::int64_t k = 0; k < each; ++k) {
      const std::lock_guard guard(mine.m);
      ++mine.n;
    }
  });
  r.record(watch.ns_each(each * r.procs()), "ns");
  std::int64_t total = 0;
  for (const own_mutex& one : all) total += one.n;
  r.check(total, each * r.procs(), "turns");
});

const bench::entry condition("condition_ping_pong", [](bench::recorder& r) {
  const std::int64_t times = r.count(200'000);
  fibers::mutex m;
  fibers::condition_variable changed;
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
  fibers::mutex m;
  fibers::condition_variable all_here;
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

const bench::entry barrier("barrier_phase_2", [](bench::recorder& r) {
  const std::int64_t times = r.count(200'000);
  fibers::barrier b(2);
  const bench::stopwatch watch;
  bench::together(2, [&](std::int64_t) {
    for (std::int64_t i = 0; i < times; ++i) b.wait();
  });
  r.record(watch.ns_each(times), "ns");
  r.note(times);
});

}  // namespace
