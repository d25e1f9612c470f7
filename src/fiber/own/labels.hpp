// Labels: what a goroutine is working on, as pairs of strings that its children inherit.
//
// A set never changes; a goroutine that starts another shares its own with it.
// Threads: any; the count of references is the only thing that changes.
// Orders: refs: a dropped reference's use happens before the set is destroyed.
// Tested by: tests/unit/fiber/labels_test.cpp
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weft/detail/atomic.hpp>

namespace weft::detail {

class label_set {
 public:
  using pair = std::pair<std::string, std::string>;

  /// A copy of `base` (null: empty) with one label set. Throws: std::bad_alloc.
  static label_set* with(const label_set* base, std::string_view key, std::string_view value);
  /// A copy without one, with the same reference count; null: it would be empty.
  static label_set* without(const label_set& base, std::string_view key);

  // Order: none. Whoever copies a reference has one.
  void retain() noexcept { refs_.fetch_add(1, relaxed); }
  void release() noexcept {
    // Order: refs. acq_rel: what every former owner did happens before the destruction.
    if (refs_.fetch_sub(1, acq_rel) == 1) delete this;
  }

  const std::string* find(std::string_view key) const noexcept;
  /// Sorted by key.
  const std::vector<pair>& all() const noexcept { return pairs_; }

 private:
  label_set() = default;
  ~label_set() = default;

  std::vector<pair> pairs_;
  atomic<std::uint32_t> refs_{1};
};

/// Null stays null.
inline label_set* share(label_set* labels) noexcept {
  if (labels) labels->retain();
  return labels;
}
inline void drop(label_set* labels) noexcept {
  if (labels) labels->release();
}

}  // namespace weft::detail
