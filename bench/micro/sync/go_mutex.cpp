// Locks as Go's BenchmarkMutexUncontended, Mutex, MutexSlack, MutexWork, MutexWorkSlack,
// MutexNoSpin and MutexSpin use them. Slack: ten goroutines for each processor.
#include <memory>
#include <mutex>

#include "bench.hpp"

namespace {

struct alignas(128) own_mutex {
  weft::mutex m;
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

void contend(bench::recorder& r, int goroutines_each, int work) {
  const std::int64_t goroutines = std::int64_t{goroutines_each} * r.procs();
  const std::int64_t each = r.count(1'000'000) / goroutines;
  weft::mutex m;
  std::int64_t n = 0;
  const bench::stopwatch watch;
  bench::together(goroutines, [&](std::int64_t) {
    std::uint64_t x = 1;
    for (std::int64_t k = 0; k < each; ++k) {
      {
        const std::lock_guard guard(m);
        ++n;
      }
      x = bench::grind(x, work);
    }
    bench::keep(x);
  });
  r.record(watch.ns_each(each * goroutines), "ns");
  r.check(n, each * goroutines, "turns");
}

const bench::entry plain("go_mutex", [](bench::recorder& r) { contend(r, 1, 0); });
const bench::entry slack("go_mutex_slack", [](bench::recorder& r) { contend(r, 10, 0); });
const bench::entry work("go_mutex_work", [](bench::recorder& r) { contend(r, 1, 100); });
const bench::entry both("go_mutex_work_slack", [](bench::recorder& r) { contend(r, 10, 100); });

/// Writes to every line of some memory of its own.
class scratch {
 public:
  explicit scratch(std::size_t bytes) : words_(bytes / sizeof(std::uint64_t)) {}
  void touch() {
    for (std::size_t i = 0; i < words_.size(); i += 4) ++words_[i];
    bench::keep(words_.data());
  }

 private:
  std::vector<std::uint64_t> words_;
};

/// Moves 100 from one account to the other.
struct accounts {
  weft::mutex m{};
  std::int64_t from = 0;
  std::int64_t to = 0;
  void move() {
    const std::lock_guard guard(m);
    from -= 100;
    to += 100;
  }
};

/// There is more to do than processors: a goroutine that spins for the lock wastes its own.
const bench::entry no_spin("go_mutex_no_spin", [](bench::recorder& r) {
  const std::int64_t goroutines = 4 * r.procs();
  const std::int64_t each = r.count(100'000) / goroutines;
  accounts a;
  const bench::stopwatch watch;
  bench::together(goroutines, [&](std::int64_t) {
    const bench::numbers c;
    scratch data(4'096);
    for (std::int64_t k = 0; k < each; ++k) {
      if (k % 4 == 0) {
        a.move();
        continue;
      }
      data.touch();
      weft::go([c, k] { c.send(k); });
      c.recv();
    }
  });
  r.record(watch.ns_each(each * goroutines), "ns");
  r.check(a.to, 100 * goroutines * ((each + 3) / 4), "moved");
});

/// Much work outside, little inside: spinning is best.
const bench::entry spin("go_mutex_spin", [](bench::recorder& r) {
  const std::int64_t each = r.count(100'000) / r.procs();
  accounts a;
  const bench::stopwatch watch;
  bench::together(r.procs(), [&](std::int64_t) {
    scratch data(16'384);
    for (std::int64_t k = 0; k < each; ++k) {
      a.move();
      data.touch();
    }
  });
  r.record(watch.ns_each(each * r.procs()), "ns");
  r.check(a.to, 100 * each * r.procs(), "moved");
});

}  // namespace
