// Making one set of labels from another.
#include "fiber/own/labels.hpp"

#include <algorithm>

namespace weft::detail {
namespace {

template <class Pairs>
auto place_of(Pairs& pairs, std::string_view key) noexcept {
  return std::lower_bound(
      pairs.begin(), pairs.end(), key,
      [](const label_set::pair& p, std::string_view wanted) { return p.first < wanted; });
}

}  // namespace

const std::string* label_set::find(std::string_view key) const noexcept {
  const auto at = place_of(pairs_, key);
  return at != pairs_.end() && at->first == key ? &at->second : nullptr;
}

label_set* label_set::with(const label_set* base, std::string_view key, std::string_view value) {
  auto* made = new label_set;
  try {
    made->pairs_.reserve((base ? base->pairs_.size() : 0) + 1);
    if (base) made->pairs_ = base->pairs_;
    const auto at = place_of(made->pairs_, key);
    if (at != made->pairs_.end() && at->first == key)
      at->second = value;
    else
      made->pairs_.emplace(at, key, value);
    return made;
  } catch (...) {
    made->release();
    throw;
  }
}

label_set* label_set::without(const label_set& base, std::string_view key) {
  const auto stays = [key](const pair& p) { return p.first != key; };
  if (std::none_of(base.pairs_.begin(), base.pairs_.end(), stays)) return nullptr;
  auto* made = new label_set;
  try {
    std::copy_if(base.pairs_.begin(), base.pairs_.end(), std::back_inserter(made->pairs_), stays);
    return made;
  } catch (...) {
    made->release();
    throw;
  }
}

}  // namespace weft::detail
