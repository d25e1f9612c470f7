// Stacks as numbers: a token is a page's, in 31 bits.
#include "api/leaks/lock_owners.hpp"

#include <algorithm>

#include "port/sync/barrier.hpp"
#include "sched/runtime.hpp"

namespace weft::detail {
namespace {

stack_token token_of(const std::byte* address) noexcept {
  // Safety: the address is only compared.
  return stack_token_of(reinterpret_cast<std::uintptr_t>(address));
}

}  // namespace

lock_owners::lock_owners(const std::vector<goroutine_view>& views) {
  std::vector<stack_slab> slabs;
  runtime::get().list_slabs(slabs);
  for (const stack_slab& s : slabs)
    slabs_.push_back({token_of(s.low), s.bytes >> stack_token_shift, nobody});
  for (std::size_t i = 0; i < views.size(); ++i) {
    const goroutine_view& v = views[i];
    if (v.memory)
      spans_.push_back(
          {token_of(v.memory.low()), stack_class_bytes(v.size) >> stack_token_shift, i});
  }
  heavy_barrier();  // Order: census. See sched/watch/census.hpp.
  knows_all_ = std::none_of(views.begin(), views.end(), [](const goroutine_view& v) {
    return v.started && (!v.memory || v.block->state.word() != v.word);
  });
  const auto by_place = [](const span& a, const span& b) { return a.low < b.low; };
  std::sort(spans_.begin(), spans_.end(), by_place);
}

bool lock_owners::holds(const span& s, stack_token token) noexcept {
  return token != 0 && ((token - s.low) & ~stack_token_mark) < s.pages;
}

std::size_t lock_owners::find(stack_token token) const noexcept {
  const auto after = std::upper_bound(spans_.begin(), spans_.end(), token,
                                      [](stack_token t, const span& s) { return t < s.low; });
  if (after == spans_.begin() || !holds(*(after - 1), token)) return nobody;
  return (after - 1)->index;
}

bool lock_owners::is_abandoned(stack_token token) const noexcept {
  return knows_all_ && find(token) == nobody &&
         std::any_of(slabs_.begin(), slabs_.end(), [&](const span& s) { return holds(s, token); });
}

}  // namespace weft::detail
