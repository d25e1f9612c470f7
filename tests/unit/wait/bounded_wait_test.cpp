// A wait ends by its waker, its deadline or its cancellation: by one of them, and leaves no trace.
#include "wait/bounded_wait.hpp"

#include <array>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include "port/clock.hpp"
#include "unit_support.hpp"
#include "wait/wait_queue.hpp"

namespace {

using namespace std::chrono_literals;
using weft::detail::atomic;
using weft::detail::cancel_state;
using weft::detail::cancelled_before;
using weft::detail::deadline_ns;
using weft::detail::is_over;
using weft::detail::never_ns;
using weft::detail::now_ns;
using weft::detail::park_bounded;
using weft::detail::ready;
using weft::detail::spin_lock;
using weft::detail::this_waiter;
using weft::detail::wait_bound;
using weft::detail::wait_claim;
using weft::detail::wait_node;
using weft::detail::wait_outcome;
using weft::detail::wait_queue;
using weft::detail::wait_reason;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::scaled;

using bounded_wait = weft_test::fixture;

deadline_ns in(std::chrono::nanoseconds d) { return now_ns() + d.count(); }

/// The least that can be waited on: tickets that were given, and who waits for one.
class turnstile {
 public:
  wait_outcome pass(const wait_bound& bound) {
    wait_node node;
    wait_claim claim;
    node.who = &this_waiter();
    if (!bound.unbounded()) node.claim = &claim;
    lock_.lock();
    if (tickets_ > 0) {
      --tickets_;
      lock_.unlock();
      return wait_outcome::woken;
    }
    queue_.push_locked(node);
    ++waiting;
    const wait_outcome outcome = park_bounded(wait_reason::event, {let_go, this}, bound, claim);
    if (outcome != wait_outcome::woken) {
      std::lock_guard guard(lock_);
      queue_.remove_locked(node);
    }
    --waiting;
    return outcome;
  }

  void give_ticket() {
    lock_.lock();
    wait_node* node = queue_.pop_claimed_locked();
    weft::detail::waiter* who = node ? node->who : nullptr;
    if (!node) ++tickets_;
    lock_.unlock();
    if (who) ready(*who);
  }

  int left() {
    std::lock_guard guard(lock_);
    return tickets_;
  }
  bool nobody_waits() {
    std::lock_guard guard(lock_);
    return queue_.empty();
  }

  atomic<int> waiting{0};
  atomic<int> commits{0};

 private:
  static void let_go(void* raw) {
    auto& self = *static_cast<turnstile*>(raw);
    ++self.commits;
    self.lock_.unlock();
  }

