// Looking at goroutines that move.
#include "sched/watch/census.hpp"

#include <algorithm>

#include "port/clock.hpp"
#include "port/sync/barrier.hpp"
#include "port/trace/safe_copy.hpp"
#include "sched/runtime.hpp"

namespace weft::detail {
namespace {

constexpr std::size_t name_bytes_max = 80;

/// The plain fields of a block that its owner may be writing: is_as_seen() tells whether they hold.
struct racy_fields {
  std::uint64_t id, parent;
  creation_site site;
  const char* name;
  stack memory;
  const void* stack_pointer;
  stack_class size;
  bool tied;
};

WEFT_READS_RACILY racy_fields read_fields(const goroutine& g) noexcept {
  return {g.id,     g.parent, g.site, g.own.name, g.memory, g.context.stack_pointer,
          g.size, g.locked_to != nullptr};
}

/// A name may be given back while it is read: the kernel copies, and refuses where nothing is.
std::string read_name(const char* name) {
  if (!name) return {};
  char text[name_bytes_max];
  if (!copy_string(text, sizeof text, name)) return "?";
  // Its bytes may be somebody else's by now.
  for (char* each = text; *each != '\0'; ++each)
    if (static_cast<unsigned char>(*each) < ' ') *each = '?';
  return text;
}

goroutine_view look_at(goroutine& g, deadline_ns now) {
  goroutine_view v;
  v.block = &g;
  v.word = g.state.word();
  v.state = run_state::state_of(v.word);
  if (v.state == goroutine_state::unused) return v;
  const racy_fields fields = read_fields(g);
  v.id = fields.id;
  v.parent = fields.parent;
  v.site = fields.site;
  v.tied = fields.tied;
  v.memory = fields.memory;
  v.size = fields.size;
  v.started = v.state != goroutine_state::runnable || fields.stack_pointer != nullptr;
  const bool suspended = v.state != goroutine_state::running && fields.stack_pointer &&
                         fields.stack_pointer != execution::elsewhere();
  if (suspended) v.stack_pointer = fields.stack_pointer;
  v.name = read_name(fields.name);
  if (v.state == goroutine_state::waiting) {
    v.reason = g.reason.read();
    v.bounded = g.bounded.read();
    v.waits_on = g.waits_on.read();
    v.waited_ns = since_coarse_ns(g.since.read(), now);
  }
  return v;
}

/// One that would not stand still.
void mark_as_moving(goroutine_view& v) noexcept {
  v.state = goroutine_state::running;
  v.started = true;
  v.reason = wait_reason::none;
  v.stack_pointer = nullptr;
}

}  // namespace

bool is_as_seen(const goroutine_view& view) noexcept {
  heavy_barrier();  // Order: census.
  return view.block->state.word() == view.word;
}

std::vector<goroutine_view> take_census() {
  constexpr int looks_max = 3;
  const deadline_ns now = now_ns();
  std::vector<goroutine*> blocks;
  runtime::get().list_blocks(blocks);
  std::vector<goroutine_view> views;
  for (int look = 0; look < looks_max && !blocks.empty(); ++look) {
    const std::size_t first = views.size();
    for (goroutine* g : blocks)
      if (g->state.read() != goroutine_state::unused) views.push_back(look_at(*g, now));
    blocks.clear();
    heavy_barrier();  // Order: census.
    // Each is asked once: its answer may change.
    const auto stood_still = [](const goroutine_view& v) {
      return v.block->state.word() == v.word;
    };
    const auto begin = views.begin() + static_cast<std::ptrdiff_t>(first);
    const auto moved = std::partition(begin, views.end(), stood_still);
    if (look + 1 == looks_max) {
      std::for_each(moved, views.end(), mark_as_moving);
      break;
    }
    for (auto each = moved; each != views.end(); ++each) blocks.push_back(each->block);
    views.erase(moved, views.end());
  }
  std::erase_if(views, [](const goroutine_view& v) {
    return v.state == goroutine_state::unused || v.id == 0;
  });
  std::sort(views.begin(), views.end(),
            [](const goroutine_view& a, const goroutine_view& b) { return a.id < b.id; });
  return views;
}

std::vector<std::byte> copy_live_stack(const goroutine_view& view) {
  if (!view.stands_still()) return {};
  const auto* low = static_cast<const std::byte*>(view.stack_pointer.get());
  const std::byte* top = view.memory.low() + stack_class_bytes(view.size);
  if (low < view.memory.low() || low >= top) return {};
  std::vector<std::byte> copy(static_cast<std::size_t>(top - low));
  if (!copy_memory(copy.data(), low, copy.size()) || !is_as_seen(view)) return {};
  return copy;
}

}  // namespace weft::detail
