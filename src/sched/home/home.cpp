// Taking an object out of its home.
#include "sched/home/home.hpp"

#include "port/clock.hpp"
#include "port/fork.hpp"
#include "port/thread.hpp"

namespace weft::detail {
namespace {

/// What it costs the calling worker is told to who steals: see judge_loot().
class time_abroad {
 public:
  time_abroad() noexcept : begin_(now_ns()) {}
  time_abroad(const time_abroad&) = delete;
  time_abroad& operator=(const time_abroad&) = delete;
  ~time_abroad() {
    if (worker* w = this_worker()) w->loot.cost_ns += now_ns() - begin_;
  }

 private:
  deadline_ns begin_;
};

}  // namespace

[[gnu::cold]] void take_out(const hint<owner_lock*>& home, void (*let_go)(void*),
                            void* object) noexcept {
  if (owner_lock* const here = lock_home(home)) {
    let_go(object);
    return here->unlock_owner();
  }
  const time_abroad measured;
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
