// Cancelling: mark the node, close its channel, tell who waits and who is below.
#include "api/context/cancellable.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

#include "api/context/after_call.hpp"
#include "api/context/error.hpp"
#include "api/context/told_stop.hpp"
#include "port/thread.hpp"

namespace weft::detail {
namespace {

/// Where this thread waits to hear that a done channel has lost its last reference.
thread_local constinit bool* done_listener = nullptr;
// A goroutine may have come from another thread: the address must not be kept.
[[gnu::noinline]] bool* swap_done_listener(bool* listener) noexcept {
  return std::exchange(done_listener, listener);
}

/// What done() gives for a context that was cancelled before anybody asked.
class closed_channel_core final : public channel_core {
 public:
  closed_channel_core() noexcept : channel_core(ops_of<unit>, 0, nullptr) {
    wake_list nobody;
    static_cast<void>(close_locked(nobody));
  }

 private:
  void dispose() noexcept override {}
};

channel_core* closed_for_all() noexcept {
  // Never destroyed: it outlives every handle.
  alignas(closed_channel_core) static std::byte room[sizeof(closed_channel_core)];
  static channel_core* const instance = ::new (room) closed_channel_core;
  return instance;
}

}  // namespace

/// One reference is the node's (R3). The last one takes the node with it.
class cancellable_node::done_channel final : public channel_core {
 public:
  explicit done_channel(cancellable_node& owner) noexcept
      : channel_core(ops_of<unit>, 0, nullptr), owner_(owner) {}
  ~done_channel() override = default;

 private:
  void dispose() noexcept override {
    // The node's own reference was the last: whoever dropped it goes on, without recursion.
    if (bool* listener = swap_done_listener(nullptr)) {
      *listener = true;
      return;
    }
    destroy_from(&owner_);
  }

