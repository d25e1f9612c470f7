// Reader-writer locks as Go's BenchmarkRWMutexUncontended, ...Write100, ...Write10, ...WorkWrite100
// and ...WorkWrite10 use them: one operation in 100 or in 10 writes.
#include <mutex>
#include <shared_mutex>

#include "bench.hpp"

namespace {

struct alignas(128) own_lock {
  weft::shared_mutex m;
  std::int64_t n = 0;
};

/// Reads twice at once, then writes.
const bench::entry uncontended("go_rwmutex_uncontended", [](bench::recorder& r) {
  const std::int64_t each = r.count(1'000'000) / r.procs();
  std::vector<own_lock> all(static_cast<std::size_t>(r.procs()));
  const bench::stopwatch watch;
  bench::together(r.procs(), [&](std::int64_t i) {
    own_lock& mine = all[static_cast<std::size_t>(i)];
    for (std::int64_t k = 0; k < each; ++k) {
      mine.m.lock_shared();
      mine.m.lock_shared();
      mine.m.unlock_shared();
      mine.m.unlock_shared();
      mine.m.lock();
      ++mine.n;
      mine.m.unlock();
    }
  });
  r.record(watch.ns_each(each * r.procs()), "ns");
  std::int64_t total = 0;
  for (const own_lock& one : all) total += one.n;
  r.check(total, each * r.procs(), "writes");
});

void read_and_write(bench::recorder& r, std::int64_t write_every, int work) {
  const std::int64_t each = r.count(1'000'000) / r.procs();
  weft::shared_mutex m;
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
        x = bench::grind(x + static_cast<std::uint64_t>(n > 0), work);
      }
    }
    bench::keep(x);
  });
  r.record(watch.ns_each(each * r.procs()), "ns");
  r.check(n, r.procs() * ((each + write_every - 1) / write_every), "writes");
}

const bench::entry write_100("go_rwmutex_write_100",
                             [](bench::recorder& r) { read_and_write(r, 100, 0); });
const bench::entry write_10("go_rwmutex_write_10",
                            [](bench::recorder& r) { read_and_write(r, 10, 0); });
const bench::entry work_100("go_rwmutex_work_write_100",
                            [](bench::recorder& r) { read_and_write(r, 100, 100); });
const bench::entry work_10("go_rwmutex_work_write_10",
                           [](bench::recorder& r) { read_and_write(r, 10, 100); });

}  // namespace
