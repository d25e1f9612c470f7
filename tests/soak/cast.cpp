#include "cast.hpp"

namespace soak {
namespace {

std::atomic<std::int64_t> alive{0};

}  // namespace

void crew::join() {
  for (std::thread& t : threads_) {
    // Half of the joins that block say so; the monitor has to find the others.
    if (scene_.random().percent(50))
      weft::blocking([&t] { t.join(); });
    else
      t.join();
  }
  threads_.clear();
  goroutines_.wait();
}

std::int64_t live::count() noexcept { return alive.load(std::memory_order_acquire); }
void live::change(int by) noexcept { alive.fetch_add(by, std::memory_order_acq_rel); }

void ledger::balance(scene& on) const {
  for (const marks& m : entries_) {
    on.check(m.received <= 1, "a value arrived twice");
    on.check(m.sent >= m.received, "a value arrived whose send had failed");
    on.check(m.sent <= m.received, "a value was lost");
  }
}

void burn(std::size_t steps) noexcept {
  static std::atomic<std::uint64_t> sink{0};
  std::uint64_t x = steps;
  for (std::size_t i = 0; i < steps; ++i) x = x * 6364136223846793005U + 1442695040888963407U;
  sink.store(x, std::memory_order_relaxed);
}

}  // namespace soak
