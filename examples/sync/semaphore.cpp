// Semaphore: jobs of different weight share a budget, in the order in which they came.
#include <atomic>
#include <chrono>
#include <cstdio>

#include <weft/weft.hpp>

using namespace std::chrono_literals;

int main() {
  constexpr int budget = 64;  // megabytes
  weft::semaphore memory(budget);
  std::atomic<int> used{0};
  std::atomic<bool> over_budget{false};

  weft::wait_group jobs;
  for (const int size : {48, 8, 8, 64, 16, 32, 4, 4, 56}) {
    jobs.go([&, size] {
      memory.acquire(size);
      if ((used += size) > budget) over_budget = true;
      weft::yield();  // the work
      used -= size;
      memory.release(size);
    });
  }
  jobs.wait();
  std::printf("over budget: %s\n", over_budget ? "yes" : "no");

  // One that cannot be had in time: nothing is taken.
  memory.acquire(60);
  std::printf("8 more within 1 ms: %s\n", memory.try_acquire_for(1ms, 8) ? "yes" : "no");
  std::printf("4 more: %s\n", memory.try_acquire(4) ? "yes" : "no");
  memory.release(64);
}

// Prints:
// over budget: no
// 8 more within 1 ms: no
// 4 more: yes
