// Select: one of several channel operations, chosen while every channel is locked.
//
// As in Go: pass 1 looks for a case that is ready, in a random order; pass 2 enqueues on every
// channel and parks; pass 3 takes the losers out again. Channels are locked in address order, each
// once. The commit lets go of them from the other stack; a waiter that is woken before that is done
// waits in pass 3 for the locks, so the arrays on its stack outlive the commit.
// A cancellation is one more case: it is looked at in passes 1 and 2, and enlists like a channel.
// Locks: every channel of the select, in address order; then every cancel_state, likewise.
// Tested by: tests/conformance/select_test.cpp, tests/stress
#include <weft/detail/select_core.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>
#include <utility>

#include <weft/error.hpp>

#include "base/rng.hpp"
#include "port/clock.hpp"
#include "sched/scheduler.hpp"
#include "sync/channel.hpp"
#include "wait/cancel_state.hpp"

namespace weft::detail {
namespace {

constexpr std::size_t cases_max = 65'536;

/// Where a case waits. Most selects never wait, so none is constructed before it is needed.
union select_node {
  select_node() noexcept {}
  wait_node at_channel;
  cancel_node at_cancel;
};

/// What a select with N cases needs to remember while it waits.
struct scratch {
  std::uint16_t* poll_order;
  channel_core** locks;
  cancel_state** cancels;
  select_node* nodes;
};

class waiting_select {
 public:
  waiting_select(const select_request& request, scratch memory) noexcept
      : cases_(request.cases), request_(request), memory_(memory) {
    prepare_orders();
  }

  std::size_t run() {
    lock_all();
    waiter* woken = nullptr;
    const std::size_t ready_case = find_ready(woken);
    if (ready_case != none) {
      unlock_all();
      if (woken) ready(*woken);
      return settled(ready_case);
    }
    if (request_.has_default) return leave_with(select_default);
    if (request_.deadline != never_ns && request_.deadline <= now_ns()) {
      unlock_all();
      yield_turn();  // as for a receive with a bound that has passed
      return select_timeout;
    }
    if (cancel_count_ != 0) {
      const std::size_t cancelled = lock_cancels();
      if (cancelled != none) return leave_with(cancelled);
    }
    return wait();
  }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-3);

  void prepare_orders() noexcept {
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      const select_case& c = cases_[i];
      if (c.channel)
        memory_.locks[locked_++] = c.channel;
      else if (c.canceller)
        memory_.cancels[cancel_count_++] = c.canceller;
      else
        continue;  // a nil channel is never ready
      memory_.poll_order[polled_++] = static_cast<std::uint16_t>(i);
    }
    if (request_.order == choice::uniform) {
      rng& random = this_rng();
      for (std::size_t i = polled_; i > 1; --i)
        std::swap(memory_.poll_order[i - 1],
                  memory_.poll_order[random.below(static_cast<std::uint32_t>(i))]);
    }
    locked_ = sort_unique(memory_.locks, locked_);
    if (cancel_count_ != 0) cancel_count_ = sort_unique(memory_.cancels, cancel_count_);
  }

  template <class T>
  static std::size_t sort_unique(T** first, std::size_t count) noexcept {
    std::sort(first, first + count, std::less<>());
    return static_cast<std::size_t>(std::unique(first, first + count) - first);
  }

