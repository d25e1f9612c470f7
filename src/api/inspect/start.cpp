// What the environment asks for when weft starts.
#include "api/inspect/dump_signal.hpp"
#include "api/leaks/stuck_watch.hpp"
#include "sched/watch/hooks.hpp"

namespace weft::detail {

void on_start() noexcept {
  watch_dump_signal();
  watch_for_stuck_goroutines();
}

}  // namespace weft::detail
