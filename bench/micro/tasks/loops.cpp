// What do loops and fork-join cost, as parallel_for, parallel_reduce and tasks?
// The same work in oneTBB, under the same names: bench/peers/tbb.
#include "bench.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>
#include <vector>

namespace {

constexpr std::int64_t elements = 10'000'000;

struct arrays {
  std::vector<std::int32_t> in = std::vector<std::int32_t>(elements);
  std::vector<std::int32_t> out = std::vector<std::int32_t>(elements);
  arrays() {
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<std::int32_t>(i % 1'000);
  }
};

/// Made once: its pages are touched before anything is measured.
arrays& data() {
  static arrays all;
  return all;
}

const bench::entry every_element("parallel_for_10m", [](bench::recorder& r) {
  const std::int32_t* in = data().in.data();
  std::int32_t* out = data().out.data();
  const bench::stopwatch watch;
  weft::parallel_for(std::int64_t{0}, elements, [=](std::int64_t i) { out[i] = in[i] * 2 + 1; });
  r.record(watch.ms(), "ms");
  r.check(out[elements - 1], 1'999, "the last element");
});

const bench::entry sum("parallel_reduce", [](bench::recorder& r) {
  const std::int32_t* in = data().in.data();
  const bench::stopwatch watch;
  const std::int64_t total =
      weft::parallel_reduce(std::int64_t{0}, elements, std::int64_t{0}, std::plus<>{},
                            [=](std::int64_t i) { return std::int64_t{in[i]}; });
  r.record(watch.ms(), "ms");
  r.check(total, elements / 1'000 * 499'500, "the sum");
});

template <class Loop>
void small_loops(bench::recorder& r, std::int64_t size, int times, Loop loop) {
  const std::int32_t* in = data().in.data();
  std::int32_t* out = data().out.data();
  const bench::stopwatch watch;
  for (int k = 0; k < times; ++k) loop(size, [=](std::int64_t i) { out[i] = in[i] * 3 + k; });
  r.record(watch.ns_each(static_cast<std::size_t>(times)), "ns");
  r.check(out[size - 1], in[size - 1] * 3 + times - 1, "the last element");
}

const auto weft_loop = [](std::int64_t size, const auto& body) {
  weft::parallel_for(std::int64_t{0}, size, body);
};

const bench::entry hundred("parallel_for_100",
                           [](bench::recorder& r) { small_loops(r, 100, 20'000, weft_loop); });

const bench::entry ten_thousand("parallel_for_10k", [](bench::recorder& r) {
  small_loops(r, 10'000, 5'000, weft_loop);
});

const bench::entry few_long("parallel_for_64_long", [](bench::recorder& r) {
  std::vector<std::uint64_t> out(64);
  const bench::stopwatch watch;
  weft::parallel_for(std::size_t{0}, out.size(), [&](std::size_t i) {
    std::uint64_t x = i + 1;
    for (int k = 0; k < 100'000; ++k) {
      x ^= x << 13U;
      x ^= x >> 7U;
      x ^= x << 17U;
    }
    out[i] = x;
  });
  r.record(watch.ms(), "ms");
  r.note(static_cast<std::int64_t>(std::accumulate(out.begin(), out.end(), std::uint64_t{0})));
});

const bench::entry nested("parallel_for_nested", [](bench::recorder& r) {
  std::int32_t* out = data().out.data();
  const bench::stopwatch watch;
  weft::parallel_for(std::int64_t{0}, std::int64_t{1'000}, [=](std::int64_t row) {
    weft::parallel_for(std::int64_t{0}, std::int64_t{1'000}, [=](std::int64_t i) {
      out[row * 1'000 + i] = static_cast<std::int32_t>(row + i);
    });
  });
  r.record(watch.ms(), "ms");
  r.check(out[999'999], 1'998, "the last element");
});

std::int64_t fib(int n) {
  if (n < 2) return n;
  auto left = weft::spawn([n] { return fib(n - 1); });
  const std::int64_t right = fib(n - 2);
  return left.get() + right;
}

const bench::entry fibonacci("task_tree", [](bench::recorder& r) {
  constexpr int n = 27;
  constexpr std::size_t calls = 832'039;  // calls(n) = 1 + calls(n-1) + calls(n-2)
  const bench::stopwatch watch;
  const std::int64_t result = fib(n);
  r.record(watch.ns_each(calls), "ns");
  r.check(result, 196'418, "fib(27)");
});

const bench::entry quicksort("parallel_sort", [](bench::recorder& r) {
  std::minstd_rand random(1);
  std::vector<std::int32_t> v(2'000'000);
  for (std::int32_t& each : v) each = static_cast<std::int32_t>(random());
  const bench::stopwatch watch;
  weft::parallel_sort(v);
  r.record(watch.ms(), "ms");
  r.check(std::is_sorted(v.begin(), v.end()), 1, "sorted");
  r.note(v[v.size() / 2]);
});

}  // namespace
