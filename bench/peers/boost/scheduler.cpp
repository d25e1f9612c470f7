// Starting, switching and waking; see bench/micro/scheduler and bench/micro/timers/sleep.cpp.
#include <array>
#include <atomic>
#include <numeric>

#include "fibers.hpp"

namespace {

using namespace std::chrono_literals;
using bench::unbuffered;

void yield_among(bench::recorder& r, std::int64_t number, std::int64_t yields_usual) {
  const std::int64_t yields_each = r.count(yields_usual);
  std::atomic<std::int64_t> turns{0};
  const bench::stopwatch watch;
  bench::together(number, [&](std::int64_t) {
    std::int64_t mine = 0;
    for (; mine < yields_each; ++mine) boost::this_fiber::yield();
    turns.fetch_add(mine);
  });
  r.record(watch.ns_each(number * yields_each), "ns");
  r.check(turns.load(), number * yields_each, "turns");
}

const bench::entry two("yield_2", [](bench::recorder& r) { yield_among(r, 2, 500'000); });
const bench::entry many("yield_1000", [](bench::recorder& r) { yield_among(r, 1'000, 1'000); });

const bench::entry batch("spawn_batch_1000", [](bench::recorder& r) {
  const std::int64_t batches = r.count(300);
  constexpr std::int64_t each = 1'000;
  const bench::stopwatch watch;
  for (std::int64_t b = 0; b < batches; ++b) bench::together(each, [](std::int64_t) {});
  r.record(watch.ns_each(batches * each), "ns");
  r.note(batches * each);
});

const bench::entry one("spawn_one", [](bench::recorder& r) {
  const std::int64_t times = r.count(100'000);
  std::int64_t ran = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < times; ++i) bench::start([&ran] { ++ran; }).join();
  r.record(watch.ns_each(times), "ns");
  r.check(ran, times, "fibers run");
});

/// The channels have room for every child, and fibers run at once, so that leaves end at once:
/// otherwise all 1,111,111 nodes are alive together, in 9 GB, and it takes twenty times as long.
void skynet(bench::buffered& parent, std::int64_t number, std::int64_t size) {
  if (size == 1) {
    parent.push(number);
    return;
  }
  bench::buffered children(16);
  const std::int64_t part = size / 10;
  std::array<bench::fibers::fiber, 10> all;
  for (std::int64_t i = 0; i < 10; ++i)
    all[static_cast<std::size_t>(i)] = bench::start_at_once(
        [&children, first = number + i * part, part] { skynet(children, first, part); });
  std::int64_t sum = 0;
  for (int i = 0; i < 10; ++i) sum += children.value_pop();
  for (bench::fibers::fiber& each : all) each.join();  // they use the channel until they end
  parent.push(sum);
}

const bench::entry million("skynet", [](bench::recorder& r) {
  bench::buffered result(2);
  const bench::stopwatch watch;
  auto root = bench::start_at_once([&result] { skynet(result, 0, 1'000'000); });
  const std::int64_t sum = result.value_pop();
  r.record(watch.ms(), "ms");
  root.join();
  r.check(sum, 499'999'500'000, "skynet");
});

std::int64_t fib(int n) {
  if (n < 2) return n;
  std::int64_t a = 0;
  auto forked = bench::start_at_once([&a, n] { a = fib(n - 1); });
  const std::int64_t b = fib(n - 2);
  forked.join();
  return a + b;
}

const bench::entry fibonacci("fib", [](bench::recorder& r) {
  constexpr std::int64_t calls = 57'313;
  const bench::stopwatch watch;
  const std::int64_t result = fib(22);
  r.record(watch.ns_each(calls), "ns");
  r.check(result, 17'711, "fib(22)");
});

const bench::entry capture("go_create_goroutines_capture", [](bench::recorder& r) {
  constexpr std::int64_t number = 4;
  const std::int64_t times = r.count(100'000);
  std::array<std::int64_t, number> seen{};
  const bench::stopwatch watch;
  for (std::int64_t k = 0; k < times; ++k)
    bench::together(number, [&](std::int64_t i) { seen[static_cast<std::size_t>(i)] += k; });
  r.record(watch.ns_each(times * number), "ns");
  r.check(std::accumulate(seen.begin(), seen.end(), std::int64_t{0}),
          number * bench::sum_below(times), "sum of what was captured");
});

const bench::entry single("go_create_goroutines_single", [](bench::recorder& r) {
  const std::int64_t times = r.count(100'000);
  std::atomic<std::int64_t> sum{0};
  const bench::stopwatch watch;
  bench::together(times, [&sum](std::int64_t i) { sum.fetch_add(i); });
  r.record(watch.ns_each(times), "ns");
  r.check(sum.load(), bench::sum_below(times), "sum of the numbers");
});

void create_chain(bench::buffered& end, std::int64_t left, std::int64_t made) {
  if (left == 0)
    end.push(made);
  else
    bench::start([&end, left, made] { create_chain(end, left - 1, made + 1); }).detach();
}

void create(bench::recorder& r, std::int64_t chains) {
  const std::int64_t each = r.count(300'000) / chains;
  static bench::buffered end(2);  // lives longer than the last fiber's use of it
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < chains; ++i) create_chain(end, each, 0);
  std::int64_t made = 0;
  for (std::int64_t i = 0; i < chains; ++i) made += end.value_pop();
  r.record(watch.ns_each(each * chains), "ns");
  r.check(made, each * chains, "fibers made");
}

const bench::entry create_1("go_create_goroutines", [](bench::recorder& r) { create(r, 1); });
const bench::entry create_4("go_create_goroutines_parallel",
                            [](bench::recorder& r) { create(r, 4 * r.procs()); });

const bench::entry hog("go_ping_pong_hog", [](bench::recorder& r) {
  const std::int64_t times = r.count(100'000);
  std::atomic<bool> stop = false;
  auto busy = bench::start([&stop] {
    for (std::uint64_t x = 1; !stop.load(std::memory_order_relaxed); boost::this_fiber::yield())
      bench::keep(x = bench::grind(x, 1'000));
  });
  unbuffered ping;
  unbuffered pong;
  auto echo = bench::start([&] {
    for (std::int64_t i = 0; i < times; ++i) pong.push(ping.value_pop() + 1);
  });
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < times; ++i) {
    ping.push(i);
    sum += pong.value_pop();
  }
  r.record(watch.ns_each(times), "ns");
  stop.store(true);
  busy.join();
  echo.join();
  r.check(sum, times * (times + 1) / 2, "sum of the echoes");
});

template <int us>
void wake_after(bench::recorder& r) {
  constexpr std::chrono::microseconds d(us);
  const std::int64_t times = r.count(500);
  unbuffered c;
  std::array<std::int64_t, 2> sums{};
  const bench::stopwatch watch;
  bench::together(2, [&](std::int64_t me) {
    for (std::int64_t i = 0; i < times; ++i) {
      bench::spin(i % 2 == me ? d : d + 5us);
      if (i % 2 == me)
        sums[static_cast<std::size_t>(me)] += c.value_pop();
      else
        c.push(i);
    }
  });
  r.record(watch.us() / static_cast<double>(times), "us");
  r.check(sums[0] + sums[1], bench::sum_below(times), "sum of the values");
}

const bench::entry us_0("go_wakeup_parallel_spinning_0us", &wake_after<0>);
const bench::entry us_1("go_wakeup_parallel_spinning_1us", &wake_after<1>);
const bench::entry us_2("go_wakeup_parallel_spinning_2us", &wake_after<2>);
const bench::entry us_5("go_wakeup_parallel_spinning_5us", &wake_after<5>);
const bench::entry us_10("go_wakeup_parallel_spinning_10us", &wake_after<10>);
const bench::entry us_20("go_wakeup_parallel_spinning_20us", &wake_after<20>);
const bench::entry us_50("go_wakeup_parallel_spinning_50us", &wake_after<50>);
const bench::entry us_100("go_wakeup_parallel_spinning_100us", &wake_after<100>);

void asked(bench::recorder& r, std::chrono::microseconds d) {
  const std::int64_t times = r.count(200);
  std::vector<double> took_us;
  for (std::int64_t i = 0; i < times; ++i) {
    const bench::stopwatch watch;
    boost::this_fiber::sleep_for(d);
    took_us.push_back(watch.us());
  }
  r.record(std::accumulate(took_us.begin(), took_us.end(), 0.0) / static_cast<double>(times), "us");
  r.record_percentiles(std::move(took_us), "us");
  r.note(times);
}

const bench::entry sleep_10("sleep_10us", [](bench::recorder& r) { asked(r, 10us); });
const bench::entry sleep_50("sleep_50us", [](bench::recorder& r) { asked(r, 50us); });
const bench::entry sleep_200("sleep_200us", [](bench::recorder& r) { asked(r, 200us); });

const bench::entry storm("sleep_storm", [](bench::recorder& r) {
  const std::int64_t sleepers = r.count(100'000);
  std::atomic<std::int64_t> woke{0};
  const double cpu_before = bench::cpu_ms();
  const bench::stopwatch watch;
  bench::together(sleepers, [&woke](std::int64_t i) {
    boost::this_fiber::sleep_for(std::chrono::milliseconds(1 + i * 7919 % 100));
    woke.fetch_add(1, std::memory_order_relaxed);
  });
  r.record("wall", watch.ms(), "ms");
  r.record("cpu", bench::cpu_ms() - cpu_before, "ms");
  r.check(woke.load(), sleepers, "woken");
});

}  // namespace
