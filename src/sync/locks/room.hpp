// Rooms to wait in for locks: the spin lock over a lock's queue, found by the lock's address.
//
// It is not inside the lock because a lock may be destroyed as soon as it is unlocked, even while
// the unlock is still under way: the last thing that touches a lock must be what lets go of it.
// Threads: any. Locks: `lock`; only a cancel_state's is taken under it.
// Invariants: R1 a mutex is in its room's list <=> somebody waits for it or is on its way.
//             R2 the contended flag is set, and every processor has passed a fence since, before
//                anybody waits for a mutex of this room.
// Orders: contended: see <weft/detail/sync/mutex_core.hpp>.
#pragma once

#include <cstdint>
#include <span>

#include <weft/detail/sync/contention.hpp>
#include <weft/detail/sync/mutex_core.hpp>

#include "port/sync/spin_lock.hpp"

namespace weft::detail {

struct alignas(64) lock_room {
  spin_lock lock;
  std::uint8_t idle_unlocks = 0;
  hint<std::uint8_t> patience;  // of its shared_mutexes: how often to look again before parking
  // How often one that came by may still pass a shared_mutex's envoy; 1: no more; 0: none is out.
  hint<std::uint16_t> passes;
  mutex_core* registered = nullptr;

  /// The argument of a commit.
  static void unlock_room(void* room) { static_cast<lock_room*>(room)->lock.unlock(); }

  /// Before waiting: unlocks look into this room from now on.
  void announce_locked(atomic<bool>& contended) noexcept;
  /// An unlock came for nothing. The flag stays for some more, since setting it is dear.
  void note_idle_locked(atomic<bool>& contended) noexcept;

  void register_locked(mutex_core& m) noexcept;
  void unregister_locked(mutex_core& m) noexcept;
  /// The mutex at this address if it is registered: then it is alive.
  mutex_core* find_locked(const mutex_core* address) noexcept;
};

lock_room& room_of(const void* lock) noexcept;
/// All of them, for who looks on from outside.
std::span<const lock_room> all_rooms() noexcept;

inline atomic<bool>& contended_flag_of(const void* lock) noexcept {
  return contended_rooms[lock_room_number(lock)];
}

}  // namespace weft::detail
