#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <source_location>
#include <stop_token>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include <weft/cancellation.hpp>
#include <weft/chan.hpp>
#include <weft/detail/context_core.hpp>
#include <weft/detail/deadline.hpp>
#include <weft/error.hpp>

namespace weft {

/// Names a value in contexts. Its identity is its address: make it a static or inline constant.
/// ```
/// inline const weft::context_key<std::string> user;
/// ```
template <class T>
class context_key {
  static_assert(std::is_object_v<T> && !std::is_const_v<T>,
                "weft::context_key<T>: T must be a plain value type");

 public:
  context_key() noexcept = default;
  context_key(const context_key&) = delete;
  context_key& operator=(const context_key&) = delete;

 private:
  char unlike_any_other_ = 0;  // no two keys share an address
};

/// Carries cancellation, a deadline and values down a tree of calls: Go's `context.Context`.
///
/// A handle is a reference, and never changes: `with_cancel` and the others make a child. Pass it
/// as the first argument; everything in weft that waits takes one: `c.recv(ctx)`,
/// `sleep_for(ctx, 1s)`, `select(on_done(ctx, f), ...)`.
///
/// Cancelling reaches every descendant before it returns. Children keep their parents alive, not
/// the other way round: when its last handle is gone, a context is released with its timer and its
/// place in its parent. A `done()` channel that somebody holds keeps it alive, too.
///
/// Misuse:  a nil handle (`nullptr`, or moved from) throws std::invalid_argument: as a parent
///          "cannot create context from nil parent", else "nil context".
/// Orders:  what happened before the cancellation happens before what sees it.
/// Threads: every operation may be called from any goroutine and any thread, together.
/// Example: examples/context/timeout.cpp
class context {
 public:
  /// A nil context.
  context(std::nullptr_t = nullptr) noexcept {}
  context(const context& other) noexcept : node_(other.node_) {
    if (node_) detail::context_retain(node_);
  }
  context(context&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  context& operator=(context other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~context() {
    if (node_) detail::context_release(node_);
  }

  /// Closed when the context is cancelled; a nil channel if it never can be. Made at the first
  /// call, always the same. Throws: std::bad_alloc.
  recv_chan<void> done() const;
  /// No error until it is cancelled; then context_errc::canceled or deadline_exceeded for ever.
  /// Whoever has seen an error finds `done()` closed.
  std::error_code err() const {
    const int code = detail::context_error(checked());
    return code == 0 ? std::error_code() : make_error_code(static_cast<context_errc>(code));
  }
  /// Whether there is an error: about as cheap as a test of a flag.
  bool cancelled() const { return detail::context_error(checked()) != 0; }
  /// Why it is cancelled: what `cancel(cause)` was given, here or in the ancestor that it came
  /// from, else a context_canceled or a context_deadline_exceeded. Null until then.
  /// Throws: std::bad_alloc, at the first use in a program.
  std::exception_ptr cause() const { return detail::context_cause(checked()); }
  /// Throws its cause if it is cancelled.
  void throw_if_cancelled() const {
    if (std::exception_ptr why = cause()) std::rethrow_exception(std::move(why));
  }
  /// When it will be cancelled at the latest; its own or an ancestor's. nullopt: no such time.
  std::optional<time_point> deadline() const {
    const detail::deadline_ns at = detail::context_deadline(checked());
    return at == detail::never_ns ? std::nullopt : std::optional(detail::to_time_point(at));
  }
  /// The value bound to `key` nearest above; null: none. It lives as long as this handle.
  template <class T>
  const T* value(const context_key<T>& key) const {
    return static_cast<const T*>(detail::context_value(checked(), &key));
  }
  /// A token that is stopped when the context is cancelled, as long as somebody holds the context.
  /// A stop_callback runs in `cancel()`, after all descendants were told; where a deadline is what
  /// cancels, in a goroutine. Throws: std::bad_alloc.
  std::stop_token stop_token() const { return detail::context_stop_token(checked()); }

  /// False: a nil context.
  explicit operator bool() const noexcept { return node_ != nullptr; }
  friend bool operator==(const context& a, const context& b) noexcept = default;

  /// For weft's own use: takes over a reference.
  context(detail::adopt_t, detail::context_node* node) noexcept : node_(node) {}
  /// For weft's own use: null for a nil context.
  detail::context_node* node() const noexcept { return node_; }

 private:
  detail::context_node* checked() const {
    if (!node_) [[unlikely]]
      detail::throw_nil_context();
    return node_;
  }
  detail::context_node* node_ = nullptr;
};

inline recv_chan<void> context::done() const {
  return recv_chan<void>(detail::adopt_t{}, detail::context_done(checked()));
}

inline cancellation::cancellation(const context& ctx) {
  if (!ctx) [[unlikely]]
    detail::throw_nil_context();
  state_ = detail::context_cancel_state(ctx.node());
}

/// The root of all others: never cancelled, no deadline, no values. For main, tests and servers.
inline context background() noexcept { return {detail::adopt_t{}, detail::context_background()}; }
/// The same, where it is not clear yet which context to use.
inline context todo() noexcept { return {detail::adopt_t{}, detail::context_todo()}; }

/// How a context came to be, in Go's words: "context.Background.WithCancel". Throws: bad_alloc.
inline std::string to_string(const context& ctx) { return detail::context_text(ctx.node()); }

/// Any exception, as the reason of a cancellation; nullptr: none was given.
class cancel_cause {
 public:
  cancel_cause(std::nullptr_t = nullptr) noexcept {}
  cancel_cause(std::exception_ptr cause) noexcept : cause_(std::move(cause)) {}
  /// An exception object: `cancel(std::runtime_error("out of quota"))`.
  template <class E>
    requires std::is_base_of_v<std::exception, E>
  cancel_cause(E exception) noexcept : cause_(std::make_exception_ptr(std::move(exception))) {}

  std::exception_ptr take() noexcept { return std::move(cause_); }

 private:
  std::exception_ptr cause_;
};

/// Cancels a context; made with it. A handle: copies cancel the same context, and keep it alive.
///
/// Calling it again, or after the deadline, does nothing: the first cause stays. Dropping it does
/// not cancel.
class cancel_function {
 public:
  /// When it returns, the context and all its descendants are cancelled, and every wait that they
  /// bound has been made ready. Needs no memory. Never blocks.
  void operator()() const noexcept { detail::context_cancel(ctx_.node(), nullptr); }

  /// For weft's own use.
  explicit cancel_function(context ctx) noexcept : ctx_(std::move(ctx)) {}

 private:
  context ctx_;
};

/// The same, with a reason that `cause()` will give.
class cancel_cause_function {
 public:
  void operator()(cancel_cause cause = {}) const noexcept {
    detail::context_cancel(ctx_.node(), cause.take());
  }

  /// For weft's own use.
  explicit cancel_cause_function(context ctx) noexcept : ctx_(std::move(ctx)) {}

 private:
  context ctx_;
};

/// A new context and what cancels it: `auto [ctx, cancel] = with_cancel(parent);`
template <class Cancel>
struct derived_context {
  context ctx;
  Cancel cancel;

  /// For weft's own use: takes over two references.
  explicit derived_context(detail::context_node* node) noexcept
      : ctx(detail::adopt_t{}, node), cancel(context(detail::adopt_t{}, node)) {}
};

/// A child that is cancelled by `cancel()`, or with its parent, whichever comes first.
/// Throws: std::invalid_argument ("cannot create context from nil parent"), std::bad_alloc; so do
///         all that follow.
[[nodiscard]] inline derived_context<cancel_function> with_cancel(const context& parent) {
  return derived_context<cancel_function>(detail::context_make_cancellable(parent.node()));
}
/// The same; `cancel(cause)` sets the cause.
[[nodiscard]] inline derived_context<cancel_cause_function> with_cancel_cause(
    const context& parent) {
  return derived_context<cancel_cause_function>(detail::context_make_cancellable(parent.node()));
}

/// A child that is also cancelled after `d`, at once if that is not positive: its error is
/// deadline_exceeded then, and its cause is `cause`. A parent whose deadline comes first decides.
/// A time that overflows the clock never comes.
template <class Rep, class Period>
[[nodiscard]] derived_context<cancel_function> with_timeout(const context& parent,
                                                            std::chrono::duration<Rep, Period> d,
                                                            cancel_cause cause = {}) {
  return derived_context<cancel_function>(
      detail::context_make_timeout(parent.node(), detail::to_ns_saturated(d), cause.take()));
}
/// The same with a point in time, on any clock.
template <class Clock, class Duration>
[[nodiscard]] derived_context<cancel_function> with_deadline(
    const context& parent, std::chrono::time_point<Clock, Duration> t, cancel_cause cause = {}) {
  return derived_context<cancel_function>(
      detail::context_make_deadline(parent.node(), detail::deadline_at(t), cause.take()));
}

/// A child that is also cancelled when the token is stopped.
[[nodiscard]] inline derived_context<cancel_function> with_stop_token(
    const context& parent, const std::stop_token& token) {
  return derived_context<cancel_function>(detail::context_make_stoppable(parent.node(), token));
}

/// A child in which `key` is bound to `v`; it hides an ancestor's. For what belongs to a request
/// and passes through many hands, not for optional arguments.
/// Throws: also what moving a T throws.
template <class T>
[[nodiscard]] context with_value(const context& parent, const context_key<T>& key,
                                 std::type_identity_t<T> v) {
  detail::value_draft draft(parent.node(), &key, detail::value_operations_of<T>);
  ::new (draft.storage()) T(std::move(v));
  return {detail::adopt_t{}, draft.finish()};
}
template <class T>
context with_value(const context&, const context_key<T>&&, std::type_identity_t<T>) = delete;

/// A child with the values of its parent, but not its cancellation and not its deadline: for work
/// that must go on when the request is over.
[[nodiscard]] inline context without_cancel(const context& parent) {
  return {detail::adopt_t{}, detail::context_make_detached(parent.node())};
}

/// Takes back what `after_func` asked for. A handle: copies mean the same function.
class after_func_stop {
 public:
  /// Returns: true if this call is the reason why the function will not run. It does not wait for
  /// one that runs. The function is destroyed before it returns.
  bool operator()() const noexcept { return detail::after_call_stop(call_); }

  after_func_stop(const after_func_stop& other) noexcept : call_(other.call_) {
    detail::after_call_retain(call_);
  }
  after_func_stop& operator=(const after_func_stop& other) noexcept {
    detail::after_call_retain(other.call_);
    detail::after_call_release(std::exchange(call_, other.call_));
    return *this;
  }
  ~after_func_stop() { detail::after_call_release(call_); }

  /// For weft's own use: takes over a reference.
  explicit after_func_stop(detail::after_call* call) noexcept : call_(call) {}

 private:
  detail::after_call* call_;
};

/// Runs `f` in a goroutine of its own when `ctx` is cancelled, at once if it is already.
///
/// Returns: what takes it back; dropping it does not. Where `ctx` itself is dropped, `f` waits for
///          what else would have cancelled it: its own deadline, its parent.
/// Throws:  std::bad_alloc, std::system_error, std::invalid_argument ("go of nil func value"), and
///          what copying `f` throws. Later nothing can fail: the goroutine exists from now on.
template <class F>
after_func_stop after_func(const context& ctx, F&& f,
                           std::source_location where = std::source_location::current()) {
  static_assert(std::is_invocable_v<std::decay_t<F>>, "weft::after_func: f is called as f()");
  if (!ctx) detail::throw_nil_context();
  detail::reject_nil(f);
  return after_func_stop(detail::start_after(ctx.node(), {.where = where}, std::forward<F>(f)));
}

}  // namespace weft