  cancellable_node& owner_;
};

cancellable_node::cancellable_node(context_node& above, kind k, deadline_ns at) noexcept
    : context_node(k, above, 2),
      deadline_(above.cancels() ? std::min(at, above.cancels()->deadline_) : at) {
  cancels_ = this;
}

void cancellable_node::attach() noexcept {
  cancellable_node* from = above();
  if (from && !from->state.enlist(*this)) cancel(from->why_, from->cause_, false);
}

bool cancellable_node::mark(context_errc why, std::exception_ptr&& cause) noexcept {
  return state.mark_cancelled([&] {
    why_ = why;
    cause_ = std::move(cause);
  });
}

void cancellable_node::tell(cancel_run& run) noexcept {
  close_done();
  disarm();
  run.tell(state);
}

void cancellable_node::cancel(context_errc why, std::exception_ptr cause, bool on_clock) noexcept {
  if (!mark(why, std::move(cause))) {
    if (!on_clock) wait_until_told();
    return;
  }
  retain();  // whoever is woken may drop the handle through which this was called
  cancel_run run(on_clock);
  tell(run);
  run.tell_links();
  on_told();
  // Not before: an ancestor's cancel() finds the node, and waits for it (R2).
  if (cancellable_node* from = above()) from->state.delist(*this);
  run.settle();
  settle(on_clock);
}

void cancellable_node::on_cancel(cancel_run& run) noexcept {
  const cancellable_node& from = *above();
  if (mark(from.why_, std::exception_ptr(from.cause_))) return tell(run);
  wait_until_told();
}

void cancellable_node::settle(bool on_clock) noexcept {
  stop_tokens(on_clock);
  drop(this, on_clock);
}

void cancellable_node::wait_until_told() const noexcept {
  while (!told_.read()) yield_thread();
}

void cancellable_node::close_done() noexcept {
  if (done_closed_.read()) return;
  // Nobody makes one after the state was marked: see done().
  if (done_channel* channel = done_.read()) static_cast<void>(channel_close_once(channel));
  done_closed_.publish(true);
}

int cancellable_node::error() noexcept {
  if (!state.cancelled()) return 0;
  close_done();
  return static_cast<int>(why_);
}

std::exception_ptr cancellable_node::cause() {
  if (error() == 0) return nullptr;
  return cause_ ? cause_ : usual_cause(why_);
}

channel_core* cancellable_node::done() {
  channel_core* channel = done_.read();
  std::unique_ptr<done_channel> fresh;
  if (!channel && !state.cancelled()) fresh = std::make_unique<done_channel>(*this);
  if (fresh) {
    std::lock_guard guard(state.lock);
    if (!done_.read() && !state.cancelled()) done_.publish(fresh.release());
  }
  if (!channel) channel = done_.read();
  if (!channel) channel = closed_for_all();
  if (state.cancelled()) close_done();
  channel->retain();
  return channel;
}

bool cancellable_node::give_up() noexcept {
  done_channel* channel = done_.read();
  if (!channel) return true;
  bool last = false;
  swap_done_listener(&last);
  channel->release();
  swap_done_listener(nullptr);
  return last;
}

/// Nobody refers to the node, but its done channel may be held: then it begins a new life.
bool cancellable_node::revive() noexcept {
  // Order: none. The lock of the list or heap that led here orders it with the destruction.
  std::uint32_t seen = refs_.load(relaxed);
  while (seen != 0)
    // Order: none. See above.
    if (refs_.compare_exchange_weak(seen, seen + 1, relaxed)) return true;
  done_channel* channel = done_.read();
  if (!channel || !channel->try_retain()) return false;
  // Order: refs. acq_rel: what was done in the life before happens before the end of this one.
  if (refs_.fetch_add(1, acq_rel) != 0) channel->release();  // somebody else was faster (R3)
  return true;
}

std::stop_token cancellable_node::stop_token() {
  if (!stop_.read()) {
    auto fresh = std::make_unique<std::stop_source>();
    std::lock_guard guard(state.lock);
    if (!stop_.read()) stop_.publish(fresh.release());
  }
  // Whoever cancelled it may not have found the source.
  if (state.cancelled()) request_told_stop(*stop_.read());
  return stop_.read()->get_token();
}

/// What hangs on a token is user code: it may park, which nothing can on the clock's behalf.
void cancellable_node::stop_tokens(bool on_clock) noexcept {
  std::stop_source* source = stop_.read();
  if (!source) return;
  if (!on_clock) return request_told_stop(*source);
  try {
    start_closure({}, [copy = *source]() mutable { request_told_stop(copy); });
  } catch (...) {  // no memory for a goroutine: late is worse
    request_told_stop(*source);
  }
}

void cancellable_node::leave() noexcept {
  if (cancellable_node* from = above()) from->state.delist(*this);
  cancel_link* link = nullptr;
  // Safety: R4. A child would hold a reference.
  while (state.take_link(link)) static_cast<after_call*>(link)->move_to(above());
  delete done_.read();
  delete_told(stop_.read());
}

void cancellable_node::destroy() noexcept {
  leave();
  delete this;
}

context_node* context_make_cancellable(context_node* parent) {
  auto* made = new cancellable_node(require_parent(parent));
  made->attach();
  return made;
}

void context_cancel(context_node* node, std::exception_ptr cause) noexcept {
  node->cancels()->cancel(context_errc::canceled, std::move(cause), false);
}

cancel_state* context_cancel_state(context_node* node) noexcept {
  cancellable_node* c = node->cancels();
  return c ? &c->state : nullptr;
}
int context_error(context_node* node) noexcept {
  cancellable_node* c = node->cancels();
  return c ? c->error() : 0;
}
std::exception_ptr context_cause(context_node* node) {
  cancellable_node* c = node->cancels();
  return c ? c->cause() : nullptr;
}
deadline_ns context_deadline(context_node* node) noexcept {
  cancellable_node* c = node->cancels();
  return c ? c->deadline() : never_ns;
}
channel_core* context_done(context_node* node) {
  cancellable_node* c = node->cancels();
  return c ? c->done() : nullptr;
}
std::stop_token context_stop_token(context_node* node) {
  cancellable_node* c = node->cancels();
  return c ? c->stop_token() : std::stop_token();
}

}  // namespace weft::detail
