// WEFT_LEAKS=1: who is still parked when the program ends. WEFT_LEAKS=fail: then it fails.
//
// Those that run, or are about to, are given a moment: a program may end while the last of its
// goroutines are on their way out.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include <weft/debug/stuck.hpp>

#include "api/inspect/report.hpp"
#include "port/clock.hpp"
#include "port/thread.hpp"
#include "sched/scheduler.hpp"
#include "sched/watch/hooks.hpp"

namespace weft::detail {
namespace {

constexpr int exit_status_of_leaks = 3;

bool is_parked(const goroutine_view& v) noexcept { return v.state == goroutine_state::waiting; }

/// At one moment at which none of them runs, if there is one soon.
std::vector<goroutine_view> parked_at_the_end() {
  constexpr deadline_ns patience_ns = 20'000'000;
  const deadline_ns give_up = now_ns() + patience_ns;
  const waiter* self = &this_waiter();
  for (;;) {
    std::vector<goroutine_view> views = take_census();
    std::erase_if(views, [&](const goroutine_view& v) { return v.block == self; });
    if (std::erase_if(views, [](const auto& v) { return !is_parked(v); }) == 0 ||
        now_ns() >= give_up)
      return views;
    yield_thread();
  }
}

std::string words_for_parked(const std::vector<goroutine_view>& views) {
  std::string text = "weft: " + std::to_string(views.size()) +
                     (views.size() == 1 ? " goroutine is" : " goroutines are") +
                     " still parked at exit:\n\n";
  const stuck_goroutines stuck = find_stuck_goroutines();
  for (const goroutine_view& v : views) {
    text += report_of(v, objects::by_address);
    for (const stuck_goroutine& g : stuck.found)
      if (g.id == v.id) text += "It can never be woken: it " + g.why + ".\n";
    text += "\n";
  }
  return text;
}

}  // namespace

void before_exit() noexcept {
  static constinit bool done = false;  // exit() runs its handlers one after the other
  const char* wanted = std::getenv("WEFT_LEAKS");
  if (done || !wanted || *wanted == '\0' || std::strcmp(wanted, "0") == 0) return;
  done = true;
  try {
    const std::vector<goroutine_view> parked = parked_at_the_end();
    if (parked.empty()) return;
    std::fflush(stdout);
    std::fputs(words_for_parked(parked).c_str(), stderr);
  } catch (const std::exception&) {
    std::fputs("weft: no memory to list the goroutines that are parked at exit\n", stderr);
  }
  if (std::strcmp(wanted, "fail") != 0) return;
  std::fflush(nullptr);
  std::_Exit(exit_status_of_leaks);
}

}  // namespace weft::detail
