// Rings in a graph in which every node has at most one arrow.
#include "api/leaks/lock_graph.hpp"

#include <utility>

#include "port/sync/barrier.hpp"
#include "sync/locks/queued.hpp"

namespace weft::detail {
namespace {

constexpr std::size_t nobody = lock_owners::nobody;

bool waits_without_bound(const goroutine_view& v) noexcept {
  return waits_for_lock(v) && !v.bounded && v.stands_still();
}

class lock_graph {
 public:
  explicit lock_graph(const std::vector<goroutine_view>& views)
      : views_(views), arrows_(views.size()), looks_(views.size()), owners_(views) {}

  std::vector<lock_arrow> follow() {
    for (std::size_t i = 0; i < views_.size(); ++i) draw(i);
    find_abandoned();
    find_rings();
    drop_what_moved();
    follow_back();
    return std::move(arrows_);
  }

 private:
  void draw(std::size_t i) {
    if (!waits_without_bound(views_[i])) return;
    looks_[i] = look_at_queue(views_[i]);
    if (!looks_[i].queued) return;
    arrows_[i] = {lock_fate::waits, owners_.find(looks_[i].holder)};
  }

  /// Looks, takes another census, and looks again: R3.
  void find_abandoned() {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < views_.size(); ++i)
      if (looks_[i].first && owners_.is_abandoned(looks_[i].holder)) found.push_back(i);
    if (found.empty()) return;
    const lock_owners owners_now(take_census());
    for (const std::size_t i : found) {
      if (!owners_now.is_abandoned(looks_[i].holder)) continue;
      const queued_at_lock again = look_at_queue(views_[i]);
      if (!again.first || again.holder != looks_[i].holder) continue;
      for (std::size_t j = 0; j < views_.size(); ++j)
        if (looks_[j].queued && views_[j].waits_on == views_[i].waits_on &&
            looks_[j].holder == looks_[i].holder)
          arrows_[j].fate = lock_fate::abandoned;
    }
  }

  /// From every node along the arrows until a node that was seen: in this walk, it is a ring.
  void find_rings() {
    std::vector<std::size_t> walk_of(views_.size(), 0);
    for (std::size_t start = 0; start < views_.size(); ++start) {
      std::size_t at = start;
      while (at != nobody && walk_of[at] == 0 && arrows_[at].fate == lock_fate::waits) {
        walk_of[at] = start + 1;
        at = arrows_[at].holder;
      }
      if (at == nobody || walk_of[at] != start + 1) continue;
      while (arrows_[at].fate == lock_fate::waits) {
        arrows_[at].fate = lock_fate::in_ring;
        at = arrows_[at].holder;
      }
    }
  }

  /// R2, R3. What is wrong with one of a ring is wrong with all of it, and what is wrong with the
  /// first in a queue with all who wait there.
  void drop_what_moved() {
    heavy_barrier();  // Order: census. See sched/watch/census.hpp.
    for (std::size_t i = 0; i < views_.size(); ++i) {
      if (views_[i].block->state.word() == views_[i].word) continue;
      if (arrows_[i].fate == lock_fate::abandoned) drop_queue_of(i);
      for (std::size_t at = i; at != nobody && arrows_[at].fate == lock_fate::in_ring;) {
        arrows_[at].fate = lock_fate::waits;
        at = arrows_[at].holder;
      }
      arrows_[i].fate = lock_fate::none;
    }
  }

  void drop_queue_of(std::size_t i) {
    for (std::size_t j = 0; j < views_.size(); ++j)
      if (arrows_[j].fate == lock_fate::abandoned && views_[j].waits_on == views_[i].waits_on)
        arrows_[j].fate = lock_fate::none;
  }

  void follow_back() {
    for (bool more = true; more;) {
      more = false;
      for (lock_arrow& a : arrows_) {
        if (a.fate != lock_fate::waits || a.holder == nobody) continue;
        if (!is_for_ever(arrows_[a.holder].fate)) continue;
        a.fate = lock_fate::behind;
        more = true;
      }
    }
  }

  const std::vector<goroutine_view>& views_;
  std::vector<lock_arrow> arrows_;
  std::vector<queued_at_lock> looks_;
  const lock_owners owners_;
};

}  // namespace

std::vector<lock_arrow> follow_locks(const std::vector<goroutine_view>& views) {
  return lock_graph(views).follow();
}

}  // namespace weft::detail
