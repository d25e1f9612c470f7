// Select: one of several channel operations, chosen while every channel is locked.
//
// As in Go: pass 1 looks for a case that is ready, in a random order; pass 2 enqueues on every
// channel and parks; pass 3 takes the losers out again. Channels are locked in address order, each
// once. The commit lets go of them from the other stack; a waiter that is woken before that is done
// waits in pass 3 for the locks, so the arrays on its stack outlive the commit.
// Locks: every channel of the select, in address order.
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

namespace weft::detail {
namespace {

constexpr std::size_t cases_max = 65'536;

/// What a select with N cases needs to remember while it waits.
struct scratch {
  std::uint16_t* poll_order;
  channel_core** locks;
  wait_node* nodes;
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
    return wait();
  }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-3);

  void prepare_orders() noexcept {
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      if (!cases_[i].channel) continue;  // a nil channel is never ready
      memory_.poll_order[polled_] = static_cast<std::uint16_t>(i);
      memory_.locks[polled_++] = cases_[i].channel;
    }
    if (request_.order == choice::uniform) {
      rng& random = this_rng();
      for (std::size_t i = polled_; i > 1; --i)
        std::swap(memory_.poll_order[i - 1],
                  memory_.poll_order[random.below(static_cast<std::uint32_t>(i))]);
    }
    std::sort(memory_.locks, memory_.locks + polled_, std::less<>());
    locked_ = static_cast<std::size_t>(std::unique(memory_.locks, memory_.locks + polled_) -
                                       memory_.locks);
  }

  void lock_all() noexcept {
    for (std::size_t i = 0; i < locked_; ++i) memory_.locks[i]->lock.lock();
  }
  void unlock_all() noexcept { unlock(memory_.locks, locked_); }
  static void unlock(channel_core* const* locks, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) locks[i]->lock.unlock();
  }
  static void commit_unlock(void* raw) {
    const auto& self = *static_cast<const waiting_select*>(raw);
    unlock(self.memory_.locks, self.locked_);  // the arguments are copies
  }

  std::size_t leave_with(std::size_t answer) noexcept {
    unlock_all();
    return answer;
  }

  std::size_t find_ready(waiter*& woken) noexcept {
    for (std::size_t i = 0; i < polled_; ++i) {
      const std::size_t index = memory_.poll_order[i];
      select_case& c = cases_[index];
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

  std::size_t wait() {
    waiter& self = this_waiter();
    for (std::size_t i = 0; i < polled_; ++i) {
      const std::uint16_t index = memory_.poll_order[i];
      wait_node& node = *::new (&memory_.nodes[index]) wait_node;
      node.who = &self;
      node.claim = &claim_;
      node.index = index;
      node.element = cases_[index].element;
      queue_of(cases_[index]).push_locked(node);
    }
    const wait_reason reason =
        polled_ == 0 && request_.deadline == never_ns ? wait_reason::select_no_cases
                                                      : wait_reason::select;
    // Without a lock to hold it, the waiter may be gone before the commit.
    const commit then = locked_ == 0 ? commit{} : commit{commit_unlock, this};
    park_until(reason, then, request_.deadline, claim_);
    lock_all();
    for (std::size_t i = 0; i < polled_; ++i) {
      const std::uint16_t index = memory_.poll_order[i];
      queue_of(cases_[index]).remove_locked(memory_.nodes[index]);
    }
    unlock_all();
    const std::uint32_t winner = claim_.winner();
    if (winner == timed_wake::claimed_by_timer) return select_timeout;
    select_case& won = cases_[winner];
    const bool served = memory_.nodes[winner].served;
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
  bool sent_on_closed_ = false;
  wait_claim claim_;
};

/// Raw room for nodes: most selects never wait, so none is constructed before it is needed.
union node_room {
  node_room() noexcept {}
  wait_node node;
};
static_assert(sizeof(node_room) == sizeof(wait_node));

template <std::size_t Count>
std::size_t select_small(const select_request& request) {
  std::array<std::uint16_t, Count> poll_order;
  std::array<channel_core*, Count> locks;
  std::array<node_room, Count> nodes;
  return waiting_select(request, {poll_order.data(), locks.data(), &nodes[0].node}).run();
}

std::size_t select_large(const select_request& request) {
  const std::size_t count = request.cases.size();
  const auto poll_order = std::make_unique<std::uint16_t[]>(count);
  const auto locks = std::make_unique<channel_core*[]>(count);
  const auto nodes = std::make_unique<wait_node[]>(count);
  return waiting_select(request, {poll_order.get(), locks.get(), nodes.get()}).run();
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
