// Sleeping on a futex, with absolute deadlines on the steady clock.
#include "port/sync/parker.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace weft::detail {
namespace {

std::uint32_t* word(inner_atomic<std::uint32_t>& state) noexcept {
  static_assert(sizeof(inner_atomic<std::uint32_t>) == sizeof(std::uint32_t));
  // Safety: the kernel compares the word; an atomic of 32 bits is that word and nothing else.
  return reinterpret_cast<std::uint32_t*>(&state);
}

/// Returns false when the deadline has passed.
bool futex_wait(std::uint32_t* address, std::uint32_t expected, deadline_ns deadline) noexcept {
  timespec at{};
  timespec* timeout = nullptr;
  if (deadline != never_ns) {
    if (deadline < 0) deadline = 0;
    at.tv_sec = static_cast<time_t>(deadline / 1'000'000'000);
    at.tv_nsec = static_cast<long>(deadline % 1'000'000'000);
    timeout = &at;
  }
  const int saved = errno;
  const long result = ::syscall(SYS_futex, address, FUTEX_WAIT_BITSET_PRIVATE, expected, timeout,
                                nullptr, FUTEX_BITSET_MATCH_ANY);
  const bool timed_out = result == -1 && errno == ETIMEDOUT;
  errno = saved;
  return !timed_out;
}

}  // namespace

bool parker::park_until(deadline_ns deadline) noexcept {
  std::uint32_t seen = empty;
  // Order: parker-permit. acquire takes the permit that unpark() released.
  if (!state_.compare_exchange_strong(seen, asleep, acquire)) {
    // Order: parker-permit.
    state_.exchange(empty, acquire);
    return true;
  }
  bool in_time = true;
  // Order: parker-permit.
  while (in_time && state_.load(acquire) == asleep)
    in_time = futex_wait(word(state_), asleep, deadline);
  // Order: parker-permit.
  return state_.exchange(empty, acquire) == permit;
}

void parker::unpark() noexcept {
  // Order: parker-permit. release pairs with the acquire in park_until().
  if (state_.exchange(permit, release) != asleep) return;
  const int saved = errno;
  ::syscall(SYS_futex, word(state_), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  errno = saved;
}

}  // namespace weft::detail
