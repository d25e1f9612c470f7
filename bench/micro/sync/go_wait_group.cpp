// Wait groups as Go's BenchmarkWaitGroupUncontended, ...AddDone, ...AddDoneWork, ...Wait,
// ...WaitWork and ...ActuallyWait use them.
#include "bench.hpp"

namespace {

/// `turn(i)` for each of so many goroutines as there are processors, again and again, and work.
template <class Turn>
void repeat(bench::recorder& r, std::int64_t times, int work, const Turn& turn) {
  const std::int64_t each = r.count(times) / r.procs();
  std::vector<std::int64_t> turns(static_cast<std::size_t>(r.procs()));
  const bench::stopwatch watch;
  bench::together(r.procs(), [&](std::int64_t i) {
    std::uint64_t x = 1;
    std::int64_t mine = 0;
    for (std::int64_t k = 0; k < each; ++k, ++mine) {
      turn(static_cast<std::size_t>(i));
      x = bench::grind(x, work);
    }
    bench::keep(x);
    turns[static_cast<std::size_t>(i)] = mine;
  });
  r.record(watch.ns_each(each * r.procs()), "ns");
  std::int64_t total = 0;
  for (const std::int64_t mine : turns) total += mine;
  r.check(total, each * r.procs(), "turns");
}

const bench::entry uncontended("go_wait_group_uncontended", [](bench::recorder& r) {
  std::vector<weft::wait_group> own;
  for (int i = 0; i < r.procs(); ++i) own.emplace_back();
  repeat(r, 1'000'000, 0, [&](std::size_t i) {
    own[i].add();
    own[i].done();
    own[i].wait();
  });
});

void add_done(bench::recorder& r, int work) {
  const weft::wait_group shared;
  repeat(r, 1'000'000, work, [&](std::size_t) {
    shared.add();
    shared.done();
  });
}

const bench::entry add("go_wait_group_add_done", [](bench::recorder& r) { add_done(r, 0); });
const bench::entry add_work("go_wait_group_add_done_work",
                            [](bench::recorder& r) { add_done(r, 100); });

void wait_for_nothing(bench::recorder& r, int work) {
  const weft::wait_group shared;
  repeat(r, 5'000'000, work, [&](std::size_t) { shared.wait(); });
}

const bench::entry wait("go_wait_group_wait", [](bench::recorder& r) { wait_for_nothing(r, 0); });
const bench::entry wait_work("go_wait_group_wait_work",
                             [](bench::recorder& r) { wait_for_nothing(r, 10); });

const bench::entry actually("go_wait_group_actually_wait", [](bench::recorder& r) {
  repeat(r, 200'000, 0, [&](std::size_t) {
    const weft::wait_group group;
    group.add();
    weft::go([group] { group.done(); });
    group.wait();
  });
});

}  // namespace
