// The waist: park, ready, their commits and claims, on goroutines and on plain threads.
#include <array>
#include <cstddef>
#include <vector>

#include "fiber/goroutine.hpp"
#include "port/clock.hpp"
#include "sched/runtime.hpp"
#include "sched/scheduler.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::atomic;
using weft::detail::commit;
using weft::detail::goroutine;
using weft::detail::goroutine_state;
using weft::detail::never_ns;
using weft::detail::now_ns;
using weft::detail::park;
using weft::detail::park_until;
using weft::detail::ready;
using weft::detail::this_waiter;
using weft::detail::timed_wake;
using weft::detail::wait_claim;
using weft::detail::wait_reason;
using weft::detail::waiter;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::scaled;

using scheduler = weft_test::fixture;

/// Where a waiter becomes visible to its waker: the least that a primitive does.
struct meeting {
  atomic<waiter*> who{nullptr};

  static void publish(void* raw) {
    auto& self = *static_cast<meeting*>(raw);
    self.who.store(self.parking);
  }
  void wait(wait_reason reason) {
    parking = &this_waiter();
    park(reason, {publish, this});
  }
  waiter& take() {
    waiter* found = nullptr;
    EXPECT_TRUE(eventually([&] { return (found = who.exchange(nullptr)) != nullptr; }));
    return *found;
  }

  waiter* parking = nullptr;
};

TEST_F(scheduler, whoever_parks_goes_on_when_it_is_made_ready) {
  everywhere([] {
    meeting m;
    weft::go([&] {
      for (int i = 0; i < 200; ++i) ready(m.take());
    });
    for (int i = 0; i < 200; ++i) m.wait(wait_reason::sleep);
  });
}

TEST_F(scheduler, a_thread_may_be_made_ready_by_a_thread_without_any_goroutine) {
  meeting m;
  std::thread other([&] { ready(m.take()); });
  m.wait(wait_reason::sleep);
  other.join();
}

/// W1: the commit runs when the goroutine has left its stack.
TEST_F(scheduler, the_commit_runs_on_another_stack) {
  weft_test::on_goroutine([] {
    struct look {
      goroutine& parking;
      meeting m;
      bool on_its_stack = true;

      static void commit(void* raw) {
        auto& self = *static_cast<look*>(raw);
        const auto* frame = static_cast<const std::byte*>(__builtin_frame_address(0));
        const std::byte* low = self.parking.memory.low();
        self.on_its_stack =
            low <= frame && frame < low + weft::detail::stack_class_bytes(self.parking.size);
        self.m.who.store(&self.parking);
      }
    };
    look l{static_cast<goroutine&>(this_waiter()), {}};
    weft::go([&] { ready(l.m.take()); });
    park(wait_reason::sleep, {look::commit, &l});
    EXPECT_FALSE(l.on_its_stack);
  });
}

TEST_F(scheduler, says_why_a_waiter_waits_and_only_while_it_does) {
  weft_test::on_goroutine([] {
    meeting m;
    auto& self = static_cast<goroutine&>(this_waiter());
    weft::go([&] {
      waiter& parked = m.take();
      EXPECT_EQ(parked.reason.read(), wait_reason::chan_send);
      EXPECT_EQ(static_cast<goroutine&>(parked).state.read(), goroutine_state::waiting);
      ready(parked);
    });
    m.wait(wait_reason::chan_send);
    EXPECT_EQ(self.reason.read(), wait_reason::none);
    EXPECT_EQ(self.state.read(), goroutine_state::running);
  });
}

TEST_F(scheduler, a_deadline_ends_a_wait_that_nobody_ends) {
  everywhere([] {
    for (int i = 0; i < 20; ++i) {
      wait_claim claim;
      const auto deadline = now_ns() + 100'000;
      park_until(wait_reason::sleep, {}, deadline, claim);
      ASSERT_EQ(claim.winner(), timed_wake::claimed_by_timer);
      ASSERT_GE(now_ns(), deadline);
    }
  });
}

TEST_F(scheduler, a_deadline_that_never_comes_is_none) {
  everywhere([] {
    meeting m;
    wait_claim claim;
    weft::go([&] { ready(m.take()); });
    m.parking = &this_waiter();
    park_until(wait_reason::sleep, {meeting::publish, &m}, never_ns, claim);
    EXPECT_EQ(claim.winner(), wait_claim::nobody);
  });
}

/// A wait that a deadline and a rival end at about the same time. The rival and the waiter each
/// hold a share of it, so that it outlives both.
struct contest {
  wait_claim claim;
  meeting m;
};

