// Latch: the race begins when everybody is at the start.
#include <atomic>
#include <cstdio>

#include <weft/weft.hpp>

int main() {
  constexpr int runners = 5;
  weft::latch ready(runners);
  weft::latch go(1);
  weft::latch finished(runners);
  std::atomic<int> running{0};

  for (int i = 0; i < runners; ++i) {
    weft::go([&] {
      ready.count_down();
      go.wait();
      ++running;
      finished.count_down();
    });
  }
  ready.wait();
  std::printf("ready, and %d run already\n", running.load());
  go.count_down();
  finished.wait();
  std::printf("%d have run\n", running.load());
}

// Prints:
// ready, and 0 run already
// 5 have run
