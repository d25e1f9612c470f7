// The search itself: mark, and follow what was marked.
#include "api/leaks/reachability.hpp"

#include <algorithm>
#include <span>

#include <weft/detail/select_core.hpp>
#include <weft/detail/sync/mutex_core.hpp>
#include <weft/detail/sync/shared_mutex_core.hpp>
#include <weft/detail/wait_group_core.hpp>

#include "api/leaks/reach_tables.hpp"
#include "api/leaks/stillness.hpp"
#include "port/pack/packed_pages.hpp"
#include "port/switch/sanitizer.hpp"
#include "port/thread.hpp"
#include "port/trace/safe_copy.hpp"
#include "sched/pack/packer.hpp"
#include "sched/runtime.hpp"
#include "sched/scheduler.hpp"
#include "sync/channel.hpp"
#include "sync/locks/queued.hpp"
#include "sync/locks/room.hpp"

namespace weft::detail {
namespace {

std::uintptr_t number_of(const void* address) noexcept {
  // Safety: addresses are compared here, and read by the kernel.
  return reinterpret_cast<std::uintptr_t>(address);
}

address_span span_of(const void* low, std::size_t bytes) noexcept {
  return {number_of(low), number_of(low) + bytes};
}

WEFT_READS_RACILY address_span closure_of(goroutine& g) noexcept {
  return g.closure_is_outside ? span_of(g.closure_address(), g.closure_bytes_outside())
                              : span_of(g.closure, sizeof g.closure);
}

WEFT_READS_RACILY bool is_draft(const goroutine& g) noexcept {
  return g.state.read() == goroutine_state::unused && g.id != 0;
}

constexpr std::size_t lock_bytes = std::min(sizeof(mutex_core), sizeof(shared_mutex_core));

class lost_search {
 public:
  lost_search(const std::vector<goroutine_view>& views, const std::vector<lock_arrow>& arrows,
              std::uintptr_t caller_low)
      : views_(views), arrows_(arrows), caller_low_(caller_low) {}

  /// Returns: whether the answer counts.
  bool run() {
    if (!memory_ || !still_.begin(views_)) return false;
    list_nodes();
    areas_.sort();
    for (std::size_t i = 0; i < views_.size(); ++i) list_wait(static_cast<std::uint32_t>(i));
    objects_.sort();
    ignore_own_memory();
    mapped_table<address_span> regions;
    if (!process_memory::list_keeping(regions)) return false;
    for (const address_span& region : regions)
      ignored_.subtract_from(region, [this](address_span part) { look_through(part); });
    follow();
    return still_.holds();
  }

  bool is_lost(std::size_t i) const noexcept { return !nodes_[i].alive; }

 private:
  void list_nodes() {
    for (std::size_t i = 0; i < views_.size(); ++i) {
      const goroutine_view& v = views_[i];
      reach_node node;
      const std::uintptr_t top = number_of(v.memory.low()) + stack_class_bytes(v.size);
      if (v.stands_still())
        node.stack = {number_of(v.stack_pointer), top};
      else
        node.stack = {caller_low_, top};  // only the caller runs
      node.closure = closure_of(*v.block);
      areas_.add(node.stack, static_cast<std::uint32_t>(i));
      areas_.add(node.closure, static_cast<std::uint32_t>(i));
      nodes_.push_back(node);
      if (v.block->closure_is_outside) ignored_.add(node.closure);
    }
    pending_.reserve(nodes_.size());
  }

  /// What could end its wait.
  void list_wait(std::uint32_t i) {
    const goroutine_view& v = views_[i];
    const lock_arrow& arrow = arrows_[i];
    if (!v.stands_still() || v.bounded) return make_alive(i);
    if (waits_for_lock(v)) ignored_.add(span_of(v.waits_on, lock_bytes));  // its queue
    if (arrow.fate != lock_fate::none && arrow.holder != lock_owners::nobody) {
      nodes_[i].owner = static_cast<std::uint32_t>(arrow.holder);
      return;
    }
    switch (v.reason) {
      case wait_reason::chan_receive_nil:
      case wait_reason::chan_send_nil:
        return;
      case wait_reason::chan_receive:
      case wait_reason::chan_send:
        return list_channel(v.waits_on, i);
      case wait_reason::select:
        return list_select(v.waits_on, i);
      case wait_reason::wait_group:
        objects_.add(span_of(v.waits_on, wait_group_bytes()), i);
        return ignored_.add(span_of(v.waits_on, wait_group_bytes()));
      default:
        return list_object_in_place(v.waits_on, i);
    }
  }

  /// A timer's channel hears from the clock. Of one of another kind, others may point to any part.
  void list_channel(const void* channel, std::uint32_t i) {
    constexpr std::size_t special_bytes_max = 1024;
    alignas(channel_core) std::byte copy[sizeof(channel_core)];
    if (!copy_memory(copy, channel, sizeof copy)) return make_alive(i);
    // Safety: two plain fields of a copy are read.
    const auto& seen = *reinterpret_cast<const channel_core*>(copy);
    if (seen.is_sent_by_clock()) return make_alive(i);
    objects_.add(span_of(channel, seen.is_special() ? special_bytes_max : sizeof copy), i);
    ignored_.add(span_of(channel, sizeof copy));
  }