/// W2: one wake per park. A second one would end a later park of the same waiter too early.
TEST_F(scheduler, a_deadline_that_races_a_waker_wakes_once) {
  everywhere([] {
    const weft::chan<std::shared_ptr<contest>> contests(1);
    weft::go([=] {
      for (const auto& c : contests) {
        waiter& who = c->m.take();
        if (c->claim.try_claim(1)) ready(who);
      }
    });
    int by_timer = 0;
    int by_rival = 0;
    unit::sequence s(3);
    for (int i = 0; i < scaled(2'000); ++i) {
      const auto c = std::make_shared<contest>();
      c->m.parking = &this_waiter();
      contests.send(c);
      park_until(wait_reason::sleep, {meeting::publish, &c->m}, now_ns() + unit::below(s, 20'000),
                 c->claim);
      ASSERT_NE(c->claim.winner(), wait_claim::nobody) << "woken twice for an earlier wait";
      (c->claim.winner() == 1 ? by_rival : by_timer) += 1;
    }
    contests.close();
    EXPECT_EQ(by_timer + by_rival, scaled(2'000));
  });
}

TEST_F(scheduler, a_wake_list_is_run_in_order_behind_what_is_runnable) {
  weft_test::on_one_processor([] {
    std::array<meeting, 4> meetings;
    std::vector<int> order;
    weft::wait_group wg;
    for (int i = 0; i < 4; ++i)
      wg.go([&, i] {
        meetings[static_cast<std::size_t>(i)].wait(wait_reason::sleep);
        order.push_back(i);
      });
    weft::detail::wake_list woken;
    for (meeting& m : meetings) woken.push_back(&m.take());
    EXPECT_TRUE(order.empty());
    ready(woken);
    EXPECT_TRUE(woken.empty());
    wg.wait();
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
  });
}

TEST_F(scheduler, a_wake_list_may_hold_threads_and_goroutines) {
  everywhere([] {
    std::array<meeting, 4> meetings;
    weft::wait_group wg;
    for (int i = 0; i < 2; ++i)
      wg.go([&, i] { meetings[static_cast<std::size_t>(i)].wait(wait_reason::sleep); });
    std::vector<std::thread> threads;
    for (int i = 2; i < 4; ++i)
      threads.emplace_back(
          [&, i] { meetings[static_cast<std::size_t>(i)].wait(wait_reason::sleep); });
    weft::detail::wake_list woken;
    for (meeting& m : meetings) woken.push_back(&m.take());
    ready(woken);
    wg.wait();
    for (std::thread& t : threads) t.join();
  });
}

TEST_F(scheduler, yielding_goes_round) {
  weft_test::on_one_processor([] {
    std::vector<int> order;
    const weft::chan<void> gate;  // fresh ones are served after all that have started
    weft::wait_group wg;
    int arrived = 0;
    for (int i = 0; i < 3; ++i)
      wg.go([&, i] {
        ++arrived;
        gate.recv();
        for (int turn = 0; turn < 3; ++turn) {
          order.push_back(i);
          weft::detail::yield_turn();
        }
      });
    while (arrived < 3) weft::yield();
    gate.close();
    wg.wait();
    ASSERT_EQ(order.size(), 9U);
    for (std::size_t i = 3; i < 9; ++i) EXPECT_EQ(order[i], order[i - 3]);
  });
}

TEST_F(scheduler, everyone_has_a_generator) {
  everywhere([] {
    const std::uint64_t first = weft::detail::this_rng().next();
    EXPECT_NE(weft::detail::this_rng().next(), first);
  });
}

struct alarm final : weft::detail::timed_action {
  bool try_retain() noexcept override { return true; }
  void release() noexcept override { fired.fetch_add(1); }
  void fire(weft::detail::deadline_ns, std::uint64_t e,
            weft::detail::wake_list&) noexcept override {
    epoch.store(e);
  }
  atomic<std::uint64_t> epoch{0};
  atomic<int> fired{0};
};

TEST_F(scheduler, fires_what_is_armed_on_an_idle_runtime) {
  everywhere([] {
    alarm a;
    weft::detail::ensure_running();
    for (std::uint64_t i = 1; i <= 20; ++i) {
      weft::detail::arm(a, now_ns() + 100'000, 0, i);
      ASSERT_TRUE(eventually([&] { return a.fired.load() == static_cast<int>(i); }));
      ASSERT_EQ(a.epoch.load(), i);
    }
  });
}

}  // namespace
