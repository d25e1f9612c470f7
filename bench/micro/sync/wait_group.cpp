// What does it cost to count a task that nobody waits for yet?
#include "bench.hpp"

namespace {

const bench::entry add_done("wait_group_add_done", [](bench::recorder& r) {
  const std::int64_t times = r.count(2'000'000);
  const weft::wait_group group;
  group.add();
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) {
    group.add();
    group.done();
  }
  r.record(watch.ns_each(times), "ns");
  group.done();
  group.wait();
  r.note(times);
});

}  // namespace
