// What does it cost to start and to stop one of 100,000 timers, due in 1 to 10 hours?
#include "bench.hpp"

namespace {

const bench::entry many("many_timers", [](bench::recorder& r) {
  const std::int64_t number = r.count(100'000);
  std::vector<weft::timer> all;
  all.reserve(static_cast<std::size_t>(number));
  const bench::stopwatch start;
  for (std::int64_t i = 0; i < number; ++i)
    all.emplace_back(std::chrono::milliseconds(bench::far_away_ms(i)));
  r.record("start", start.ns_each(number), "ns");
  std::int64_t stopped = 0;
  const bench::stopwatch stop;
  for (const weft::timer& t : all) stopped += t.stop();
  r.record("stop", stop.ns_each(number), "ns");
  r.check(stopped, number, "timers stopped");
});

}  // namespace
