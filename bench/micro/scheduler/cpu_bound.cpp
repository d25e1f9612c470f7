// How much faster is pure computation when it is spread over the processors?
#include "bench.hpp"

namespace {

constexpr std::int64_t steps = 40'000'000;
constexpr int parts = 32;

/// A chain of dependent integer operations that no compiler shortens.
std::uint64_t grind(std::uint64_t x, std::int64_t times) {
  for (std::int64_t i = 0; i < times; ++i) {
    x ^= x << 13U;
    x ^= x >> 7U;
    x ^= x << 17U;
  }
  return x;
}

const bench::entry speed_up("cpu_bound", [](bench::recorder& r) {
  std::vector<std::uint64_t> alone(parts);
  const bench::stopwatch serial;
  for (std::size_t p = 0; p < parts; ++p) alone[p] = grind(p + 1, steps / parts);
  const double serial_ms = serial.ms();
  std::vector<std::uint64_t> together(parts);
  const weft::wait_group all;
  const bench::stopwatch parallel;
  for (std::size_t p = 0; p < parts; ++p)
    all.go([&together, p] { together[p] = grind(p + 1, steps / parts); });
  all.wait();
  r.record("ms", parallel.ms(), "ms");
  r.record("speedup", serial_ms / parallel.ms(), "x");
  r.check(together == alone, 1, "the parts agree");
});

}  // namespace
