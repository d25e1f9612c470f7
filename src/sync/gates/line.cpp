// The ends of a line: its destruction, and waits that need not begin.
#include "sync/gates/line.hpp"

#include "sync/locks/misuse.hpp"

namespace weft::detail {

void close_line(waiting_line& room, const char* words) noexcept {
  if (program_ends()) return;
  line& l = line::of(room);
  l.lock.lock();
  const bool in_use = !l.waiters.empty();
  l.lock.unlock();
  if (in_use) die_of_misuse(words);
}

bool over_before_waiting(const wait_bound& bound) noexcept {
  wait_outcome outcome{};
  if (bound.unbounded() || !is_over(bound, outcome)) return false;
  yield_turn();
  return true;
}

void wake(wake_list& woken) noexcept {
  waiter* first = woken.front();
  if (!first) return;
  if (first->next)
    ready(woken);
  else
    ready(*woken.pop_front());
}

}  // namespace weft::detail