  void lock_all() noexcept {
    for (std::size_t i = 0; i < locked_; ++i) memory_.locks[i]->lock.lock();
  }
  void unlock_all() noexcept { unlock(memory_.locks, locked_); }
  template <class T>
  static void unlock(T* const* locks, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) locks[i]->lock.unlock();
  }
  /// Returns: a case that is cancelled, with nothing locked; or none, with all of them locked.
  std::size_t lock_cancels() noexcept {
    for (std::size_t i = 0; i < cancel_count_; ++i) memory_.cancels[i]->lock.lock();
    for (std::size_t i = 0; i < polled_; ++i) {
      const std::size_t index = memory_.poll_order[i];
      if (cases_[index].way != direction::cancel || !cases_[index].canceller->cancelled()) continue;
      unlock(memory_.cancels, cancel_count_);
      return index;
    }
    return none;
  }
  /// The waiter may be woken at once, but leaves pass 3 only after it has had every lock: until the
  /// last one is let go here, its arrays are there.
  static void commit_unlock(void* raw) {
    const auto& self = *static_cast<const waiting_select*>(raw);
    const scratch memory = self.memory_;
    const std::size_t locked = self.locked_;
    unlock(memory.cancels, self.cancel_count_);
    unlock(memory.locks, locked);
  }

  std::size_t leave_with(std::size_t answer) noexcept {
    unlock_all();
    return answer;
  }

  std::size_t find_ready(waiter*& woken) noexcept {
    for (std::size_t i = 0; i < polled_; ++i) {
      const std::size_t index = memory_.poll_order[i];
      select_case& c = cases_[index];
      if (c.way == direction::cancel) {
        if (c.canceller->cancelled()) return index;
        continue;
      }
      const bool receives = c.way == direction::receive;
      const attempt outcome = receives ? c.channel->recv_locked(c.element, woken)
                                       : c.channel->send_locked(c.element, woken);
      if (outcome == attempt::blocked) continue;
      c.received = receives && outcome == attempt::done;
      sent_on_closed_ = !receives && outcome == attempt::closed;
      return index;
    }
    return none;
  }

  wait_queue& queue_of(const select_case& c) noexcept {
    return c.way == direction::receive ? c.channel->receivers : c.channel->senders;
  }

  void enlist(std::size_t index, waiter& self) noexcept {
    const select_case& c = cases_[index];
    if (c.way == direction::cancel) {
      cancel_node& node = *::new (&memory_.nodes[index].at_cancel) cancel_node;
      node.who = &self;
      node.claim = &claim_;
      node.index = static_cast<std::uint32_t>(index);
      c.canceller->enlist_locked(node);
      return;
    }
    wait_node& node = *::new (&memory_.nodes[index].at_channel) wait_node;
    node.who = &self;
    node.claim = &claim_;
    node.index = static_cast<std::uint32_t>(index);
    node.element = c.element;
    queue_of(c).push_locked(node);
  }

  void delist_all() noexcept {
    lock_all();
    for (std::size_t i = 0; i < polled_; ++i) {
      const std::size_t index = memory_.poll_order[i];
      const select_case& c = cases_[index];
      if (c.way != direction::cancel)
        queue_of(c).remove_locked(memory_.nodes[index].at_channel);
      else
        c.canceller->delist(memory_.nodes[index].at_cancel);
    }
    unlock_all();
  }

  std::size_t wait() {
    waiter& self = this_waiter();
    for (std::size_t i = 0; i < polled_; ++i) enlist(memory_.poll_order[i], self);
    const wait_reason reason = polled_ == 0 && request_.deadline == never_ns
                                   ? wait_reason::select_no_cases
                                   : wait_reason::select;
    // Without a lock to hold it, the waiter may be gone before the commit.
    const commit then = polled_ == 0 ? commit{} : commit{commit_unlock, this};
    park_until(reason, then, request_.deadline, claim_);
    delist_all();
    const std::uint32_t winner = claim_.winner();
    if (winner == timed_wake::claimed_by_timer) return select_timeout;
    select_case& won = cases_[winner];
    if (won.way == direction::cancel) return winner;
    const bool served = memory_.nodes[winner].at_channel.served;
    won.received = won.way == direction::receive && served;
    sent_on_closed_ = won.way == direction::send && !served;
    return settled(winner);
  }

  std::size_t settled(std::size_t index) const {
    if (sent_on_closed_) throw closed_channel("send on closed channel");
    return index;
  }

  const std::span<select_case> cases_;
  const select_request& request_;
  const scratch memory_;
  std::size_t polled_ = 0;
  std::size_t locked_ = 0;
  std::size_t cancel_count_ = 0;
  bool sent_on_closed_ = false;
  wait_claim claim_;
};

template <std::size_t Count>
std::size_t select_small(const select_request& request) {
  std::array<std::uint16_t, Count> poll_order;
  std::array<channel_core*, Count> locks;
  std::array<cancel_state*, Count> cancels;
  std::array<select_node, Count> nodes;
  return waiting_select(request, {poll_order.data(), locks.data(), cancels.data(), nodes.data()})
      .run();
}

std::size_t select_large(const select_request& request) {
  const std::size_t count = request.cases.size();
  const auto poll_order = std::make_unique<std::uint16_t[]>(count);
  const auto locks = std::make_unique<channel_core*[]>(count);
  const auto cancels = std::make_unique<cancel_state*[]>(count);
  const auto nodes = std::make_unique<select_node[]>(count);
  return waiting_select(request, {poll_order.get(), locks.get(), cancels.get(), nodes.get()}).run();
}

}  // namespace

std::size_t select_wait(const select_request& request) {
  const std::size_t count = request.cases.size();
  if (count > cases_max) throw std::length_error("select: too many cases (max 65536)");
  if (count <= 4) return select_small<4>(request);
  if (count <= 16) return select_small<16>(request);
  return select_large(request);
}

}  // namespace weft::detail
