// Looking into the queue of a lock that may be gone: the kernel copies, and the waiter's run_state
// says afterwards whether the lock was there all the time.
#include "sync/locks/queued.hpp"

#include <cstddef>
#include <mutex>

#include <weft/detail/sync/mutex_core.hpp>
#include <weft/detail/sync/shared_mutex_core.hpp>

#include "port/trace/safe_copy.hpp"
#include "sync/locks/room.hpp"
#include "wait/wait_queue.hpp"

namespace weft::detail {
namespace {

/// A lock's memory, of which only single fields are read.
template <class Core>
struct lock_copy {
  alignas(Core) std::byte bytes[sizeof(Core)];

  bool fill(const void* lock) noexcept { return copy_memory(bytes, lock, sizeof bytes); }
  // Safety: both are standard-layout, and what was copied is read as what it was.
  const Core& core() const noexcept { return *reinterpret_cast<const Core*>(bytes); }
};

struct node_copy {
  alignas(wait_node) std::byte bytes[sizeof(wait_node)];

  bool fill(const wait_node* node) noexcept {
    return node && copy_memory(bytes, node, sizeof bytes);
  }
  const wait_node& node() const noexcept { return *reinterpret_cast<const wait_node*>(bytes); }
};

bool is_first(const waiter* who, const wait_list& list) noexcept {
  node_copy copy;
  return copy.fill(list.first) && copy.node().who == who;
}

bool is_on_its_way(const wait_list& list) noexcept {
  node_copy copy;
  return copy.fill(list.first) && copy.node().awake;
}

bool is_queued(const waiter* who, const wait_list& list) noexcept {
  constexpr int steps_max = 1'000;  // the room is locked meanwhile
  node_copy copy;
  const wait_node* at = list.first;
  for (int i = 0; i < steps_max && copy.fill(at); ++i) {
    if (copy.node().who == who) return true;
    at = copy.node().next;
  }
  return false;
}

/// Whoever is handed a lock holds it before it is told. So one that waits for what was locked on
/// its own stack has locked it twice, if it stands in the queue; for all others that goes without
/// saying.
queued_at_lock look(const goroutine_view& view, const wait_list& list, stack_token holder,
                    bool nobody_on_its_way) noexcept {
  queued_at_lock found;
  found.queued = holder != 0 && (!was_made_on(holder, view) || is_queued(view.block, list));
  found.holder = holder;
  found.first = found.queued && nobody_on_its_way && is_first(view.block, list);
  return found;
}

queued_at_lock look_at_mutex_queue(const goroutine_view& view) noexcept {
  lock_copy<mutex_core> copy;
  if (!copy.fill(view.waits_on)) return {};
  const mutex_core& m = copy.core();
  node_copy woken;
  if (m.woken && (!woken.fill(m.woken) || woken.node().who == view.block)) return {};
  // Order: none. A copy.
  return look(view, m.waiters, m.held.load(relaxed), !m.woken);
}

queued_at_lock look_at_shared_mutex_queue(const goroutine_view& view) noexcept {
  lock_copy<shared_mutex_core> copy;
  if (!copy.fill(view.waits_on)) return {};
  const shared_mutex_core& m = copy.core();
  const bool writes = view.reason == wait_reason::shared_mutex_lock;
  // Order: none. A copy.
  const bool written = (m.state.load(relaxed) & shared_mutex_core::writer) != 0;
  return look(view, writes ? m.writers : m.readers, written ? m.writer_stack.read() : 0,
              !is_on_its_way(m.writers) && !is_on_its_way(m.readers));
}

}  // namespace

bool was_made_on(stack_token token, const goroutine_view& view) noexcept {
  if (!view.memory || token == 0) return false;
  // Safety: the address is only compared, page by page, in the bits that a token has.
  const stack_token low = stack_token_of(reinterpret_cast<std::uintptr_t>(view.memory.low()));
  const std::size_t pages = stack_class_bytes(view.size) >> stack_token_shift;
  return ((token - low) & ~stack_token_mark) < pages;
}

bool waits_for_lock(const goroutine_view& view) noexcept {
  return view.state == goroutine_state::waiting && view.waits_on &&
         (view.reason == wait_reason::mutex_lock || view.reason == wait_reason::shared_mutex_lock ||
          view.reason == wait_reason::shared_mutex_lock_shared);
}

queued_at_lock look_at_queue(const goroutine_view& view) noexcept {
  if (!waits_for_lock(view)) return {};
  queued_at_lock found;
  {
    std::lock_guard guard(room_of(view.waits_on).lock);
    found = view.reason == wait_reason::mutex_lock ? look_at_mutex_queue(view)
                                                   : look_at_shared_mutex_queue(view);
  }
  return is_as_seen(view) ? found : queued_at_lock{};
}

}  // namespace weft::detail
