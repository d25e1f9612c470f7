// A context's compiled half: nodes that point to their parents, and what cancels them.
//
// A node that a function returns belongs to the caller: one reference, or two where it says so.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>

#include <weft/detail/channel_core.hpp>
#include <weft/detail/deadline.hpp>
#include <weft/detail/spawn.hpp>
#include <weft/error.hpp>

namespace weft::detail {

class cancel_state;
class context_node;

[[noreturn]] void throw_nil_context();

context_node* context_background() noexcept;
context_node* context_todo() noexcept;
void context_retain(context_node* node) noexcept;
void context_release(context_node* node) noexcept;

// These throw std::invalid_argument for a null parent, and std::bad_alloc.
/// Two references: the context's and the cancel function's.
context_node* context_make_cancellable(context_node* parent);
context_node* context_make_timeout(context_node* parent, deadline_ns delay_ns,
                                   std::exception_ptr cause);
context_node* context_make_deadline(context_node* parent, deadline_ns at, std::exception_ptr cause);
context_node* context_make_stoppable(context_node* parent, const std::stop_token& token);
/// One reference.
context_node* context_make_detached(context_node* parent);

/// Only for what one of the first four made. When it returns, every descendant is cancelled.
void context_cancel(context_node* node, std::exception_ptr cause) noexcept;

/// Null: never cancelled. It lives as long as the node.
cancel_state* context_cancel_state(context_node* node) noexcept;
/// 0: not cancelled.
int context_error(context_node* node) noexcept;
std::exception_ptr context_cause(context_node* node);
deadline_ns context_deadline(context_node* node) noexcept;
/// Null: never cancelled. Else the caller owns a reference. Throws: std::bad_alloc.
channel_core* context_done(context_node* node);
/// Throws: std::bad_alloc.
std::stop_token context_stop_token(context_node* node);
/// Null: the key is not bound.
const void* context_value(context_node* node, const void* key) noexcept;
std::string context_text(context_node* node);

/// Room for a value that is not there yet, in a node that is.
class value_draft {
 public:
  struct operations {
    std::size_t size;
    std::size_t alignment;
    void (*destroy)(void* value) noexcept;
  };
  value_draft(context_node* parent, const void* key, const operations& ops);
  value_draft(const value_draft&) = delete;
  value_draft& operator=(const value_draft&) = delete;
  ~value_draft();

  void* storage() const noexcept;
  /// The value was constructed.
  [[nodiscard]] context_node* finish() noexcept { return std::exchange(node_, nullptr); }

 private:
  context_node* node_;
};

template <class T>
inline constexpr value_draft::operations value_operations_of{
    sizeof(T), alignof(T), [](void* value) noexcept { static_cast<T*>(value)->~T(); }};

/// A function that a cancellation starts as a goroutine.
class after_call;
void after_call_retain(after_call* call) noexcept;
void after_call_release(after_call* call) noexcept;
/// Returns: whether this call prevented the function from being started.
bool after_call_stop(after_call* call) noexcept;

/// The goroutine is prepared before there is a function, so that nothing can fail later.
class after_call_draft {
 public:
  /// Throws: std::bad_alloc, std::system_error.
  after_call_draft(creation_site site, std::size_t bytes, std::size_t alignment);
  after_call_draft(const after_call_draft&) = delete;
  after_call_draft& operator=(const after_call_draft&) = delete;
  ~after_call_draft();

  void* storage() const noexcept;
  /// The function was constructed. Returns: one reference.
  [[nodiscard]] after_call* attach(context_node* node, void (*run)(void*),
                                   void (*destroy)(void*) noexcept) noexcept;

 private:
  after_call* call_;
};

template <class F>
after_call* start_after(context_node* node, creation_site site, F&& f) {
  using body = closure<std::decay_t<F>>;
  after_call_draft draft(site, sizeof(body), alignof(body));
  ::new (draft.storage()) body(std::forward<F>(f));
  return draft.attach(node, &body::run, [](void* storage) noexcept {
    // Safety: storage holds the closure that was constructed above.
    std::destroy_at(std::launder(static_cast<body*>(storage)));
  });
}

}  // namespace weft::detail
