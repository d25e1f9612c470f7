// Go's words for misuse, and who it was.
#include "sync/locks/misuse.hpp"

#include <cstdio>

#include "base/fatal.hpp"
#include "fiber/goroutine.hpp"
#include "sched/runtime.hpp"
#include "sched/scheduler.hpp"

namespace weft::detail {

void die_of_misuse(std::string_view words) noexcept {
  char who[512] = "on a plain thread";
  const waiter& self = this_waiter();
  if (self.is == waiter::kind::goroutine)
    describe(static_cast<const goroutine&>(self), who, sizeof who);
  char text[1024];
  std::snprintf(text, sizeof text, "%.*s\n\n%s", static_cast<int>(words.size()), words.data(), who);
  fatal(text);
}

bool program_ends() noexcept { return runtime::get().ending(); }

void die_unless_exiting(std::string_view words) noexcept {
  if (!program_ends()) die_of_misuse(words);
}

}  // namespace weft::detail
