// Select: one of several channel operations.
//
// Before anything is locked, a look at all cases: of those that seem ready one is drawn, and tried
// under its own lock. What a look says without a lock is a hint: if nothing seems ready, or the one
// drawn is not, all is done as in Go. Pass 1 locks every channel and draws one of the cases that
// are ready; pass 2 enqueues on every channel and parks; pass 3 takes the losers out again. So
// "none is ready" is true at one instant. Only the first lock may be waited for; if another is
// busy, all are let go and taken in address order. The commit lets go of them from the other stack;
// the arrays it reads live on the waiter's stack (see commit_unlock).
// A cancellation is one more case: it is looked at in passes 1 and 2, and enlists like a channel.
// A channel that grows is given room with nothing locked, and everything is looked at again.
// Locks: every channel of the select, tried or in address order; then every cancel_state, in
//        address order.
// Tested by: tests/conformance/select_test.cpp, tests/stress
#include <weft/detail/select_core.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <mutex>
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
  std::uint16_t* candidates;
  channel_core** locks;
  cancel_state** cancels;
  select_node* nodes;
};

/// A case that is never ready.
bool is_nil(const select_case& c) noexcept { return !c.channel && !c.canceller; }

/// Exactly, with the channel's lock held; else a hint.
[[gnu::always_inline]] inline bool looks_ready(const select_case& c) noexcept {
  if (c.way == direction::cancel) return c.canceller && c.canceller->cancelled();
  if (!c.channel) return false;
  return c.way == direction::receive ? c.channel->looks_receivable() : c.channel->looks_sendable();
}

/// Tries a channel's case under its lock. `received` is set as it will stand if it proceeds.
[[gnu::always_inline]] inline attempt try_locked_case(select_case& c, waiter*& woken) noexcept {
  const bool receives = c.way == direction::receive;
  const attempt outcome = receives ? c.channel->recv_locked(c.element, woken)
                                   : c.channel->send_locked(c.element, woken);
  c.received = receives && outcome != attempt::closed;
  return outcome;
}

std::size_t settled(std::size_t index, bool sent_on_closed) {
  if (sent_on_closed) [[unlikely]]
    throw closed_channel("send on closed channel");
  return index;
}

class waiting_select {
 public:
  waiting_select(const select_request& request, scratch memory) noexcept
      : cases_(request.cases), request_(request), memory_(memory) {}

