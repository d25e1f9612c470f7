// What cancels a context besides its function: a deadline, a stop token.
#include <limits>
#include <optional>
#include <stop_token>
#include <utility>

#include "api/context/cancellable.hpp"
#include "engine/timer_heap.hpp"
#include "port/clock.hpp"
#include "sched/scheduler.hpp"

namespace weft::detail {
namespace {

class deadline_node final : public cancellable_node, private timed_action {
 public:
  deadline_node(context_node& above, deadline_ns at, std::exception_ptr&& cause) noexcept
      : cancellable_node(above, context_node::kind::deadline, at), late_cause_(std::move(cause)) {}

  void start(bool is_due) noexcept {
    attach();
    if (state.cancelled()) return;
    if (is_due) return cancel(context_errc::deadline_exceeded, std::move(late_cause_), false);
    arm(*this, deadline(), 0, 0);
    if (state.cancelled()) disarm();  // who cancelled it may have looked too early
  }

 private:
  ~deadline_node() override = default;

  void destroy() noexcept override {
    disarm();
    leave();
    delete this;
  }
  void disarm() noexcept override { timer_heap::disarm(*this); }

  bool try_retain() noexcept override { return revive(); }
  void release() noexcept override { drop(this, true); }
  void fire(deadline_ns, std::uint64_t, wake_list&) noexcept override {
    cancel(context_errc::deadline_exceeded, std::move(late_cause_), true);
  }

  std::exception_ptr late_cause_;
};

class stoppable_node final : public cancellable_node {
 public:
  explicit stoppable_node(context_node& above) noexcept
      : cancellable_node(above, context_node::kind::stop_token) {}

  void watch(const std::stop_token& token) {
    attach();
    callback_.emplace(token, cancel_by_token{this});
  }

 private:
  struct cancel_by_token {
    stoppable_node* node;
    void operator()() const noexcept {
      stoppable_node* const self = node;  // the last drop destroys this object, too
      if (!self->revive()) return;
      self->cancel(context_errc::canceled, nullptr, false);
      drop(self);
    }
  };

  ~stoppable_node() override = default;

  void destroy() noexcept override {
    callback_.reset();  // waits for one that runs on another thread: it was too late for it
    leave();
    delete this;
  }

  std::optional<std::stop_callback<cancel_by_token>> callback_;
};

context_node* make_timed(context_node* parent, deadline_ns at, bool is_due,
                         std::exception_ptr&& cause) {
  context_node& from = require_parent(parent);
  if (at == never_ns || (from.cancels() && from.cancels()->deadline() < at))
    return context_make_cancellable(parent);
  ensure_running();
  auto* made = new deadline_node(from, at, std::move(cause));
  made->start(is_due);
  return made;
}

}  // namespace

context_node* context_make_timeout(context_node* parent, deadline_ns delay_ns,
                                   std::exception_ptr cause) {
  return make_timed(parent, deadline_after_ns(delay_ns), delay_ns <= 0, std::move(cause));
}

context_node* context_make_deadline(context_node* parent, deadline_ns at,
                                    std::exception_ptr cause) {
  return make_timed(parent, at, at <= now_ns(), std::move(cause));
}

context_node* context_make_stoppable(context_node* parent, const std::stop_token& token) {
  auto* made = new stoppable_node(require_parent(parent));
  struct undo {
    context_node* node;
    ~undo() {
      if (!node) return;
      context_node::drop(node);
      context_node::drop(node);
    }
  } guard{made};
  made->watch(token);
  guard.node = nullptr;
  return made;
}

}  // namespace weft::detail
