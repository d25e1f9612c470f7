// The mark beside the stack's address, and what the report says of it.
//
// The mark is where a park looks anyway, for stacks that only a canary guards.
#include <weft/debug/no_park_scope.hpp>

#include <string>

#include "sched/worker.hpp"

namespace weft {

no_park_scope::no_park_scope(const char* why, std::source_location where) noexcept
    : note_{why, where, nullptr} {
  detail::worker* w = detail::this_worker();
  if (!w || !w->current) return;
  detail::goroutine& g = *w->current;
  note_.outer = g.no_park;
  g.no_park = &note_;
  g.memory.forbid_parks(true);
}

no_park_scope::~no_park_scope() {
  detail::worker* w = detail::this_worker();
  if (!w || !w->current || w->current->no_park != &note_) return;
  w->current->no_park = note_.outer;
  w->current->memory.forbid_parks(note_.outer != nullptr);
}

bool no_park_scope::active() noexcept {
  const detail::worker* w = detail::this_worker();
  return w && w->current && w->current->no_park;
}

std::string detail::describe_no_park(const no_park_note* note) {
  if (!note) return {};
  std::string text = "inside a weft::no_park_scope ";
  if (*note->why != '\0') text += std::string("('") + note->why + "') ";
  return text + "that began at " + note->where.file_name() + ":" +
         std::to_string(note->where.line()) + " (" + note->where.function_name() + ")";
}

}  // namespace weft
