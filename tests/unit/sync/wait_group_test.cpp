// The wait group's word: count, handles and "somebody waits", in every order they can change.
#include <weft/detail/wait_group_core.hpp>

#include <array>
#include <climits>
#include <stdexcept>
#include <string>

#include "port/clock.hpp"
#include "sched/scheduler.hpp"
#include "unit_support.hpp"

namespace {

using namespace std::chrono_literals;
using weft::detail::atomic;
using weft::detail::never_ns;
using weft::detail::now_ns;
using weft::detail::wait_group_add;
using weft::detail::wait_group_core;
using weft::detail::wait_group_make;
using weft::detail::wait_group_release;
using weft::detail::wait_group_retain;
using weft::detail::wait_group_wait;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::scaled;
using weft_test::what_thrown;

using wait_groups = weft_test::fixture;

TEST_F(wait_groups, at_zero_do_not_wait) {
  everywhere([] {
    const weft::wait_group wg;
    wg.wait();
    EXPECT_TRUE(wg.wait_for(-1h));
    wg.add(3);
    wg.add(-3);
    wg.wait();
  });
}

TEST_F(wait_groups, below_zero_throw_and_stay_as_they_were) {
  const weft::wait_group wg;
  wg.add(2);
  EXPECT_EQ(what_thrown<std::logic_error>([&] { wg.add(-3); }), "sync: negative WaitGroup counter");
  EXPECT_EQ(what_thrown<std::logic_error>([&] { wg.add(INT_MIN); }),
            "sync: negative WaitGroup counter");
  EXPECT_FALSE(wg.wait_for(0s));
  wg.add(-2);
  EXPECT_TRUE(wg.wait_for(0s));
}

TEST_F(wait_groups, beyond_what_they_can_count_throw_and_stay_as_they_were) {
  const weft::wait_group wg;
  wg.add(INT_MAX);
  EXPECT_EQ(what_thrown<std::logic_error>([&] { wg.add(1); }), "sync: WaitGroup counter overflow");
  wg.add(-INT_MAX);
  EXPECT_TRUE(wg.wait_for(0s));
}

/// The count keeps the group alive as well as a handle does (R2): ASan sees it if not.
TEST_F(wait_groups, live_on_by_their_count_alone) {
  wait_group_core* g = wait_group_make();
  wait_group_add(g, 2);
  wait_group_release(g);
  wait_group_add(g, 5);
  wait_group_add(g, -6);
  wait_group_add(g, -1);  // the last: it destroys the group
}

TEST_F(wait_groups, are_destroyed_once_whoever_comes_last) {
  everywhere([] {
    for (int i = 0; i < scaled(2'000); ++i) {
      wait_group_core* g = wait_group_make();
      wait_group_add(g, 1);
      weft::go([g] { wait_group_add(g, -1); });
      EXPECT_TRUE(i % 2 == 0 || wait_group_wait(g, {}));
      wait_group_release(g);
    }
  });
}

TEST_F(wait_groups, whose_waiters_drop_the_last_handle_at_once) {
  everywhere([] {
    for (int i = 0; i < scaled(1'000); ++i) {
      wait_group_core* g = wait_group_make();
      wait_group_add(g, 1);
      wait_group_retain(g);
      for (int waiter = 0; waiter < 2; ++waiter)
        weft::go([g] {
          EXPECT_TRUE(wait_group_wait(g, {}));
          wait_group_release(g);
        });
      wait_group_add(g, -1);
    }
    EXPECT_TRUE(eventually([] { return weft::num_goroutines() <= 1; }));
  });
}

TEST_F(wait_groups, release_every_waiter) {
  everywhere([] {
    const weft::wait_group work;
    weft::wait_group waiters;
    atomic<int> released{0};
    work.add();
    for (int i = 0; i < 20; ++i)
      waiters.go([&] {
        work.wait();
        ++released;
      });
    std::thread plain([&] {
      work.wait();
      ++released;
    });
    weft_test::let_others_run();
    EXPECT_EQ(released.load(), 0);
    work.done();
    waiters.wait();
    plain.join();
    EXPECT_EQ(released.load(), 21);
  });
}

TEST_F(wait_groups, a_wait_that_gives_up_leaves_nothing_behind) {
  everywhere([] {
    weft::wait_group wg;
    for (int i = 0; i < 20; ++i) {
      wg.add();
      EXPECT_FALSE(wg.wait_for(50us));
      EXPECT_FALSE(wg.wait_for(-1s));
      wg.done();
      EXPECT_TRUE(wg.wait_for(0s));
    }
  });
}

/// The end of the work and the end of the patience come at about the same time.
TEST_F(wait_groups, a_wait_that_races_its_deadline_is_right_either_way) {
  everywhere([] {
    unit::sequence s(4);
    for (int i = 0; i < scaled(1'000); ++i) {
      weft::wait_group wg;
      atomic<bool> done{false};
      wg.go([&] { done.store(true); });
      const bool in_time = wg.wait_for(std::chrono::nanoseconds(unit::below(s, 20'000)));
      EXPECT_TRUE(!in_time || done.load());
      wg.wait();
      ASSERT_TRUE(done.load());
    }
  });
}

/// A waiter that gives up leaves the waiters bit set; the done that sees it may still be on its way
/// when the next round has begun. It must not release that round's waiters.
TEST_F(wait_groups, a_late_release_does_not_end_the_next_round) {
  everywhere([] {
    weft::wait_group wg;
    for (int round = 0; round < scaled(3'000); ++round) {
      wg.add();
      weft::go([wg] { wg.done(); });
      static_cast<void>(wg.wait_for(1us));
      wg.wait();
      atomic<bool> done{false};
      wg.add();
      weft::go([&, wg] {
        weft::yield();
        done.store(true);
        wg.done();
      });
      wg.wait();
      ASSERT_TRUE(done.load()) << "released in the middle of round " << round;
    }
  });
}

TEST_F(wait_groups, order_what_was_done_before_what_follows_the_wait) {
  everywhere([] {
    for (int round = 0; round < scaled(200); ++round) {
      std::array<int, 16> results{};
      weft::wait_group wg;
      for (std::size_t i = 0; i < results.size(); ++i)
        wg.go([&, i] { results[i] = static_cast<int>(i); });
      wg.wait();
      for (std::size_t i = 0; i < results.size(); ++i) ASSERT_EQ(results[i], static_cast<int>(i));
    }
  });
}

/// A goroutine and a plain thread that do all there is to do with a group, at the same time.
void use_from_both_sides(const weft::wait_group& wg) {
  for (int k = 0; k < 40; ++k) {
    wg.add(2);
    const weft::wait_group copy = wg;
    copy.done();
    EXPECT_THROW(wg.add(INT_MIN), std::logic_error);
    wg.done();
  }
}

/// Each group is at home where it was made, until the thread comes, at any moment.
TEST_F(wait_groups, are_taken_out_of_their_home_while_they_are_in_use) {
  everywhere([] {
    for (int i = 0; i < scaled(400); ++i) {
      const weft::chan<weft::wait_group> made(1);
      atomic<bool> waited{false};
      weft::go([made, &waited, before = i % 8] {
        const weft::wait_group wg;
        wg.add();  // the thread's
        for (int k = 0; k < before; ++k) wg.go([] {});
        made.send(wg);
        use_from_both_sides(wg);
        wg.wait();
        waited.store(true);
      });
      std::thread([wg = *made.recv()] {
        use_from_both_sides(wg);
        wg.done();
      }).join();
      EXPECT_TRUE(eventually([&] { return waited.load(); }));
    }
  });
}

/// Now and then a thread takes part in a round: so seldom that the group is at home again by then.
void rounds_with_a_thread_now_and_then() {
  const weft::wait_group wg;
  int plain = 0;  // ordered by the group alone
  for (int round = 0; round < 60; ++round) {
    wg.add(2);
    weft::go([&plain, wg] {
      ++plain;
      wg.done();
    });
    std::thread other;
    if (round % 20 == 0)
      other = std::thread([wg] { wg.done(); });
    else
      wg.done();
    wg.wait();
    ASSERT_EQ(plain, round + 1);
    if (other.joinable()) other.join();
  }
}

TEST_F(wait_groups, come_home_again_for_later_rounds) {
  everywhere([] {
    for (int i = 0; i < scaled(20); ++i) weft::run(rounds_with_a_thread_now_and_then);
  });
}

TEST_F(wait_groups, wake_in_one_go_all_who_wait_at_home) {
  weft_test::on_one_processor([] {
    const weft::wait_group work;
    const weft::wait_group waiters;
    int released = 0;
    work.add();
    for (int i = 0; i < 5; ++i)
      waiters.go([&] {
        work.wait();
        ++released;
      });
    weft::yield();
    EXPECT_EQ(released, 0);
    work.done();
    waiters.wait();
    EXPECT_EQ(released, 5);
  });
}

TEST_F(wait_groups, may_be_counted_up_and_down_by_many_at_once) {
  everywhere([] {
    const weft::wait_group wg;
    wg.add();
    unit::on_threads(4, [&](int me) {
      for (int i = 0; i < scaled(20'000); ++i) {
        wg.add(me + 1);
        wg.add(-me - 1);
      }
    });
    EXPECT_FALSE(wg.wait_for(0s));
    wg.done();
    EXPECT_TRUE(wg.wait_for(0s));
  });
}

}  // namespace
