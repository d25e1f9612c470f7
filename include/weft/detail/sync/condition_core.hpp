// The condition variable's compiled half, and any lock as it sees it.
#pragma once

#include <memory>

#include <weft/detail/atomic.hpp>
#include <weft/detail/sync/wait_list.hpp>
#include <weft/detail/wait_bound.hpp>

namespace weft::detail {

struct condition_core {
  atomic<bool> waits{false};  // written with `waiters`, under the room's lock
  wait_list waiters;
};

/// The user's lock. Locking it again must not fail: the program ends if it throws.
struct lock_calls {
  void* lock;
  void (*unlock)(void* lock);
  void (*relock)(void* lock) noexcept;
};

template <class Lock>
lock_calls calls_on(Lock& lock) noexcept {
  return {std::addressof(lock), [](void* l) { static_cast<Lock*>(l)->unlock(); },
          [](void* l) noexcept { static_cast<Lock*>(l)->lock(); }};
}

/// Throws: what unlocking throws; it has not waited then.
wait_outcome condition_wait(condition_core& c, const lock_calls& user, const wait_bound& bound);
void condition_notify_one(condition_core& c) noexcept;
void condition_notify_all(condition_core& c) noexcept;
void condition_destroyed_in_use() noexcept;

}  // namespace weft::detail
