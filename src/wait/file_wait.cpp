// See file_wait.hpp.
//
// Locks: the ring's: a leaf, taken with a descriptor's held.
// Invariants: R1 a ring_wait is on its waiter's stack, and the waiter stays until it is done.
#include "wait/file_wait.hpp"

#include <cerrno>
#include <mutex>

#include <weft/runtime.hpp>

#include "engine/poller.hpp"
#include "port/file/uring.hpp"
#include "port/pack/packed_pages.hpp"
#include "port/sync/spin_lock.hpp"
#include "sched/scheduler.hpp"

namespace weft::detail {
namespace {

/// An operation that the kernel is at.
struct ring_wait {
  waiter* who = nullptr;  // once it sleeps
  long result = 0;
  bool done = false;
};

constinit spin_lock ring_lock;

void unlock_ring(void*) { ring_lock.unlock(); }

void collect_done_operations(wake_list& woken) {
  std::lock_guard guard(ring_lock);
  uring_completion news{};
  while (collect_from_uring(news)) {
    auto& wait = *static_cast<ring_wait*>(news.tag);
    wait.result = news.result;
    wait.done = true;
    if (wait.who) woken.push_back(wait.who);
  }
}

bool watch_ring() noexcept {
  const int fd = uring_descriptor();
  if (fd < 0) return false;
  try {
    ensure_polling();
    poller::get().watch(fd, collect_done_operations);
    return true;
  } catch (...) {
    return false;
  }
}

bool ring_is_watched() noexcept {
  static const bool watched = watch_ring();
  return watched;
}

void sleep_until_done(ring_wait& mine, wait_reason reason) noexcept {
  wake_list woken;
  collect_done_operations(woken);  // it may have been done on the spot, and others meanwhile
  ready(woken);
  ring_lock.lock();
  if (mine.done) return ring_lock.unlock();
  mine.who = &this_waiter();
  park(reason, {unlock_ring, nullptr});
}

/// Returns: whether the kernel has done it.
bool perform_by_ring(const file_operation& operation, long& result) noexcept {
  const pages_in_use stay(operation.buffers);  // the kernel is at them while this goroutine sleeps
  ring_wait mine;
  poller::get().note_wait(true);
  const bool taken = submit_to_uring(operation, &mine);
  if (taken)
    sleep_until_done(
        mine, operation.verb == file_verb::read ? wait_reason::io_read : wait_reason::io_write);
  poller::get().note_wait(false);
  result = mine.result;
  // ECANCELED: the thread that submitted it has ended. EAGAIN: that is for the thread to wait for.
  return taken && result != -ECANCELED && result != -EAGAIN;
}

/// A plain thread waits as well by itself. Opening goes another way: the kernel has few threads for
/// it, and as many pipes with nobody at their other end would stop every file of the process.
bool suits_ring(const file_operation& operation) noexcept {
  return operation.verb != file_verb::open && this_waiter().is == waiter::kind::goroutine &&
         ring_is_watched();
}

}  // namespace

long perform_file_operation(const file_operation& operation) noexcept {
  long result = 0;
  if (suits_ring(operation) && perform_by_ring(operation, result)) return result;
  return weft::blocking([&] { return run_file_operation(operation); });
}

}  // namespace weft::detail