  spin_lock lock_;
  wait_queue queue_;
  int tickets_ = 0;
};

TEST_F(bounded_wait, is_over_by_its_deadline_or_its_cancellation) {
  wait_outcome outcome = wait_outcome::woken;
  cancel_state state;
  EXPECT_FALSE(is_over({}, outcome));
  EXPECT_FALSE(is_over({.cancel = &state}, outcome));
  EXPECT_FALSE(is_over({.deadline = in(1h), .cancel = &state}, outcome));
  EXPECT_EQ(outcome, wait_outcome::woken);
  EXPECT_TRUE(is_over({.deadline = in(-1ns)}, outcome));
  EXPECT_EQ(outcome, wait_outcome::timeout);
  state.cancel();
  EXPECT_TRUE(is_over({.deadline = in(-1ns), .cancel = &state}, outcome));
  EXPECT_EQ(outcome, wait_outcome::cancelled);
  EXPECT_TRUE(cancelled_before({.cancel = &state}));
  EXPECT_FALSE(cancelled_before({.deadline = in(-1ns)}));
}

TEST_F(bounded_wait, without_a_bound_ends_by_its_waker) {
  everywhere([] {
    turnstile t;
    weft::wait_group wg;
    wg.go([&] { EXPECT_EQ(t.pass({}), wait_outcome::woken); });
    ASSERT_TRUE(eventually([&] { return t.commits == 1; }));
    t.give_ticket();
    wg.wait();
    EXPECT_EQ(t.left(), 0);
  });
}

TEST_F(bounded_wait, ends_by_each_of_the_three) {
  everywhere([] {
    cancel_state state;
    turnstile t;
    EXPECT_EQ(t.pass({in(1ms), &state}), wait_outcome::timeout);
    EXPECT_EQ(t.commits, 1);
    EXPECT_TRUE(t.nobody_waits());

    weft::go([&] { t.give_ticket(); });
    EXPECT_EQ(t.pass({in(1h), &state}), wait_outcome::woken);

    weft::wait_group wg;
    wg.go([&] {
      ASSERT_TRUE(eventually([&] { return t.waiting == 1; }));
      state.cancel();
    });
    EXPECT_EQ(t.pass({in(1h), &state}), wait_outcome::cancelled);
    EXPECT_TRUE(t.nobody_waits());
    wg.wait();
  });
}

TEST_F(bounded_wait, that_was_cancelled_before_lets_go_of_the_lock_and_does_not_sleep) {
  everywhere([] {
    cancel_state state;
    state.cancel();
    turnstile t;
    EXPECT_EQ(t.pass({.cancel = &state}), wait_outcome::cancelled);
    EXPECT_EQ(t.pass({in(1h), &state}), wait_outcome::cancelled);
    EXPECT_EQ(t.commits, 2);
    EXPECT_TRUE(t.nobody_waits());
  });
}

TEST_F(bounded_wait, whose_deadline_has_passed_ends_by_it) {
  everywhere([] {
    cancel_state state;
    turnstile t;
    EXPECT_EQ(t.pass({in(-1h), &state}), wait_outcome::timeout);
    EXPECT_EQ(t.pass({in(-1h), nullptr}), wait_outcome::timeout);
    EXPECT_EQ(t.commits, 2);
    EXPECT_TRUE(t.nobody_waits());
  });
}

/// After it returned, cancelling must not reach into a stack frame that is gone.
TEST_F(bounded_wait, is_forgotten_by_its_state_when_it_is_over) {
  everywhere([] {
    for (int round = 0; round < scaled(200); ++round) {
      cancel_state state;
      turnstile t;
      weft::go([&] { t.give_ticket(); });
      EXPECT_EQ(t.pass({in(1h), &state}), wait_outcome::woken);
      EXPECT_EQ(t.pass({in(0s), &state}), wait_outcome::timeout);
      EXPECT_TRUE(state.cancel());
    }
  });
}

TEST_F(bounded_wait, all_waits_of_one_state_are_cancelled) {
  static constexpr int crowd = 300;  // several turns under the lock
  everywhere([] {
    cancel_state state;
    turnstile t;
    atomic<int> cancelled{0};
    weft::wait_group wg;
    for (int i = 0; i < crowd; ++i)
      wg.go([&] {
        if (t.pass({.cancel = &state}) == wait_outcome::cancelled) ++cancelled;
      });
    ASSERT_TRUE(eventually([&] { return t.waiting == crowd; }));
    state.cancel();
    wg.wait();
    EXPECT_EQ(cancelled, crowd);
    EXPECT_TRUE(t.nobody_waits());
  });
}

struct tally {
  atomic<int> woken{0};
  atomic<int> timeout{0};
  atomic<int> cancelled{0};

  void count(wait_outcome outcome) {
    switch (outcome) {
      case wait_outcome::woken:
        ++woken;
        break;
      case wait_outcome::timeout:
        ++timeout;
        break;
      case wait_outcome::cancelled:
        ++cancelled;
        break;
    }
  }
  int all() const { return woken + timeout + cancelled; }
};

/// Tickets, a deadline and a cancellation, all at once: every ticket lets exactly one pass or is
/// still there.
TEST_F(bounded_wait, races_lose_no_ticket) {
  constexpr int waiters = 8;
  tally overall;
  everywhere([&] {
    for (int round = 0; round < scaled(400); ++round) {
      cancel_state state;
      turnstile t;
      tally result;
      const deadline_ns deadline = in(std::chrono::microseconds(round % 40));
      weft::wait_group wg;
      for (int i = 0; i < waiters; ++i)
        wg.go([&, i] { result.count(t.pass({i % 2 == 0 ? deadline : never_ns, &state})); });
      wg.go([&] {
        for (int i = 0; i < waiters / 2; ++i) t.give_ticket();
      });
      wg.go([&] {
        for (int i = 0; i < round % 7; ++i) weft::yield();
        state.cancel();
      });
      wg.wait();
      EXPECT_EQ(result.all(), waiters);
      EXPECT_EQ(result.woken + t.left(), waiters / 2);
      EXPECT_TRUE(t.nobody_waits());
      overall.woken += result.woken.load();
      overall.timeout += result.timeout.load();
      overall.cancelled += result.cancelled.load();
    }
  });
  EXPECT_GT(overall.woken, 0);
  EXPECT_GT(overall.cancelled, 0);
}

TEST_F(bounded_wait, races_of_plain_threads_lose_no_ticket) {
  constexpr int waiters = 4;
  for (int round = 0; round < scaled(200); ++round) {
    cancel_state state;
    turnstile t;
    tally result;
    unit::on_threads(waiters + 2, [&](int self) {
      if (self < waiters) return result.count(t.pass({in(20us * self), &state}));
      if (self == waiters) return t.give_ticket();
      state.cancel();
    });
    EXPECT_EQ(result.all(), waiters);
    EXPECT_EQ(result.woken + t.left(), 1);
    EXPECT_TRUE(t.nobody_waits());
  }
}

}  // namespace
