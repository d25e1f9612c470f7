// The latch: what is still to be counted down and "somebody waits" in one word.
//
// Invariants: R1 the waits bit is set, under the lock, before a node is queued.
//             R2 with the bit set, the step to zero is made under the lock: who has seen zero may
//                destroy the latch, and its destructor takes the lock once more.
// Orders: opened: every count_down to every wait that returns true.
// Tested by: tests/unit/sync/gates_test.cpp, tests/conformance/sync/latch_test.cpp
#include <weft/detail/sync/latch_core.hpp>

#include "sync/gates/line.hpp"

namespace weft::detail {

namespace {

[[noreturn]] void throw_below_zero() { throw std::logic_error("latch: counted down below zero"); }

}  // namespace

void latch_core::count_down(std::ptrdiff_t count) {
  if (count < 0) throw std::invalid_argument("latch: negative count");
  const auto n = static_cast<std::uint64_t>(count);
  // Order: none. The exchange looks again.
  std::uint64_t seen = word_.load(relaxed);
  for (;;) {
    if (seen / one < n) throw_below_zero();
    const std::uint64_t next = seen - n * one;
    if (next == waits) break;
    // Order: opened. acq_rel: the last one carries what all the others have published.
    if (word_.compare_exchange_weak(seen, next, acq_rel, relaxed)) return;
  }
  open_from_line(n);
}

/// R2. It was the last step when it began; others may have counted meanwhile.
void latch_core::open_from_line(std::uint64_t n) {
  line& l = line::of(line_);
  l.lock.lock();
  // Order: none. The exchange looks again.
  std::uint64_t seen = word_.load(relaxed);
  while (seen / one >= n) {
    const bool opens = seen / one == n;
    // Order: opened.
    if (!word_.compare_exchange_weak(seen, opens ? 0 : seen - n * one, acq_rel, relaxed)) continue;
    return opens ? l.release_all_locked() : l.lock.unlock();
  }
  l.lock.unlock();
  throw_below_zero();
}

/// Sets the waits bit unless the latch is open. Returns: whether to wait.
bool latch_core::announce_locked() noexcept {
  // Order: opened.
  std::uint64_t seen = word_.load(acquire);
  while (seen >= one) {
    // Order: opened.
    if (word_.compare_exchange_weak(seen, seen | waits, acq_rel, acquire)) return true;
  }
  return false;
}

bool latch_core::wait(const wait_bound& bound) noexcept {
  if (cancelled_before(bound)) return false;
  if (open()) return true;
  if (over_before_waiting(bound)) return false;
  line& l = line::of(line_);
  l.lock.lock();
  if (!announce_locked()) {
    l.lock.unlock();
    return true;
  }
  return l.wait_locked(wait_reason::latch, bound, [this] {
    // Order: none. Nobody waits; who still sees the bit takes the lock and finds an empty line.
    word_.fetch_and(~waits, relaxed);
  });
}

latch_core::~latch_core() {
  close_line(line_, "weft::latch destroyed while a goroutine waits for it");
}

}  // namespace weft::detail
