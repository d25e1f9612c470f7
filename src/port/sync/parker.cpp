// Sleeping on a futex, with absolute deadlines on the steady clock.
#include "port/sync/parker.hpp"

#include <linux/futex.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "port/clock.hpp"
#include "port/poll/epoll.hpp"
#include "port/switch/sanitizer.hpp"

namespace weft::detail {
namespace {

std::uint32_t* word(inner_atomic<std::uint32_t>& state) noexcept {
  static_assert(sizeof(inner_atomic<std::uint32_t>) == sizeof(std::uint32_t));
  // Safety: the kernel compares the word; an atomic of 32 bits is that word and nothing else.
  return reinterpret_cast<std::uint32_t*>(&state);
}

/// ThreadSanitizer keeps a signal until its thread calls the C library, and a bare system call is
/// no such call: there a wait is many short ones.
deadline_ns end_of_slice(deadline_ns deadline) noexcept {
  constexpr deadline_ns slice_ns = 50'000'000;
  return sanitizer_thread_count > 0 ? std::min(deadline, now_ns() + slice_ns) : deadline;
}

void let_signals_in() noexcept {
  if (sanitizer_thread_count == 0) return;
  ::poll(nullptr, 0, 0);  // not a sleep: reports would say that it might have ordered something
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

bool wait_while(std::uint32_t* address, std::uint32_t expected, deadline_ns deadline) noexcept {
  const deadline_ns end = end_of_slice(deadline);
  const bool in_time = futex_wait(address, expected, end);
  let_signals_in();
  return in_time || end != deadline;
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
    in_time = wait_while(word(state_), asleep, deadline);
  // Order: parker-permit.
  return state_.exchange(empty, acquire) == permit;
}

void parker::unpark() noexcept {
  // Order: parker-permit. release pairs with the acquire in park_until().
  const std::uint32_t before = state_.exchange(permit, release);
  if (before == polling) return interrupt_poll();
  if (before != asleep) return;
  const int saved = errno;
  ::syscall(SYS_futex, word(state_), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  errno = saved;
}

}  // namespace weft::detail
