// A node that can be cancelled: by its function, its parent, a deadline, a stop token, a signal.
//
// Threads: any. Locks: its cancel_state's; a channel's lock comes before that one, so its done
//          channel is closed without it.
// Invariants: R1 whoever was told an error finds the done channel closed.
//             R2 told <=> every descendant is cancelled: a second cancel() waits for that. Who is
//                telling waits only for nodes below its own, and runs no user code: no cycle.
//             R3 somebody refers to the node => it has one reference to its done channel. So
//                whoever holds that channel keeps the node, too.
//             R4 a node that is destroyed has no child; what is left in its list is after_calls.
// Orders: refs: see node.hpp.
// Tested by: tests/conformance/context, tests/stress/cancel_test.cpp
#pragma once

#include <exception>
#include <stop_token>

#include "api/context/node.hpp"
#include "sync/channel.hpp"
#include "wait/cancel_state.hpp"

namespace weft::detail {

class cancellable_node : public context_node, public cancel_link {
 public:
  explicit cancellable_node(context_node& above, kind k = kind::cancel,
                            deadline_ns at = never_ns) noexcept;

  /// Takes its place below its parent; cancelled at once if that is.
  void attach() noexcept;
  void cancel(context_errc why, std::exception_ptr cause, bool on_clock) noexcept;

  /// The error; 0: none.
  int error() noexcept;
  std::exception_ptr cause();
  deadline_ns deadline() const noexcept { return deadline_; }
  channel_core* done();
  std::stop_token stop_token();

  /// A reference for who holds none; false: the node is being destroyed.
  [[nodiscard]] bool revive() noexcept;
  /// Whether a timer of its own will cancel it.
  bool has_timer() const noexcept { return is == kind::deadline; }

  cancel_state state;

 protected:
  virtual ~cancellable_node() = default;
  cancellable_node* above() const noexcept { return parent()->cancels(); }
  /// Nobody finds the node any more; all that is left to do is to free it.
  void leave() noexcept;
  void destroy() noexcept override;
  /// What else would have cancelled it need not any more.
  virtual void disarm() noexcept {}

 private:
  class done_channel;

  [[nodiscard]] bool mark(context_errc why, std::exception_ptr&& cause) noexcept;
  void tell(cancel_run& run) noexcept;
  void wait_until_told() const noexcept;
  void close_done() noexcept;
  void stop_tokens(bool on_clock) noexcept;

  bool give_up() noexcept override;
  bool try_retain() noexcept override { return revive(); }
  void on_cancel(cancel_run& run) noexcept override;
  void on_told() noexcept override { told_.publish(true); }
  void settle(bool on_clock) noexcept override;

  const deadline_ns deadline_;
  context_errc why_{};
  published_to_users<bool> told_{false};
  published_to_users<bool> done_closed_{false};
  std::exception_ptr cause_;  // null: the usual one. With why_ set under the lock, then constant
  published_to_users<done_channel*> done_{nullptr};
  published_to_users<std::stop_source*> stop_{nullptr};
};

}  // namespace weft::detail
