// A turn changes the run_state of a block, used or not; a plain thread that wakes changes a count.
#include "api/leaks/stillness.hpp"

#include <algorithm>

#include "port/sync/barrier.hpp"
#include "sched/runtime.hpp"
#include "sched/scheduler.hpp"
#include "sched/watch/bystanders.hpp"

namespace weft::detail {
namespace {

thread_local bool is_service_thread = false;

}  // namespace

void note_service_thread() noexcept { is_service_thread = true; }

bool stillness::threads_rest(std::uint64_t& changes) const {
  return count_bystanders(is_service_thread, changes) == 0;
}

bool stillness::begin(const std::vector<goroutine_view>& views) {
  if (!threads_rest(changes_)) return false;
  std::vector<goroutine*> all;
  runtime::get().list_blocks(all);
  for (goroutine* g : all) blocks_.push_back({g, g->state.word()});
  const waiter* self = &this_waiter();
  const bool all_wait = std::all_of(views.begin(), views.end(), [&](const goroutine_view& v) {
    return v.block == self || (v.state == goroutine_state::waiting && v.stands_still() &&
                               v.block->state.word() == v.word);
  });
  const auto in_use = std::count_if(blocks_.begin(), blocks_.end(), [](const block& b) {
    return run_state::state_of(b.word) != goroutine_state::unused;
  });
  return all_wait && static_cast<std::size_t>(in_use) == views.size();
}

bool stillness::holds() {
  std::uint64_t changes = 0;
  if (!threads_rest(changes) || changes != changes_) return false;
  std::vector<goroutine*> all;
  runtime::get().list_blocks(all);
  heavy_barrier();  // Order: census.
  return all.size() == blocks_.size() &&
         std::all_of(blocks_.begin(), blocks_.end(),
                     [](const block& b) { return b.what->state.word() == b.word; });
}

}  // namespace weft::detail
