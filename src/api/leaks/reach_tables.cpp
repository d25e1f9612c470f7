// Sorted tables.
#include "api/leaks/reach_tables.hpp"

#include <algorithm>

namespace weft::detail {

void reach_targets::sort() noexcept {
  std::sort(all_.begin(), all_.end(),
            [](const reach_target& a, const reach_target& b) { return a.where.low < b.where.low; });
  lowest_ = all_.empty() ? 0 : all_.begin()->where.low;
  highest_ = lowest_;
  for (const reach_target& t : all_) {
    highest_ = std::max(highest_, t.where.high);
    longest_ = std::max(longest_, t.where.high - t.where.low);
  }
}

const reach_target* reach_targets::first_after(std::uintptr_t word) const noexcept {
  return std::upper_bound(all_.begin(), all_.end(), word,
                          [](std::uintptr_t w, const reach_target& t) { return w < t.where.low; });
}

void ignored_spans::sort() noexcept {
  std::sort(all_.begin(), all_.end(),
            [](const address_span& a, const address_span& b) { return a.low < b.low; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    if (kept > 0 && all_[i].low <= all_[kept - 1].high)
      all_[kept - 1].high = std::max(all_[kept - 1].high, all_[i].high);
    else
      all_[kept++] = all_[i];
  }
  while (all_.size() > kept) static_cast<void>(all_.pop_back());
}

const address_span* ignored_spans::first_ending_after(std::uintptr_t address) const noexcept {
  return std::upper_bound(all_.begin(), all_.end(), address,
                          [](std::uintptr_t a, const address_span& s) { return a < s.high; });
}

}  // namespace weft::detail
