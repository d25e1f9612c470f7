// What do trees of goroutines cost, joined by channels or by wait groups?
#include "bench.hpp"

namespace {

using numbers = weft::chan<std::int64_t>;

/// Every node starts ten children and adds up what they send; the leaves send their own number.
void skynet(const numbers& parent, std::int64_t number, std::int64_t size) {
  if (size == 1) return parent.send(number);
  const numbers children;
  const std::int64_t part = size / 10;
  for (std::int64_t i = 0; i < 10; ++i)
    weft::go([children, first = number + i * part, part] { skynet(children, first, part); });
  std::int64_t sum = 0;
  for (int i = 0; i < 10; ++i) sum += *children.recv();
  parent.send(sum);
}

const bench::entry million("skynet", [](bench::recorder& r) {
  const numbers result;
  const bench::stopwatch watch;
  weft::go([result] { skynet(result, 0, 1'000'000); });
  const std::int64_t sum = *result.recv();
  r.record(watch.ms(), "ms");
  r.check(sum, 499'999'500'000, "skynet");
});

std::int64_t fib(int n) {
  if (n < 2) return n;
  std::int64_t a = 0;
  const weft::wait_group forked;
  forked.go([&a, n] { a = fib(n - 1); });
  const std::int64_t b = fib(n - 2);
  forked.wait();
  return a + b;
}

const bench::entry fibonacci("fib", [](bench::recorder& r) {
  constexpr int n = 22;
  constexpr std::size_t calls = 57'313;  // calls(n) = 1 + calls(n-1) + calls(n-2)
  const bench::stopwatch watch;
  const std::int64_t result = fib(n);
  r.record(watch.ns_each(calls), "ns");
  r.check(result, 17'711, "fib(22)");
});

}  // namespace
