// Taking an object out of its home.
#include "sched/home/home.hpp"

#include "port/fork.hpp"
#include "port/thread.hpp"

namespace weft::detail {

[[gnu::cold]] void take_out(const hint<owner_lock*>& home, void (*let_go)(void*),
                            void* object) noexcept {
  if (owner_lock* const here = lock_home(home)) {
    let_go(object);
    return here->unlock_owner();
  }
  while (owner_lock* const there = home.read()) {
    if (!there->try_lock_thief()) {  // its owner has lost its CPU, or another takes something out
      check_forked_child("an object that another thread used");
      yield_thread();
      continue;
    }
    if (home.read() == there) let_go(object);
    there->unlock_thief();
  }
}

}  // namespace weft::detail