  void list_select(const void* address, std::uint32_t i) {
    alignas(select_request) std::byte copy[sizeof(select_request)];
    if (!copy_memory(copy, address, sizeof copy)) return make_alive(i);
    // Safety: plain fields of a copy are read.
    const std::span<select_case> cases = reinterpret_cast<const select_request*>(copy)->cases;
    for (std::size_t k = 0; k < cases.size(); ++k) {
      select_case each;
      if (!copy_memory(&each, cases.data() + k, sizeof each)) return make_alive(i);
      if (each.canceller) return make_alive(i);
      if (each.channel) list_channel(each.channel, i);
    }
  }

  /// A part of something else: who reaches that, reaches it. Known only of a goroutine's stack.
  void list_object_in_place(const void* object, std::uint32_t i) {
    areas_.look_up(number_of(object), [&](std::uint32_t node) { nodes_[i].owner = node; });
    if (nodes_[i].owner == reach_node::nobody) make_alive(i);
  }

  /// Stacks, control blocks, the rooms of locks, the dead part of the caller's stack, the tables.
  void ignore_own_memory() {
    std::vector<stack_slab> slabs;
    runtime::get().list_slabs(slabs);
    for (const stack_slab& s : slabs) ignored_.add(span_of(s.low, s.bytes));
    for (const stillness::block& b : still_.blocks())
      if (!is_draft(*b.what)) ignored_.add(span_of(b.what, sizeof(goroutine)));
    ignored_.add(span_of(all_rooms().data(), all_rooms().size_bytes()));
    if (this_waiter().is == waiter::kind::thread) {
      const stack_bounds bounds = thread_stack_bounds();
      ignored_.add({number_of(bounds.low), caller_low_});
    }
    for (const mapped_room* room : {&nodes_.room(), &pending_.room(), &areas_.room(),
                                    &objects_.room(), &buffer_, &still_.blocks().room()})
      ignored_.add(*room);
    mapped_table<address_span> kept;  // what is packed was looked at as the stack that it is of
    packed_pages::list_memory(kept);
    for (const address_span& each : kept) ignored_.add(each);
    ignored_.add(kept.room());
    ignored_.add(packer_stack());
    ignored_.reserve_more(1);
    ignored_.add(ignored_.room());
    ignored_.sort();
  }

  void make_alive(std::uint32_t i) noexcept {
    if (nodes_[i].alive) return;
    nodes_[i].alive = true;
    pending_.push_back(i);  // has room for all
  }

  void look_through(address_span part) noexcept {
    constexpr std::uintptr_t page = 4096;
    part.low = (part.low + sizeof(void*) - 1) & ~(sizeof(void*) - 1);
    while (part.low < part.high) {
      const std::size_t wanted = std::min<std::size_t>(part.high - part.low, buffer_.bytes());
      const std::size_t count = memory_.read(buffer_.low(), part.low, wanted);
      look_at_words(count / sizeof(std::uintptr_t));
      part.low += count;
      if (count < wanted) part.low = (part.low & ~(page - 1)) + page;  // nobody can read this one
    }
  }

  void look_at_words(std::size_t count) noexcept {
    // Safety: the kernel has copied that many words there.
    const auto* words = reinterpret_cast<const std::uintptr_t*>(buffer_.low());
    for (std::size_t i = 0; i < count; ++i) {
      const auto found = [this](std::uint32_t node) { make_alive(node); };
      areas_.look_up(words[i], found);
      objects_.look_up(words[i], found);
    }
  }

  /// What the living reach.
  void follow() noexcept {
    do {
      while (!pending_.empty()) {
        const reach_node node = nodes_[pending_.pop_back()];
        look_through(node.stack);
        look_through(node.closure);
      }
      for (std::uint32_t i = 0; i < nodes_.size(); ++i)
        if (nodes_[i].owner != reach_node::nobody && nodes_[nodes_[i].owner].alive) make_alive(i);
    } while (!pending_.empty());
  }

  const std::vector<goroutine_view>& views_;
  const std::vector<lock_arrow>& arrows_;
  const std::uintptr_t caller_low_;
  process_memory memory_;
  stillness still_;
  mapped_table<reach_node> nodes_;
  mapped_table<std::uint32_t> pending_;
  reach_targets areas_;
  reach_targets objects_;
  ignored_spans ignored_;
  const mapped_room buffer_{std::size_t{1} << 20};
};

}  // namespace

reach find_lost(const std::vector<goroutine_view>& views, const std::vector<lock_arrow>& arrows,
                std::uintptr_t caller_low) {
  reach answer;
  if (with_asan || sanitizer_thread_count > 0) return answer;  // stacks that weft does not know
  lost_search search(views, arrows, caller_low);
  if (!search.run()) return answer;
  answer.known = true;
  answer.lost.resize(views.size());
  for (std::size_t i = 0; i < views.size(); ++i) answer.lost[i] = search.is_lost(i);
  return answer;
}

}  // namespace weft::detail
