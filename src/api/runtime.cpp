// The runtime as users see it.
#include <weft/runtime.hpp>

#include <exception>

#include "port/cpu_count.hpp"
#include "port/pack/packed_pages.hpp"
#include "port/thread.hpp"
#include "sched/pack/packer.hpp"
#include "sched/runtime.hpp"
#include "sched/scheduler.hpp"

namespace weft {

int num_cpu() noexcept { return detail::affinity_count(); }
int max_procs() noexcept { return detail::runtime::get().max_procs(); }
int set_max_procs(int n) { return detail::runtime::get().set_max_procs(n); }
std::size_t num_goroutines() noexcept { return detail::runtime::get().count_goroutines(); }

int set_max_threads(int n) noexcept { return detail::runtime::get().set_max_threads(n); }

bool set_pack_parked_after(std::chrono::nanoseconds after) {
  return detail::set_packing(after.count()) == nullptr;
}
std::size_t num_packed() noexcept { return detail::packed_pages::count(); }

detail::blocking_section::blocking_section() noexcept {
  if (worker* w = this_worker()) runtime::get().leave_processor(*w);
}

detail::blocking_section::~blocking_section() { rejoin(); }

void yield() noexcept { detail::yield_turn(); }

void exit_goroutine() {
  if (!detail::this_worker()) std::terminate();
  throw detail::exit_request{};
}

void lock_os_thread() noexcept {
  if (detail::worker* w = detail::this_worker()) {
    detail::goroutine& g = *w->current;
    if (g.lock_depth++ > 0) return;
    g.locked_to = w;
    ++w->tied;
  }
}

void unlock_os_thread() noexcept {
  if (detail::worker* w = detail::this_worker()) {
    detail::goroutine& g = *w->current;
    if (g.lock_depth == 0 || --g.lock_depth > 0) return;
    g.locked_to = nullptr;
    --w->tied;
  }
}

}  // namespace weft
