// The list of parked plain threads.
#include "sched/watch/parked_threads.hpp"

#include <mutex>

#include "port/sync/spin_lock.hpp"

namespace weft::detail {
namespace {

struct parked_list {
  spin_lock lock;
  intrusive_deque<thread_waiter, &thread_waiter::next_parked, &thread_waiter::previous_parked> all;
  std::size_t count = 0;
  std::uint64_t changes = 0;
};

constinit parked_list parked;

}  // namespace

void parked_threads::enter(thread_waiter& self) noexcept {
  std::lock_guard guard(parked.lock);
  parked.all.push_back(&self);
  ++parked.count;
  ++parked.changes;
}

void parked_threads::leave(thread_waiter& self) noexcept {
  std::lock_guard guard(parked.lock);
  parked.all.remove(&self);
  --parked.count;
  ++parked.changes;
}

std::vector<parked_thread_view> parked_threads::list() {
  std::vector<parked_thread_view> views;
  for (std::size_t room = 16;; room *= 2) {  // nothing is allocated under the lock
    views.reserve(room);
    std::lock_guard guard(parked.lock);
    if (parked.count > views.capacity()) continue;
    for (const thread_waiter* t = parked.all.front(); t; t = t->next_parked)
      views.push_back({t->thread, t->reason.read(), t->bounded.read(), t->timed,
                       t->sleep.is_asleep(), t->waits_on.read(), t->since.read(), t->registers,
                       t->stack_top, t->parks});
    return views;
  }
}

bool parked_threads::is_as_seen(const parked_thread_view& view) noexcept {
  std::lock_guard guard(parked.lock);
  for (const thread_waiter* t = parked.all.front(); t; t = t->next_parked)
    if (t->thread == view.thread) return t->parks == view.parks && t->sleep.is_asleep();
  return false;
}

std::size_t parked_threads::count_asleep(std::uint64_t& changes) noexcept {
  std::lock_guard guard(parked.lock);
  std::size_t count = 0;
  for (const thread_waiter* t = parked.all.front(); t; t = t->next_parked)
    count += !t->timed && t->sleep.is_asleep() ? 1 : 0;
  changes = parked.changes;
  return count;
}

bool parked_threads::anybody() noexcept {
  std::lock_guard guard(parked.lock);
  return parked.count > 0;
}

}  // namespace weft::detail