  std::size_t run() {
    waiter* woken = nullptr;
    std::size_t ready_case = lock_and_poll(woken);
    if (ready_case == busy) {
      lock_in_order();
      ready_case = poll_locked(woken);
    }
    while (ready_case == none && lacks_room_) [[unlikely]] {
      unlock_all();
      std::exchange(lacks_room_, nullptr)->make_room();
      lock_in_order();
      ready_case = poll_locked(woken);
    }
    if (ready_case != none) {
      unlock_all();
      if (woken) ready(*woken);
      if (unsettled_) [[unlikely]]
        unsettled_->settle();
      return settled(ready_case, sent_on_closed_);
    }
    if (request_.has_default) return leave_with(select_default);
    if (request_.deadline != never_ns && request_.deadline <= now_ns()) {
      unlock_all();
      yield_turn();  // as for a receive with a bound that has passed
      return select_timeout;
    }
    const std::size_t cancelled = lock_cancels();
    return cancelled == none ? wait() : leave_with(cancelled);
  }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-3);
  static constexpr std::size_t busy = static_cast<std::size_t>(-4);
  static constexpr std::size_t linear_max = 16;

  bool holds(const channel_core* c) const noexcept {
    return std::find(memory_.locks, memory_.locks + locked_, c) != memory_.locks + locked_;
  }

  /// Returns: whether it is held now.
  bool lock_next(channel_core& c) noexcept {
    if (locked_ == 0)
      c.lock.lock();
    else if (!c.lock.try_lock())
      return holds(&c);  // it may stand in two cases
    memory_.locks[locked_++] = &c;
    return true;
  }

  /// Returns: a case that proceeded; none, with everything locked; or busy, with nothing.
  std::size_t lock_and_poll(waiter*& woken) noexcept {
    if (cases_.size() > linear_max) return busy;
    const bool in_order = request_.order == choice::in_order;
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      if (channel_core* c = cases_[i].channel; c && !lock_next(*c)) {
        unlock_all();
        return busy;
      }
      if (in_order && looks_ready(cases_[i]) && proceeds(i, woken)) return i;
    }
    return in_order ? none : poll_locked(woken);
  }

  void lock_in_order() noexcept {
    locked_ = 0;
    for (const select_case& c : cases_)
      if (c.channel) memory_.locks[locked_++] = c.channel;
    locked_ = sort_unique(memory_.locks, locked_);
    for (std::size_t i = 0; i < locked_; ++i) {
      spin_lock& lock = memory_.locks[i]->lock;
      i == 0 ? lock.lock() : lock.lock_beside();
    }
  }

  /// Under the locks what looks ready is, but for special channels, which may still refuse.
  std::size_t poll_locked(waiter*& woken) noexcept {
    std::uint16_t* const first = memory_.candidates;
    std::uint16_t* last = first;
    for (std::size_t i = 0; i < cases_.size(); ++i)
      if (looks_ready(cases_[i])) *last++ = static_cast<std::uint16_t>(i);
    for (std::uint16_t* next = first; next != last; ++next) {
      if (request_.order == choice::uniform)
        std::swap(*next, next[this_rng().below(static_cast<std::uint32_t>(last - next))]);
      if (proceeds(*next, woken)) return *next;
    }
    return none;
  }

  template <class T>
  static std::size_t sort_unique(T** first, std::size_t count) noexcept {
    std::sort(first, first + count, std::less<>());
    return static_cast<std::size_t>(std::unique(first, first + count) - first);
  }

  void unlock_all() noexcept { unlock(memory_.locks, locked_); }
  template <class T>
  static void unlock(T* const* locks, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) locks[i]->lock.unlock();
  }
  /// Returns: a case that is cancelled, with nothing locked; or none, with all of them locked.
  std::size_t lock_cancels() noexcept {
    for (const select_case& c : cases_)
      if (c.canceller) memory_.cancels[cancel_count_++] = c.canceller;
    if (cancel_count_ == 0) return none;
    cancel_count_ = sort_unique(memory_.cancels, cancel_count_);
    for (std::size_t i = 0; i < cancel_count_; ++i) memory_.cancels[i]->lock.lock_beside();
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      if (!cases_[i].canceller || !cases_[i].canceller->cancelled()) continue;
      unlock(memory_.cancels, cancel_count_);
      return i;
    }
    return none;
  }
  /// The waiter may be woken at once, but leaves pass 3 only after it, or who woke it, has had
  /// every lock: until the last one is let go here, its arrays are there.
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

  /// Tries one case that looks ready under its lock.
  [[gnu::noinline]] bool proceeds(std::size_t index, waiter*& woken) noexcept {
    select_case& c = cases_[index];
    if (c.way == direction::cancel) return true;
    const attempt outcome = try_locked_case(c, woken);
    if (outcome == attempt::blocked) return false;
    if (outcome == attempt::no_room) {
      lacks_room_ = c.channel;
      return false;
    }
    if (outcome == attempt::done_more) unsettled_ = c.channel;
    sent_on_closed_ = c.way == direction::send && outcome == attempt::closed;
    return true;
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

  /// The winner's node was taken out by who woke us.
  void delist_losers(std::uint32_t winner) noexcept {
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      const select_case& c = cases_[i];
      if (i == winner || is_nil(c)) continue;
      if (c.way == direction::cancel) {
        c.canceller->delist(memory_.nodes[i].at_cancel);
        continue;
      }
      std::lock_guard guard(c.channel->lock);
      queue_of(c).remove_locked(memory_.nodes[i].at_channel);
    }
  }

  std::size_t wait() {
    waiter& self = this_waiter();
    for (std::size_t i = 0; i < cases_.size(); ++i)
      if (!is_nil(cases_[i])) enlist(i, self);
    const bool all_nil = locked_ + cancel_count_ == 0;
    const wait_reason reason = all_nil && request_.deadline == never_ns
                                   ? wait_reason::select_no_cases
                                   : wait_reason::select;
    // Without a lock to hold it, the waiter may be gone before the commit.
    const commit then = all_nil ? commit{} : commit{commit_unlock, this};
    wait_cause cause{reason, &request_};
    cause.bounded = cancel_count_ > 0;
    park_until(cause, then, request_.deadline, claim_);
    const std::uint32_t winner = claim_.winner();
    delist_losers(winner);
    if (winner == timed_wake::claimed_by_timer) return select_timeout;
    select_case& won = cases_[winner];
    if (won.way == direction::cancel) return winner;
    const bool served = memory_.nodes[winner].at_channel.served;
    won.received = won.way == direction::receive && served;
    sent_on_closed_ = won.way == direction::send && !served;
    return settled(winner, sent_on_closed_);
  }

  const std::span<select_case> cases_;
  const select_request& request_;
  const scratch memory_;
  channel_core* lacks_room_ = nullptr;  // what only channels of another kind ask for
  channel_core* unsettled_ = nullptr;
  std::size_t locked_ = 0;
  std::size_t cancel_count_ = 0;
  bool sent_on_closed_ = false;
  wait_claim claim_;
};

