// Go's last words of a program in which everybody waits for somebody else.
#include <weft/debug/deadlock.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include <weft/detail/atomic.hpp>

#include "api/inspect/report.hpp"
#include "sched/runtime.hpp"
#include "sched/watch/hooks.hpp"

namespace weft {
namespace detail {
namespace {

constinit atomic<deadlock_handler> handler_of_deadlocks{nullptr};

std::string deadlock_report() {
  try {
    return "all goroutines are asleep - deadlock!\n\n" +
           report_of_all(take_census(), parked_threads::list(), objects::in_words);
  } catch (const std::exception&) {
    return "all goroutines are asleep - deadlock!\n(no memory to say which)\n";
  }
}

}  // namespace

void on_deadlock() noexcept {
  const std::string report = deadlock_report();
  if (const deadlock_handler handler = handler_of_deadlocks.load()) return handler(report);
  std::fflush(stdout);
  std::fprintf(stderr, "fatal error: %s", report.c_str());
  std::_Exit(2);
}

}  // namespace detail

deadlock_handler set_deadlock_handler(deadlock_handler handler) noexcept {
  return detail::handler_of_deadlocks.exchange(handler);
}

bool set_deadlock_detection(bool on) noexcept {
  return detail::runtime::get().set_deadlock_detection(on);
}

}  // namespace weft
