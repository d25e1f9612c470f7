// Telling everyone who waits for a cancellation, and std::stop_token as one who cancels.
#include "wait/cancel_state.hpp"

#include <mutex>
#include <new>
#include <stop_token>

#include <weft/cancellation.hpp>

#include "port/thread.hpp"
#include "sched/scheduler.hpp"

namespace weft::detail {

bool cancel_state::cancel() noexcept {
  if (!mark_cancelled([] {})) return false;
  cancel_run run(false);
  run.tell(*this);
  run.tell_links();
  run.settle();
  return true;
}

bool cancel_state::take_batch(wake_list& woken,
                              intrusive_queue<cancel_link, &cancel_link::next_>& links) noexcept {
  std::lock_guard guard(lock);
  for (int i = 0; i < batch_max; ++i) {
    cancel_node* node = waits_.pop_front();
    if (!node) break;
    node->queued = false;
    if (node->claim->try_claim(node->index)) woken.push_back(node->who);
  }
  for (int i = 0; i < batch_max; ++i) {
    cancel_link* link = links_.pop_front();
    if (!link) break;
    link->queued_ = false;
    if (link->try_retain()) links.push_back(link);
  }
  return !waits_.empty() || !links_.empty();
}

void cancel_run::tell(cancel_state& state) noexcept {
  for (bool more = true; more;) {
    wake_list woken;
    more = state.take_batch(woken, links_);
    ready(woken);
  }
}

void cancel_run::tell_links() noexcept {
  for (cancel_link* link = links_.front(); link; link = link->next_) link->on_cancel(*this);
  for (cancel_link* link = links_.front(); link; link = link->next_) link->on_told();
}

void cancel_run::settle() noexcept {
  while (cancel_link* link = links_.pop_front()) link->settle(on_clock_);
}

void cancel_state::delist(cancel_node& node) noexcept {
  std::lock_guard guard(lock);
  if (!node.queued) return;
  node.queued = false;
  waits_.remove(&node);
}

bool cancel_state::enlist(cancel_link& link) noexcept {
  std::lock_guard guard(lock);
  if (cancelled_.read()) return false;
  link.queued_ = true;
  links_.push_back(&link);
  return true;
}

bool cancel_state::delist(cancel_link& link) noexcept {
  std::lock_guard guard(lock);
  if (!link.queued_) return false;
  link.queued_ = false;
  links_.remove(&link);
  return true;
}

bool cancel_state::take_link(cancel_link*& link) noexcept {
  for (;;) {
    {
      std::lock_guard guard(lock);
      link = links_.front();
      if (!link) return false;
      if (link->try_retain()) {
        link->queued_ = false;
        links_.pop_front();
        return true;
      }
    }
    yield_thread();
  }
}

bool is_cancelled(const cancel_state* state) noexcept { return state->cancelled(); }

namespace {

struct cancel_it {
  cancel_state* state;
  void operator()() const noexcept { state->cancel(); }
};

/// The callback goes first: when it is gone, nobody cancels the state any more.
struct bridged_stop {
  explicit bridged_stop(const std::stop_token& token) : callback(token, cancel_it{&state}) {}
  cancel_state state;
  std::stop_callback<cancel_it> callback;
};

bridged_stop& stop_in(std::byte* room) noexcept {
  // Safety: the bridge's constructor constructed it there.
  return *std::launder(reinterpret_cast<bridged_stop*>(room));
}

}  // namespace

stop_bridge::stop_bridge(const std::stop_token& token) {
  static_assert(sizeof(bridged_stop) <= room_bytes);
  static_assert(alignof(bridged_stop) <= alignof(std::max_align_t));
  ::new (static_cast<void*>(room_)) bridged_stop(token);
}
stop_bridge::~stop_bridge() { stop_in(room_).~bridged_stop(); }
cancel_state* stop_bridge::state() noexcept { return &stop_in(room_).state; }

}  // namespace weft::detail
