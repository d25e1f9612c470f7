// bench/micro/tasks/loops.cpp in oneTBB: the same work under the same names, the same harness.
//
// Ranges are handed to the bodies as blocks, which is how oneTBB is meant to be used where the body
// is trivial, and its loops then vectorise.
#include "harness.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>
#include <vector>

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_reduce.h>
#include <tbb/parallel_sort.h>
#include <tbb/task_group.h>
#include <tbb/version.h>

namespace {

constexpr std::int64_t elements = 10'000'000;
using block = tbb::blocked_range<std::int64_t>;

/// As many threads as the harness was asked for, for the whole process.
void limit_threads(const bench::recorder& r) {
  static const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                         static_cast<std::size_t>(r.procs()));
}

struct arrays {
  std::vector<std::int32_t> in = std::vector<std::int32_t>(elements);
  std::vector<std::int32_t> out = std::vector<std::int32_t>(elements);
  arrays() {
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<std::int32_t>(i % 1'000);
  }
};

arrays& data() {
  static arrays all;
  return all;
}

template <class Body>
void loop(std::int64_t size, const Body& body) {
  tbb::parallel_for(block(0, size), [&body](const block& part) {
    for (std::int64_t i = part.begin(); i != part.end(); ++i) body(i);
  });
}

const bench::entry every_element("parallel_for_10m", [](bench::recorder& r) {
  limit_threads(r);
  const std::int32_t* in = data().in.data();
  std::int32_t* out = data().out.data();
  const bench::stopwatch watch;
  loop(elements, [=](std::int64_t i) { out[i] = in[i] * 2 + 1; });
  r.record(watch.ms(), "ms");
  r.check(out[elements - 1], 1'999, "the last element");
});

const bench::entry sum("parallel_reduce", [](bench::recorder& r) {
  limit_threads(r);
  const std::int32_t* in = data().in.data();
  const bench::stopwatch watch;
  const std::int64_t total = tbb::parallel_reduce(
      block(0, elements), std::int64_t{0},
      [=](const block& part, std::int64_t total_so_far) {
        for (std::int64_t i = part.begin(); i != part.end(); ++i) total_so_far += in[i];
        return total_so_far;
      },
      std::plus<>{});
  r.record(watch.ms(), "ms");
  r.check(total, elements / 1'000 * 499'500, "the sum");
});

void small_loops(bench::recorder& r, std::int64_t size, int times) {
  limit_threads(r);
  const std::int32_t* in = data().in.data();
  std::int32_t* out = data().out.data();
  const bench::stopwatch watch;
  for (int k = 0; k < times; ++k) loop(size, [=](std::int64_t i) { out[i] = in[i] * 3 + k; });
  r.record(watch.ns_each(static_cast<std::size_t>(times)), "ns");
  r.check(out[size - 1], in[size - 1] * 3 + times - 1, "the last element");
}

const bench::entry hundred("parallel_for_100",
                           [](bench::recorder& r) { small_loops(r, 100, 20'000); });
const bench::entry ten_thousand("parallel_for_10k",
                                [](bench::recorder& r) { small_loops(r, 10'000, 5'000); });

const bench::entry few_long("parallel_for_64_long", [](bench::recorder& r) {
  limit_threads(r);
  std::vector<std::uint64_t> out(64);
  const bench::stopwatch watch;
  tbb::parallel_for(std::size_t{0}, out.size(), [&](std::size_t i) {
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
  limit_threads(r);
  std::int32_t* out = data().out.data();
  const bench::stopwatch watch;
  tbb::parallel_for(std::int64_t{0}, std::int64_t{1'000}, [=](std::int64_t row) {
    loop(1'000, [=](std::int64_t i) { out[row * 1'000 + i] = static_cast<std::int32_t>(row + i); });
  });
  r.record(watch.ms(), "ms");
  r.check(out[999'999], 1'998, "the last element");
});

std::int64_t fib(int n) {
  if (n < 2) return n;
  std::int64_t left = 0;
  tbb::task_group group;
  group.run([&left, n] { left = fib(n - 1); });
  const std::int64_t right = fib(n - 2);
  group.wait();
  return left + right;
}

const bench::entry fibonacci("task_tree", [](bench::recorder& r) {
  limit_threads(r);
  constexpr int n = 27;
  constexpr std::size_t calls = 832'039;
  const bench::stopwatch watch;
  const std::int64_t result = fib(n);
  r.record(watch.ns_each(calls), "ns");
  r.check(result, 196'418, "fib(27)");
});

const bench::entry quicksort("parallel_sort", [](bench::recorder& r) {
  limit_threads(r);
  std::minstd_rand random(1);
  std::vector<std::int32_t> v(2'000'000);
  for (std::int32_t& each : v) each = static_cast<std::int32_t>(random());
  const bench::stopwatch watch;
  tbb::parallel_sort(v);
  r.record(watch.ms(), "ms");
  r.check(std::is_sorted(v.begin(), v.end()), 1, "sorted");
  r.note(v[v.size() / 2]);
});

}  // namespace

int main(int argc, char** argv) {
  return bench::run_all(bench::parse(argc, argv), "oneTBB " TBB_VERSION_STRING,
                        [](const auto& f) { f(); });
}
