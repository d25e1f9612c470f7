// The caller's number, name and labels.
#include <weft/this_goroutine.hpp>

#include <utility>

#include "api/belongings_here.hpp"
#include "fiber/own/labels.hpp"

namespace weft::this_goroutine {

using detail::belongings;
using detail::belongings_here;
using detail::label_set;

std::uint64_t id() noexcept {
  const detail::worker* w = detail::this_worker();
  return w && w->current ? w->current->id : 0;
}

std::string_view name() noexcept {
  const char* name = belongings_here().name;
  return name ? name : "";
}

void set_name(std::string_view name) { belongings_here().rename(name); }

std::optional<std::string_view> label(std::string_view key) noexcept {
  const label_set* labels = belongings_here().labels;
  const std::string* value = labels ? labels->find(key) : nullptr;
  return value ? std::optional<std::string_view>(*value) : std::nullopt;
}

std::vector<std::pair<std::string, std::string>> labels() {
  const label_set* labels = belongings_here().labels;
  return labels ? labels->all() : std::vector<std::pair<std::string, std::string>>{};
}

void set_label(std::string_view key, std::string_view value) {
  belongings& own = belongings_here();
  drop(std::exchange(own.labels, label_set::with(own.labels, key, value)));
}

void clear_label(std::string_view key) {
  belongings& own = belongings_here();
  if (own.labels && own.labels->find(key))
    drop(std::exchange(own.labels, label_set::without(*own.labels, key)));
}

with_label::with_label(std::string_view key, std::string_view value) {
  belongings& own = belongings_here();
  before_ = std::exchange(own.labels, label_set::with(own.labels, key, value));
}

with_label::~with_label() { drop(std::exchange(belongings_here().labels, before_)); }

}  // namespace weft::this_goroutine
