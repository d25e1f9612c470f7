// Those who can never be woken, in words.
#include <weft/debug/stuck.hpp>

#include "api/inspect/report.hpp"
#include "api/leaks/lock_graph.hpp"
#include "api/leaks/reachability.hpp"

namespace weft {
namespace detail {
namespace {

using census = std::vector<goroutine_view>;

const char* lock_words(const goroutine_view& v) noexcept {
  return v.reason == wait_reason::mutex_lock ? "a mutex" : "a shared_mutex";
}

std::string title(const goroutine_view& v) {
  std::string text = "goroutine " + std::to_string(v.id);
  if (!v.name.empty()) text += " '" + v.name + "'";
  return text;
}

/// Along the arrows, until it is clear why.
std::string words_for_locks(const census& views, const std::vector<lock_arrow>& arrows,
                            std::size_t from) {
  constexpr int steps_max = 16;
  std::string text;
  std::size_t at = from;
  for (int step = 0; step < steps_max; ++step) {
    text += std::string(step == 0 ? "waits" : ", which waits") + " for " + lock_words(views[at]);
    const lock_arrow& arrow = arrows[at];
    if (arrow.fate == lock_fate::abandoned) return text + " that was locked by one that has ended";
    if (arrow.holder == at)
      return text + " that was locked on its own stack, by itself or by one before it";
    text += " that was locked on the stack of " + title(views[arrow.holder]);
    if (arrow.holder == from) return text;
    if (arrow.fate == lock_fate::behind && arrows[arrow.holder].fate == lock_fate::in_ring)
      return text + ", which can never be woken";
    at = arrow.holder;
  }
  return text + ", and so on";
}

void add(stuck_goroutines& to, const goroutine_view& v, stuck_kind kind, std::string why) {
  to.found.push_back({v.id, v.name, kind, std::move(why), report_of(v, objects::by_address)});
}

bool waits_on_nil(const goroutine_view& v) noexcept {
  return v.state == goroutine_state::waiting && !v.bounded &&
         (v.reason == wait_reason::chan_receive_nil || v.reason == wait_reason::chan_send_nil);
}

std::string words_for_lost(const census& views, const std::vector<lock_arrow>& arrows,
                           std::size_t i) {
  if (arrows[i].fate == lock_fate::waits && arrows[i].holder != lock_owners::nobody)
    return std::string("waits for ") + lock_words(views[i]) + " that was locked on the stack of " +
           title(views[arrows[i].holder]) + ", which can never be woken";
  return "waits on something that nobody who could still run can reach";
}

/// Its caller's registers are on the stack already: see find_stuck_goroutines().
[[gnu::noinline]] stuck_goroutines find_stuck(const stuck_options& options, std::uintptr_t low) {
  stuck_goroutines all;
  const census views = take_census();
  std::vector<lock_arrow> arrows(views.size());
  if (options.lockers_unlock) arrows = follow_locks(views);
  reach reached;
  if (options.scan_memory) reached = find_lost(views, arrows, low);
  all.memory_scanned = reached.known;
  for (std::size_t i = 0; i < views.size(); ++i) {
    const goroutine_view& v = views[i];
    if (is_for_ever(arrows[i].fate))
      add(all, v, stuck_kind::lock, words_for_locks(views, arrows, i));
    else if (waits_on_nil(v))
      add(all, v, stuck_kind::unreachable, "waits on a nil channel");
    else if (reached.known && reached.lost[i])
      add(all, v, stuck_kind::unreachable, words_for_lost(views, arrows, i));
  }
  return all;
}

}  // namespace
}  // namespace detail

stuck_goroutines find_stuck_goroutines(const stuck_options& options) {
  __builtin_unwind_init();  // all registers of the callers on the stack: some may be pointers
  return detail::find_stuck(options, detail::this_stack_pointer());
}

std::string stuck_goroutines::text() const {
  std::string text;
  for (const stuck_goroutine& g : found) {
    text += "goroutine " + std::to_string(g.id);
    if (!g.name.empty()) text += " '" + g.name + "'";
    text += " can never be woken: it " + g.why + ".\n" + g.report + "\n";
  }
  return text;
}

}  // namespace weft
