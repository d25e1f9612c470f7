// Roots, values and the life of nodes.
#include "api/context/node.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <new>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "api/context/cancellable.hpp"

namespace weft::detail {
namespace {

class root_node final : public context_node {
 public:
  explicit constexpr root_node(kind k) noexcept : context_node(k) {}

 private:
  void destroy() noexcept override {}
};

class detached_node final : public context_node {
 public:
  explicit detached_node(context_node& above) noexcept
      : context_node(kind::without_cancel, above, 1) {}

 private:
  void destroy() noexcept override { delete this; }
};

// Trivially destroyed: usable by whatever runs while the program ends.
constinit root_node background_root(context_node::kind::background);
constinit root_node todo_root(context_node::kind::todo);

}  // namespace

/// A value behind its node, in one piece of memory.
class value_node final : public context_node {
 public:
  static value_node* make(context_node& above, const void* key,
                          const value_draft::operations& ops) {
    const std::size_t alignment = std::max(alignof(value_node), ops.alignment);
    const std::size_t offset = offset_for(alignment);
    void* memory = ::operator new(offset + ops.size, std::align_val_t{alignment});
    return ::new (memory) value_node(above, key, ops);
  }

  void* value() noexcept { return reinterpret_cast<std::byte*>(this) + offset_for(ops_.alignment); }
  bool binds(const void* key) const noexcept { return key_ == key; }
  /// Without its value.
  void discard() noexcept {
    const std::size_t alignment = std::max(alignof(value_node), ops_.alignment);
    void* memory = this;
    this->~value_node();
    ::operator delete(memory, std::align_val_t{alignment});
  }

 private:
  value_node(context_node& above, const void* key, const value_draft::operations& ops) noexcept
      : context_node(kind::value, above, 1), key_(key), ops_(ops) {
    values_ = this;
  }
  ~value_node() = default;

  static std::size_t offset_for(std::size_t alignment) noexcept {
    return (sizeof(value_node) + alignment - 1) / alignment * alignment;
  }
  void destroy() noexcept override {
    ops_.destroy(value());
    discard();
  }

  const void* const key_;
  const value_draft::operations& ops_;
};

bool context_node::let_go() noexcept {
  // Order: refs. release: what every former owner did happens before the destruction.
  if (is_root() || refs_.fetch_sub(1, release) != 1) return false;
  // Order: refs. Only the last needs to know.
  static_cast<void>(refs_.load(acquire));
  return give_up();
}

void context_node::drop(context_node* node, bool on_clock) noexcept {
  if (!node->let_go()) return;
  if (!on_clock) return destroy_from(node);
  try {
    start_closure({}, [node] {
      // Order: refs. The clock has looked at the count, this goroutine has not.
      static_cast<void>(node->refs_.load(acquire));
      destroy_from(node);
    });
  } catch (...) {  // no memory for a goroutine: a value whose destructor parks is the lesser evil
    destroy_from(node);
  }
}

void context_node::destroy_from(context_node* node) noexcept {
  for (bool more = true; more;) {
    context_node* above = node->parent_;
    node->destroy();
    more = above->let_go();
    node = above;
  }
}

context_node& require_parent(context_node* parent) {
  if (!parent) throw std::invalid_argument("cannot create context from nil parent");
  return *parent;
}

void throw_nil_context() { throw std::invalid_argument("nil context"); }

context_node* context_background() noexcept { return &background_root; }
context_node* context_todo() noexcept { return &todo_root; }
void context_retain(context_node* node) noexcept { node->retain(); }
void context_release(context_node* node) noexcept { context_node::drop(node); }

context_node* context_make_detached(context_node* parent) {
  return new detached_node(require_parent(parent));
}

value_draft::value_draft(context_node* parent, const void* key, const operations& ops)
    : node_(value_node::make(require_parent(parent), key, ops)) {}

value_draft::~value_draft() {
  if (!node_) return;
  context_node* parent = node_->parent();
  static_cast<value_node*>(node_)->discard();
  context_node::drop(parent);
}

void* value_draft::storage() const noexcept { return static_cast<value_node*>(node_)->value(); }

const void* context_value(context_node* node, const void* key) noexcept {
  for (value_node* at = node->values(); at; at = at->parent()->values())
    if (at->binds(key)) return at->value();
  return nullptr;
}

std::string context_text(context_node* node) {
  constexpr std::array<std::string_view, 7> words{"context.Background",
                                                  "context.TO"
                                                  "DO",
                                                  ".WithValue",
                                                  ".WithoutCancel",
                                                  ".WithCancel",
                                                  ".WithDeadline",
                                                  ".WithStopToken"};
  if (!node) return "<nil>";
  std::vector<context_node::kind> path;
  for (; node; node = node->parent()) path.push_back(node->is);
  std::string text;
  for (auto step = path.rbegin(); step != path.rend(); ++step)
    text += words[static_cast<std::size_t>(*step)];
  return text;
}

}  // namespace weft::detail
