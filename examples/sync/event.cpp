// Event: a valve that opens and closes, for as many as stand before it.
#include <atomic>
#include <chrono>
#include <cstdio>

#include <weft/weft.hpp>

using namespace std::chrono_literals;

int main() {
  weft::event open;
  weft::wait_group readers;
  std::atomic<int> through{0};
  for (int i = 0; i < 3; ++i) {
    readers.go([&] {
      open.wait();
      ++through;
    });
  }
  std::printf("closed: %s\n", open.wait_for(1ms) ? "no" : "yes");
  open.set();
  readers.wait();
  std::printf("%d went through\n", through.load());

  open.reset();
  std::printf("closed again: %s\n", open.is_set() ? "no" : "yes");
}

// Prints:
// closed: yes
// 3 went through
// closed again: yes
