// The barrier: who is missing in this phase, under the lock of the line.
//
// Invariants: R1 the phase ends after its completion has run; until then missing_ is 0, and nobody
//                can arrive.
//             R2 a node in the line waits for the end of the phase that is on.
// All arrivals happen before the completion, by the lock from each to the next, and that before the
// returns of wait, by the publication of the new phase.
// Tested by: tests/unit/sync/gates_test.cpp, tests/conformance/sync/barrier_test.cpp
#include <weft/detail/sync/barrier_core.hpp>

#include <stdexcept>

#include "sync/gates/line.hpp"

namespace weft::detail {

barrier_core::barrier_core(std::ptrdiff_t expected) : expected_(expected), missing_(expected) {
  if (expected < 0) throw std::invalid_argument("barrier: negative count");
}

std::uint64_t barrier_core::arrive(std::ptrdiff_t n, bool drops, barrier_completion completion) {
  if (n < 1) throw std::invalid_argument("barrier: count below one");
  tell_at(&missing_);
  line& l = line::of(line_);
  l.lock.lock();
  if (n > missing_) {
    l.lock.unlock();
    throw std::logic_error("barrier: more arrivals than expected");
  }
  const std::uint64_t phase = phase_.read();
  missing_ -= n;
  if (drops) --expected_;
  const bool last = missing_ == 0;
  l.lock.unlock();
  if (!last) return phase;
  hear_at(&missing_);
  if (completion.run) completion.run(completion.argument);
  l.lock.lock();
  missing_ = expected_;
  phase_.publish(phase + 1);
  l.release_all_locked();
  return phase;
}

bool barrier_core::wait(std::uint64_t phase, const wait_bound& bound) noexcept {
  if (cancelled_before(bound)) return false;
  if (passed(phase)) return true;
  if (over_before_waiting(bound)) return false;
  line& l = line::of(line_);
  l.lock.lock();
  if (passed(phase)) {
    l.lock.unlock();
    return true;
  }
  return l.wait_locked(wait_reason::barrier, bound, [] {});
}

barrier_core::~barrier_core() {
  close_line(line_, "weft::barrier destroyed while a goroutine waits for it");
}

void throw_foreign_token() {
  throw std::invalid_argument("barrier: the token is another barrier's");
}

}  // namespace weft::detail
