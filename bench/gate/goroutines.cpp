// Turns, starts and ends of goroutines; tasks.
#include "gate.hpp"

namespace {

void yield_among(std::int64_t goroutines, std::int64_t times) {
  const weft::wait_group all;
  std::int64_t turns = 0;
  for (std::int64_t g = 0; g < goroutines; ++g)
    all.go([&turns, each = times / goroutines] {
      for (std::int64_t i = 0; i < each; ++i) {
        ++turns;
        weft::yield();
      }
    });
  all.wait();
  gate::expect_equal(turns, times, "turns");
}

const gate::row two(
    "yield_2", [](std::int64_t n) { yield_among(2, n); }, 4'000);
const gate::row many(
    "yield_100", [](std::int64_t n) { yield_among(100, n); }, 10'000);

const gate::row batch(
    "spawn_batch_100",
    [](std::int64_t n) {
      constexpr std::int64_t each = 100;
      const weft::wait_group all;
      std::int64_t ran = 0;
      for (std::int64_t done = 0; done < n; done += each) {
        for (std::int64_t i = 0; i < each; ++i) all.go([&ran] { ++ran; });
        all.wait();
      }
      gate::expect_equal(ran, n, "goroutines run");
    },
    4'000);

const gate::row one("spawn_one", [](std::int64_t n) {
  const weft::wait_group all;
  std::int64_t ran = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    all.go([&ran] { ++ran; });
    all.wait();
  }
  gate::expect_equal(ran, n, "goroutines run");
});

/// Which waits in the middle, so that it has a stack of its own to be given and to give back.
const gate::row parked("spawn_that_parks", [](std::int64_t n) {
  const weft::chan<void> gate;
  const weft::wait_group all;
  for (std::int64_t i = 0; i < n; ++i) {
    all.go([&gate] { gate.recv(); });
    gate.send();
    all.wait();
  }
});

const gate::row task("task_spawn_get", [](std::int64_t n) {
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    auto t = weft::spawn([i] { return i; });
    sum += t.get();
  }
  gate::expect_equal(sum, n * (n - 1) / 2, "sum of the results");
});

}  // namespace
