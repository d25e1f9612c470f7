// The reader-writer lock: its state word, its inline fast paths, the compiled half's functions.
//
// Threads: any. Locks: the room of its address (src/sync/locks/room.hpp) for the queues.
// Invariants: R1 `waits` is set => somebody is queued; only under the room's lock it changes. It
//                may be clear while a woken waiter is on its way: see the compiled half.
//             R2 while `waits` is set, the whole word changes under that lock only.
//             R3 `waits` is set => it is held: whoever lets go of it hands it over, or wakes one.
//             R4 `writer_stack` is 0, or the stack on which the present writer locked it: it is
//                written after the word says so, and erased before it no longer does.
// Orders: shared-mutex: what lets go (release) to the next that gets hold (acquire).
#pragma once

#include <cstdint>

#include <weft/detail/atomic.hpp>
#include <weft/detail/sync/stack_token.hpp>
#include <weft/detail/sync/wait_list.hpp>
#include <weft/detail/wait_bound.hpp>

namespace weft::detail {

struct shared_mutex_core;

/// Returns: whether it is locked.
bool shared_mutex_lock_bounded(shared_mutex_core& m, const wait_bound& bound) noexcept;
bool shared_mutex_lock_shared_bounded(shared_mutex_core& m, const wait_bound& bound) noexcept;
/// The rest of an unlock: somebody waits, or it is misuse.
void shared_mutex_unlock_slow(shared_mutex_core& m) noexcept;
void shared_mutex_unlock_shared_slow(shared_mutex_core& m) noexcept;
void shared_mutex_destroyed_in_use() noexcept;

struct shared_mutex_core {
  static constexpr std::uint32_t writer = 1;
  static constexpr std::uint32_t waits = 2;
  static constexpr std::uint32_t reader = 4;  // one of them; the count is above the two bits

  atomic<std::uint32_t> state{0};
  hint<stack_token> writer_stack{0};
  wait_list writers;
  wait_list readers;

  [[nodiscard]] bool try_write() noexcept {
    std::uint32_t seen = 0;
    // Order: shared-mutex. acquire pairs with the release of whoever held it before.
    if (!state.compare_exchange_strong(seen, writer, acquire, relaxed)) return false;
    writer_stack.write(this_stack_token());
    return true;
  }
  void end_write() noexcept {
    std::uint32_t seen = writer;
    writer_stack.write(0);
    // Order: shared-mutex. release pairs with the acquire in try_write() and try_read().
    if (!state.compare_exchange_strong(seen, 0, release, relaxed)) [[unlikely]]
      shared_mutex_unlock_slow(*this);
  }
  /// Another reader is no reason to fail.
  [[nodiscard]] bool try_read() noexcept {
    // Order: none. The exchange looks again.
    std::uint32_t seen = state.load(relaxed);
    while ((seen & (writer | waits)) == 0)
      // Order: shared-mutex. acquire pairs with the release in end_write().
      if (state.compare_exchange_weak(seen, seen + reader, acquire, relaxed)) return true;
    return false;
  }
  /// False: ask the compiled half, also if only the exchange was lost.
  [[nodiscard]] bool read_at_once() noexcept {
    // Order: none. The exchange looks again.
    std::uint32_t seen = state.load(relaxed);
    // Order: shared-mutex. As in try_read().
    return (seen & (writer | waits)) == 0 &&
           state.compare_exchange_weak(seen, seen + reader, acquire, relaxed);
  }
  void end_read() noexcept {
    // Order: none. The exchange looks again.
    std::uint32_t seen = state.load(relaxed);
    if (seen < reader || (seen & waits) != 0 ||
        // Order: shared-mutex. release pairs with the acquire in try_write().
        !state.compare_exchange_weak(seen, seen - reader, release, relaxed)) [[unlikely]]
      shared_mutex_unlock_shared_slow(*this);
  }
  bool in_use() const noexcept {
    // Order: none. Whoever destroys it has made sure that nobody else uses it.
    return state.load(relaxed) != 0 || !writers.empty() || !readers.empty();
  }
};
static_assert(sizeof(shared_mutex_core) <= 40);

}  // namespace weft::detail
