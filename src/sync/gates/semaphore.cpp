// The weighted semaphore: free permits and "somebody waits" in one word, the requests in a line.
//
// Why permits are handed to those who are woken, and not left for whoever comes first: only so is a
// large request served in its turn.
// Invariants: R1 while the waits bit is set, only who holds the lock changes the word.
//             R2 the bit is set <=> a request stands in the line.
//             R3 the first request does not fit, unless it has just given up.
// Orders: permits: a release to the acquire of what it gave back.
// Tested by: tests/unit/sync/semaphore_test.cpp, tests/conformance/sync/semaphore_test.cpp
#include <weft/detail/sync/semaphore_core.hpp>

#include <stdexcept>

#include "base/intrusive_list.hpp"
#include "sync/gates/line.hpp"
#include "sync/locks/misuse.hpp"

namespace weft::detail {

/// A parked acquire.
struct semaphore_core::request {
  request* next = nullptr;
  request* previous = nullptr;
  waiter* who = nullptr;
  wait_claim* claim = nullptr;
  std::uint64_t need = 0;
  bool queued = true;
};

struct semaphore_core::requests {
  spin_lock lock;
  intrusive_deque<request, &request::next, &request::previous> line;

  static void unlock(void* raw) { static_cast<requests*>(raw)->lock.unlock(); }
};

namespace {

std::uint64_t counted(std::ptrdiff_t n) {
  if (n < 0) throw std::invalid_argument("semaphore: negative count");
  return static_cast<std::uint64_t>(n);
}

/// For a request that can never succeed: it stands in no line, so that nobody waits behind it.
bool wait_in_vain(const wait_bound& bound) noexcept {
  wait_claim claim;
  return park_bounded(wait_reason::semaphore, {}, bound, claim) == wait_outcome::woken;
}

}  // namespace

semaphore_core::requests& semaphore_core::waiting() noexcept { return open<requests>(line_); }

bool semaphore_core::try_take(std::ptrdiff_t n) { return try_take_counted(counted(n)); }

bool semaphore_core::try_take_counted(std::uint64_t n) noexcept {
  // Order: none. The exchange looks again.
  std::uint64_t seen = word_.load(relaxed);
  while ((seen & waits) == 0 && seen / one >= n) {
    // Order: permits.
    if (word_.compare_exchange_weak(seen, seen - n * one, acquire, relaxed)) return true;
  }
  return false;
}

/// Takes n, or sets the waits bit. Returns: whether it took them.
bool semaphore_core::take_or_announce_locked(std::uint64_t n) noexcept {
  // Order: none. The exchange looks again.
  std::uint64_t seen = word_.load(relaxed);
  for (;;) {
    const bool fits = (seen & waits) == 0 && seen / one >= n;
    // Order: permits.
    if (word_.compare_exchange_weak(seen, fits ? seen - n * one : seen | waits, acquire, relaxed))
      return fits;
  }
}

bool semaphore_core::take(std::ptrdiff_t count, const wait_bound& bound) {
  const std::uint64_t n = counted(count);
  if (cancelled_before(bound)) return false;
  // Order: none. A guess at why the inline half gave up.
  if (const std::uint64_t seen = word_.load(relaxed); (seen & waits) == 0 && seen / one >= n)
    lose_exchange_in_crowd();
  if (try_take_counted(n)) return true;
  if (over_before_waiting(bound)) return false;
  if (count > size_) return wait_in_vain(bound);

  requests& r = waiting();
  wait_claim claim;
  request mine{.who = &this_waiter(), .claim = bound.unbounded() ? nullptr : &claim, .need = n};
  r.lock.lock();
  if (take_or_announce_locked(n)) {
    r.lock.unlock();
    return true;
  }
  r.line.push_back(&mine);
  if (park_bounded({wait_reason::semaphore, this}, {requests::unlock, &r}, bound, claim) ==
      wait_outcome::woken)
    return true;
  give_up(mine);
  return false;
}

/// Serves the line as far as `free` reaches, and unlocks. R1, R2: the bit is set when it begins.
void semaphore_core::grant_locked(std::uint64_t free, requests& r) noexcept {
  wake_list woken;
  while (request* first = r.line.front()) {
    if (first->need > free) break;
    r.line.remove(first);
    first->queued = false;
    if (first->claim && !first->claim->try_claim(0)) continue;
    free -= first->need;
    woken.push_back(first->who);
  }
  // Order: permits. Carries on what the last store here and the releases before it have published.
  word_.store(free * one | (r.line.empty() ? 0 : waits), release);
  r.lock.unlock();
  wake(woken);
}

void semaphore_core::give_up(request& mine) noexcept {
  requests& r = waiting();
  r.lock.lock();
  if (!mine.queued) return r.lock.unlock();
  r.line.remove(&mine);
  // Order: permits.
  grant_locked(word_.load(acquire) / one, r);
}

/// False: somebody waits.
bool semaphore_core::try_give_back_counted(std::uint64_t n) {
  // Order: none. The exchange looks again.
  std::uint64_t seen = word_.load(relaxed);
  while ((seen & waits) == 0) {
    if (held(seen) < n) throw std::logic_error("semaphore: released more than held");
    // Order: permits.
    if (word_.compare_exchange_weak(seen, seen + n * one, release, relaxed)) return true;
  }
  return false;
}

void semaphore_core::give_back(std::ptrdiff_t count) {
  const std::uint64_t n = counted(count);
  requests& r = waiting();
  // Order: none. As in take().
  if ((word_.load(relaxed) & waits) == 0) lose_exchange_in_crowd();
  for (;;) {
    if (try_give_back_counted(n)) return;
    r.lock.lock();
    // Order: permits. acquire: what was given back before is handed on with the rest.
    const std::uint64_t seen = word_.load(acquire);
    if ((seen & waits) == 0) {
      r.lock.unlock();
      continue;
    }
    if (held(seen) < n) {
      r.lock.unlock();
      throw std::logic_error("semaphore: released more than held");
    }
    return grant_locked(seen / one + n, r);
  }
}

semaphore_core::~semaphore_core() {
  if (program_ends()) return;
  requests& r = waiting();
  r.lock.lock();
  const bool in_use = !r.line.empty();
  r.lock.unlock();
  if (in_use) die_of_misuse("weft::semaphore destroyed while a goroutine waits for it");
}

}  // namespace weft::detail
