// Goroutines on many stacks, used again, deep and shallow, with locals that are read after parks.
// With an argument one of them reads memory that nobody has written.
#include <weft/weft.hpp>

#include <array>
#include <cstdio>
#include <memory>
#include <stdexcept>

namespace {

[[gnu::noinline]] int deep(int levels) {
  std::array<volatile int, 64> local{};
  local[static_cast<std::size_t>(levels) % 64] = levels;
  if (levels % 16 == 0) weft::yield();
  const int below = levels == 0 ? 0 : deep(levels - 1);
  return below + local[static_cast<std::size_t>(levels) % 64];
}

int caught(int i) {
  try {
    if (i % 2 == 0) throw std::runtime_error("even");
    return deep(i % 7);
  } catch (const std::runtime_error&) {
    weft::yield();
    return deep(i % 50);
  }
}

/// Out of the optimiser's sight, which would warn.
[[gnu::noinline]] std::unique_ptr<int> unwritten() {
  auto made = std::make_unique_for_overwrite<int>();
  asm volatile("" : : "r"(made.get()) : "memory");
  return made;
}

}  // namespace

int main(int argc, char**) {
  weft::chan<int> sums(4);
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 60; ++i)
      weft::go(weft::named("deep").stack(i % 2 == 0 ? 64 * 1024 : 1024 * 1024),
               [sums, i] { sums.send(caught(i)); });
    for (int i = 0; i < 60; ++i) static_cast<void>(sums.recv());
  }
  if (argc > 1)
    weft::run([] {
      if (*unwritten() % 2 != 0) std::puts("odd");
    });
}
