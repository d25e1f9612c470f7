// A task group: goroutines that end with their scope. One fails; the others are told, and stop.
#include <weft/weft.hpp>

#include <atomic>
#include <cstdio>
#include <stdexcept>

namespace {

void check(const weft::context& ctx, int shard) {
  if (shard == 3) throw std::runtime_error("shard 3 is corrupt");
  ctx.done().recv();  // a long check, which looks whether anybody still wants it
  ctx.throw_if_cancelled();
}

}  // namespace

int main() {
  std::atomic<int> ended{0};
  try {
    weft::task_group group;
    for (int shard = 0; shard < 8; ++shard)
      group.go([&ended, shard](const weft::context& ctx) {
        const weft::defer count([&ended] { ++ended; });
        check(ctx, shard);
      });
    group.wait();
  } catch (const std::runtime_error& e) {
    std::printf("%s\n", e.what());
  }
  std::printf("%d goroutines have ended\n", ended.load());

  weft::task_group few;
  few.set_limit(2);  // at most two at a time: go() waits for room
  std::atomic<int> active{0};
  std::atomic<bool> too_many{false};
  for (int i = 0; i < 10; ++i)
    few.go([&] {
      if (++active > 2) too_many = true;
      weft::yield();
      --active;
    });
  few.wait();
  std::printf("more than two at a time: %s\n", too_many ? "yes" : "no");
}

// Prints:
// shard 3 is corrupt
// 8 goroutines have ended
// more than two at a time: no
