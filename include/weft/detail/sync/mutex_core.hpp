// The mutex: its state, its inline fast path, and the compiled half's functions.
//
// Locking is one compare-exchange, unlocking a plain store: 6 ns together, where a second locked
// instruction made it 11 in the same run. The race "unlock: let go, look for waiters; waiter:
// announce itself, look whether it is held" is closed on the waiter's side by membarrier(2).
// `held` says on which stack it was locked: 0 is free. So reports can name who holds it, for no
// memory of its own. (An exchange is not faster, and one that fails would erase the holder.)
// Threads: any. Locks: the room of its address (src/sync/locks/room.hpp) for all but `held`.
// Orders: mutex: an unlock's store to the next lock's exchange.
//         contended: the waiter's flag to the unlock that looks at it after it has let go.
#pragma once

#include <cstdint>

#include <weft/detail/sync/contention.hpp>
#include <weft/detail/sync/stack_token.hpp>
#include <weft/detail/sync/wait_list.hpp>
#include <weft/detail/wait_bound.hpp>

namespace weft::detail {

struct mutex_core;

void mutex_lock_contended(mutex_core& m) noexcept;
/// Returns: whether it is locked.
bool mutex_lock_bounded(mutex_core& m, const wait_bound& bound) noexcept;
/// By the holder: lets go, or hands over.
void mutex_unlock_contended(mutex_core& m) noexcept;
/// After letting go: `m` may be gone, and is only looked up.
void mutex_wake(const mutex_core* m) noexcept;
[[noreturn]] void mutex_not_locked() noexcept;
void mutex_destroyed_in_use() noexcept;

struct mutex_core {
  atomic<stack_token> held{0};       // where it was locked
  hint<bool> registered{false};      // in its room's list: somebody waits, or is on its way
  std::uint8_t looks = 0;            // how often an unlock has asked whether somebody starves
  hint<std::uint8_t> patience{8};    // how often to look again before parking
  hint<std::uint8_t> hand_overs{0};  // how many unlocks to come hand over, whoever asks
  wait_list waiters;
  wait_node* woken = nullptr;  // made ready, to compete; no longer in `waiters`
  mutex_core* next_registered = nullptr;

  [[nodiscard]] bool try_hold() noexcept {
    stack_token free = 0;
    // Order: mutex. acquire pairs with the release in let_go() and mutex_unlock_contended().
    return held.compare_exchange_strong(free, this_stack_token(), acquire, relaxed);
  }
  void let_go() noexcept {
    const atomic<bool>& contended = contended_rooms[lock_room_number(this)];
    // Order: none. Only the holder unlocks: it sees what it stored itself.
    if (held.load(relaxed) == 0) [[unlikely]]
      mutex_not_locked();
    // Order: none. Missed now, it is seen below.
    if (contended.load(relaxed)) [[unlikely]]
      return mutex_unlock_contended(*this);
    // Order: mutex. release pairs with the acquire in try_hold(). From here on *this may be gone.
    held.store(0, release);
    inline_light_barrier();  // Order: contended. Pairs with heavy_barrier in announce_locked().
    // Order: contended.
    if (contended.load(acquire)) [[unlikely]]
      mutex_wake(this);
  }
  bool in_use() const noexcept {
    // Order: none. Whoever destroys it has made sure that nobody else uses it.
    return held.load(relaxed) != 0 || registered.read();
  }
};
static_assert(sizeof(mutex_core) <= 40);

}  // namespace weft::detail
