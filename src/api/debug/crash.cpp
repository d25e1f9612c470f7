// The crash report as users see it.
#include <weft/debug/crash.hpp>

#include "sched/watch/crash.hpp"

namespace weft {

void install_crash_handler() { detail::install_crash_report(); }

}  // namespace weft
