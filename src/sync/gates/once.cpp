// The once: idle, running, done. All changes are made under the lock of its line.
//
// Invariants: R1 exactly one begin() answers `run`.
//             R2 whoever waits is let go by end(); those who come later read `done` first.
// What the function did happens before the return of every call, by the publication of `done`.
// Tested by: tests/unit/sync/once_test.cpp, tests/conformance/sync/once_test.cpp
#include <weft/detail/sync/once_core.hpp>

#include "sync/gates/line.hpp"
#include "sync/locks/misuse.hpp"

namespace weft::detail {

once_turn once_core::begin(const wait_bound& bound) noexcept {
  if (cancelled_before(bound)) return once_turn::gave_up;
  if (state_.read() == once_state::running && over_before_waiting(bound)) return once_turn::gave_up;
  line& l = line::of(line_);
  l.lock.lock();
  switch (state_.read()) {
    case once_state::idle:
      state_.publish(once_state::running);
      l.lock.unlock();
      return once_turn::run;
    case once_state::done:
      l.lock.unlock();
      return once_turn::done;
    case once_state::running:
      break;
  }
  return l.wait_locked(wait_reason::once, bound, [] {}) ? once_turn::done : once_turn::gave_up;
}

void once_core::end() noexcept {
  line& l = line::of(line_);
  l.lock.lock();
  state_.publish(once_state::done);
  l.release_all_locked();
}

once_core::~once_core() {
  // Nobody else can have touched it: the common case of a once that was never needed.
  if (state_.read() == once_state::idle) return;
  if (program_ends()) return;
  line& l = line::of(line_);
  l.lock.lock();  // whoever ended the run may still be on its way out
  const bool in_use = state_.read() == once_state::running;
  l.lock.unlock();
  if (in_use) die_of_misuse("weft::once destroyed while its function runs");
}

}  // namespace weft::detail