template <std::size_t Count>
std::size_t select_small(const select_request& request) {
  std::array<std::uint16_t, Count> candidates;
  std::array<channel_core*, Count> locks;
  std::array<cancel_state*, Count> cancels;
  std::array<select_node, Count> nodes;
  return waiting_select(request, {candidates.data(), locks.data(), cancels.data(), nodes.data()})
      .run();
}

std::size_t select_large(const select_request& request) {
  const std::size_t count = request.cases.size();
  const auto candidates = std::make_unique<std::uint16_t[]>(count);
  const auto locks = std::make_unique<channel_core*[]>(count);
  const auto nodes = std::make_unique<select_node[]>(count);
  const bool cancellable = std::any_of(request.cases.begin(), request.cases.end(),
                                       [](const select_case& c) { return c.canceller != nullptr; });
  std::unique_ptr<cancel_state*[]> cancels;
  if (cancellable) cancels = std::make_unique<cancel_state*[]>(count);
  return waiting_select(request, {candidates.get(), locks.get(), cancels.get(), nodes.get()}).run();
}

constexpr std::size_t looked_at_max = 64;
constexpr std::size_t nothing_ready = static_cast<std::size_t>(-3);

/// One of the numbers of the bits that are set, each as likely as the others.
std::size_t draw_bit(std::uint64_t bits) noexcept {
  if ((bits & (bits - 1)) != 0) {
    auto skipped = this_rng().below(static_cast<std::uint32_t>(std::popcount(bits)));
    for (; skipped > 0; --skipped) bits &= bits - 1;
  }
  return static_cast<std::size_t>(std::countr_zero(bits));
}

/// Returns: a case that proceeded; nothing_ready if none seemed so, or if the one drawn was not.
[[gnu::noinline]] std::size_t select_at_once(const std::span<select_case> cases) {
  std::uint64_t ready_cases = 0;
  for (std::size_t i = cases.size(); i-- > 0;)
    ready_cases = ready_cases << 1 | std::uint64_t{looks_ready(cases[i])};
  if (ready_cases == 0) return nothing_ready;
  const std::size_t index = draw_bit(ready_cases);
  select_case& c = cases[index];
  if (c.way == direction::cancel) return index;
  waiter* woken = nullptr;
  c.channel->lock.lock();
  const attempt outcome = try_locked_case(c, woken);
  c.channel->lock.unlock();
  if (outcome == attempt::blocked || outcome == attempt::no_room) return nothing_ready;
  if (woken) ready(*woken);
  if (outcome == attempt::done_more) [[unlikely]]
    c.channel->settle();
  return settled(index, c.way == direction::send && outcome == attempt::closed);
}

[[gnu::noinline]] std::size_t select_under_locks(const select_request& request) {
  const std::size_t count = request.cases.size();
  if (count > cases_max) throw std::length_error("select: too many cases (max 65536)");
  if (count <= 4) return select_small<4>(request);
  if (count <= 16) return select_small<16>(request);
  return select_large(request);
}

/// Go's `select { case v := <-c: ... default: ... }`: who polls takes no lock from others.
bool would_block_alone(const select_request& request) noexcept {
  if (request.cases.size() != 1 || !request.has_default) return false;
  const select_case& c = request.cases.front();
  if (c.way == direction::cancel || !c.channel) return is_nil(c);
  return c.way == direction::receive ? c.channel->would_block_receive()
                                     : c.channel->would_block_send();
}

}  // namespace

std::size_t select_wait(const select_request& request) {
  if (would_block_alone(request)) return select_default;
  // In order, "the first that is ready" holds only while all that come before it are locked.
  if (request.order == choice::uniform && request.cases.size() <= looked_at_max) {
    const std::size_t chosen = select_at_once(request.cases);
    if (chosen != nothing_ready) return chosen;
  }
  return select_under_locks(request);
}

}  // namespace weft::detail
