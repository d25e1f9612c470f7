// What the environment asks for when weft starts.
#include "api/inspect/dump_signal.hpp"
#include "sched/watch/hooks.hpp"

namespace weft::detail {

void on_start() noexcept { watch_dump_signal(); }

}  // namespace weft::detail
