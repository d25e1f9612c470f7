// A thread that looks every second, and says what it found once.
#include "api/leaks/stuck_watch.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <set>

#include <weft/debug/stuck.hpp>

#include "api/leaks/stillness.hpp"
#include "port/clock.hpp"
#include "port/sync/parker.hpp"
#include "port/thread.hpp"

namespace weft::detail {
namespace {

constexpr deadline_ns stuck_watch_period_ns = 1'000'000'000;

void print_new_ones(std::set<std::uint64_t>& told) {
  stuck_goroutines all = find_stuck_goroutines();
  std::erase_if(all.found, [&](const stuck_goroutine& g) { return !told.insert(g.id).second; });
  if (!all.empty()) std::fprintf(stderr, "weft: %s", all.text().c_str());
}

void stuck_watch_thread(void*) {
  prepare_worker_thread("weft-stuck");
  note_service_thread();
  parker sleep;
  std::set<std::uint64_t> told;
  for (;;) {
    static_cast<void>(sleep.park_until(now_ns() + stuck_watch_period_ns));
    try {
      print_new_ones(told);
    } catch (const std::exception&) {  // no memory: later, perhaps
    }
  }
}

}  // namespace

void watch_for_stuck_goroutines() noexcept {
  const char* text = std::getenv("WEFT_STUCK");
  if (!text || *text == '\0' || std::strcmp(text, "0") == 0) return;
  try {
    start_service_thread(stuck_watch_thread, nullptr);
  } catch (const std::exception&) {
    std::fputs("weft: no thread to look for stuck goroutines (WEFT_STUCK)\n", stderr);
  }
}

}  // namespace weft::detail
