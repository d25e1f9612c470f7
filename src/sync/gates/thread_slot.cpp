// Numbers for threads, given back when a thread ends.
#include "sync/gates/thread_slot.hpp"

#include <array>
#include <cstddef>
#include <mutex>
#include <utility>

#include "port/sync/spin_lock.hpp"

namespace weft::detail {
namespace {

constinit spin_lock slots_lock;
constinit std::array<bool, thread_slots_max> slots_taken{};

constexpr int not_asked_yet = -1;
/// Apart from its holder, so that reading it needs no guard.
constinit thread_local int slot_number = not_asked_yet;

int take_lowest() noexcept {
  const std::lock_guard guard(slots_lock);
  int i = 0;
  while (i < thread_slots_max && slots_taken[static_cast<std::size_t>(i)]) ++i;
  if (i < thread_slots_max) slots_taken[static_cast<std::size_t>(i)] = true;
  return i;
}

struct slot_holder {
  slot_holder() noexcept { slot_number = take_lowest(); }
  slot_holder(const slot_holder&) = delete;
  slot_holder& operator=(const slot_holder&) = delete;
  ~slot_holder() {
    const int mine = std::exchange(slot_number, thread_slots_max);
    if (mine == thread_slots_max) return;
    const std::lock_guard guard(slots_lock);
    slots_taken[static_cast<std::size_t>(mine)] = false;
  }
};

[[gnu::noinline]] int ask_for_slot() noexcept {
  static thread_local slot_holder holder;
  return slot_number;
}

}  // namespace

/// Not inlined: a goroutine may come back on another thread, where the address is another one.
[[gnu::noinline]] int thread_slot() noexcept {
  return slot_number == not_asked_yet ? ask_for_slot() : slot_number;
}

}  // namespace weft::detail
