// The rooms, 16 KiB of zeros, and who is registered in them.
#include "sync/locks/room.hpp"

#include "port/sync/barrier.hpp"

namespace weft::detail {

constinit std::array<atomic<bool>, lock_room_count> contended_rooms{};

namespace {

constinit std::array<lock_room, lock_room_count> rooms{};

}  // namespace

std::span<const lock_room> all_rooms() noexcept { return rooms; }

lock_room& room_of(const void* lock) noexcept { return rooms[lock_room_number(lock)]; }

void pay_for_light_barrier() noexcept {
  full_fence();  // Order: contended. Pairs with heavy_barrier in announce_locked().
}

void lock_room::announce_locked(atomic<bool>& contended) noexcept {
  idle_unlocks = 0;
  // Order: none. Written under this lock only.
  if (contended.load(relaxed)) return;
  // Order: contended. Ordered before the caller's look at what it waits for by the barrier.
  contended.store(true, relaxed);
  if (!light_barrier_is_free.read()) prepare_barriers();  // a program that started no runtime yet
  heavy_barrier();  // Order: contended. Pairs with inline_light_barrier in let_go().
}

void lock_room::note_idle_locked(atomic<bool>& contended) noexcept {
  constexpr int idle_unlocks_max = 16;
  if (registered || ++idle_unlocks < idle_unlocks_max) return;
  idle_unlocks = 0;
  // Order: none. Whoever waits next sets it again, under this lock.
  contended.store(false, relaxed);
}

void lock_room::register_locked(mutex_core& m) noexcept {
  if (m.registered.read()) return;
  m.registered.write(true);
  m.next_registered = registered;
  registered = &m;
}

void lock_room::unregister_locked(mutex_core& m) noexcept {
  if (!m.registered.read()) return;
  mutex_core** link = &registered;
  while (*link != &m) link = &(*link)->next_registered;
  *link = m.next_registered;
  m.registered.write(false);
}

mutex_core* lock_room::find_locked(const mutex_core* address) noexcept {
  mutex_core* m = registered;
  while (m && m != address) m = m->next_registered;
  return m;
}

}  // namespace weft::detail
