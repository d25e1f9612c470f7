// All threads there are, less those that are known.
#include "sched/watch/bystanders.hpp"

#include <algorithm>
#include <mutex>
#include <vector>

#include "port/signal.hpp"
#include "port/switch/sanitizer.hpp"
#include "port/thread.hpp"
#include "sched/runtime.hpp"
#include "sched/watch/parked_threads.hpp"

namespace weft::detail {

int service_threads() noexcept {
  const int monitors = runtime::get().monitor_runs() ? 1 : 0;
  return monitors + (signal_thread_runs() ? 1 : 0) + sanitizer_thread_count +
         service_thread_count();
}

int runtime::worker_count() noexcept {
  std::lock_guard guard(idle_lock_);
  return threads_;
}

int count_bystanders(bool of_weft, std::uint64_t& changes) {
  static_cast<void>(parked_threads::count_asleep(changes));
  const std::vector<parked_thread_view> parked = parked_threads::list();
  const auto asleep = std::count_if(parked.begin(), parked.end(),
                                    [](const parked_thread_view& t) { return t.asleep; });
  const int all = count_threads();
  if (all < 0) return all;
  const int caller = of_weft || this_worker() ? 0 : 1;
  return all - runtime::get().worker_count() - service_threads() - static_cast<int>(asleep) -
         caller;
}

}  // namespace weft::detail
