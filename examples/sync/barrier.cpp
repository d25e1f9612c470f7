// Barrier: heat spreads along a rod, each part computed by a goroutine of its own, step by step.
#include <array>
#include <cstddef>
#include <cstdio>
#include <utility>

#include <weft/weft.hpp>

int main() {
  constexpr std::size_t parts = 4;
  constexpr std::size_t length = 16;
  std::array<double, length> now{};
  std::array<double, length> next{};
  now[0] = next[0] = 100;

  int steps = 0;
  weft::barrier step_done(parts, [&]() noexcept {  // by the last one, before anybody goes on
    std::swap(now, next);
    ++steps;
  });

  weft::wait_group workers;
  for (std::size_t part = 0; part < parts; ++part) {
    workers.go([&, part] {
      const std::size_t first = part * length / parts;
      const std::size_t last = (part + 1) * length / parts;
      for (int step = 0; step < 1000; ++step) {
        for (std::size_t i = first; i < last; ++i)
          if (i != 0 && i != length - 1) next[i] = (now[i - 1] + now[i] + now[i + 1]) / 3;
        step_done.arrive_and_wait();
      }
    });
  }
  workers.wait();
  std::printf("%d steps\n", steps);
  std::printf("%.1f %.1f %.1f %.1f\n", now[0], now[5], now[10], now[15]);
}

// Prints:
// 1000 steps
// 100.0 66.7 33.3 0.0
