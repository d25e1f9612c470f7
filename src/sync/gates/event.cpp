// The event: not set, somebody waits, set.
//
// Invariants: R1 the word is `waits` when somebody stands in the line, and changes from it under
//                the lock: a set that is followed by a reset at once still lets go all who waited.
//             R2 whoever has seen `set` may destroy the event; its destructor takes the lock once
//                more.
// Orders: set: every set to every wait that returns true.
// Tested by: tests/unit/sync/gates_test.cpp, tests/conformance/sync/event_test.cpp
#include <weft/detail/sync/event_core.hpp>

#include "sync/gates/line.hpp"

namespace weft::detail {

void event_core::set() noexcept {
  // Order: none. The exchange looks again.
  std::uint32_t seen = word_.load(relaxed);
  while (seen != waits) {
    // Order: set. acq_rel, also when it is set already: this set, too, happens before the wait.
    if (word_.compare_exchange_weak(seen, set_bit, acq_rel, relaxed)) return;
  }
  line& l = line::of(line_);
  l.lock.lock();
  // Order: set.
  word_.exchange(set_bit, acq_rel);
  l.release_all_locked();
}

void event_core::reset() noexcept {
  std::uint32_t expected = set_bit;
  // Order: set. If it is not set, those who wait go on waiting.
  word_.compare_exchange_strong(expected, 0, acq_rel, relaxed);
}

/// Says that somebody waits, unless the event is set. Returns: whether to wait.
bool event_core::announce_locked() noexcept {
  // Order: set.
  std::uint32_t seen = word_.load(acquire);
  while (seen != set_bit) {
    // Order: set.
    if (word_.compare_exchange_weak(seen, waits, acq_rel, acquire)) return true;
  }
  return false;
}

bool event_core::wait_as(wait_reason reason, const wait_bound& bound) noexcept {
  if (cancelled_before(bound)) return false;
  if (is_set()) return true;
  if (over_before_waiting(bound)) return false;
  line& l = line::of(line_);
  l.lock.lock();
  if (!announce_locked()) {
    l.lock.unlock();
    return true;
  }
  return l.wait_locked(reason, bound, [this] {
    std::uint32_t expected = waits;
    // Order: none. Nobody waits; what was set meanwhile stays set.
    word_.compare_exchange_strong(expected, 0, relaxed, relaxed);
  });
}

bool event_core::wait(const wait_bound& bound) noexcept {
  return wait_as(wait_reason::event, bound);
}
bool event_core::wait_for_flight(const wait_bound& bound) noexcept {
  return wait_as(wait_reason::single_flight, bound);
}

event_core::~event_core() {
  close_line(line_, "weft::event destroyed while a goroutine waits for it");
}

}  // namespace weft::detail
