// Latch, event and barrier from the compiled half: what their words become, and what is left in
// their lines.
#include <weft/detail/sync/barrier_core.hpp>
#include <weft/detail/sync/event_core.hpp>
#include <weft/detail/sync/latch_core.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "port/clock.hpp"
#include "sched/scheduler.hpp"
#include "sync/gates/line.hpp"
#include "unit_support.hpp"
#include "wait/cancel_state.hpp"

namespace {

using weft::detail::atomic;
using weft::detail::barrier_core;
using weft::detail::cancel_state;
using weft::detail::event_core;
using weft::detail::latch_core;
using weft::detail::line;
using weft::detail::now_ns;

using weft::detail::wait_reason;
using weft::detail::waiting_line;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::scaled;

using lines = weft_test::fixture;
using latch_cores = weft_test::fixture;
using event_cores = weft_test::fixture;
using barrier_cores = weft_test::fixture;

TEST_F(lines, are_empty_and_unlocked_when_new) {
  waiting_line room;
  line& l = line::of(room);
  EXPECT_TRUE(l.lock.try_lock());
  EXPECT_TRUE(l.waiters.empty());
  l.release_all_locked();
  EXPECT_TRUE(l.lock.try_lock());
  l.lock.unlock();
  weft::detail::close_line(room, "not in use");
}

TEST_F(lines, a_wait_that_gave_up_is_out_of_the_queue) {
  everywhere([] {
    waiting_line room;
    line& l = line::of(room);
    bool emptied = false;
    l.lock.lock();
    EXPECT_FALSE(l.wait_locked(wait_reason::event, {.deadline = now_ns() + 100'000},
                               [&] { emptied = true; }));
    EXPECT_TRUE(emptied);
    EXPECT_TRUE(l.waiters.empty());
    EXPECT_TRUE(l.lock.try_lock());
    l.lock.unlock();
  });
}

TEST_F(lines, only_the_last_to_give_up_has_emptied_it) {
  everywhere([] {
    waiting_line room;
    line& l = line::of(room);
    cancel_state cancel;
    atomic<int> emptied{0};
    const weft::wait_group wg;
    for (int i = 0; i < 4; ++i)
      wg.go([&] {
        l.lock.lock();
        EXPECT_FALSE(l.wait_locked(wait_reason::event, {.cancel = &cancel}, [&] { ++emptied; }));
      });
    weft_test::let_others_run();
    EXPECT_EQ(emptied, 0);
    cancel.cancel();
    wg.wait();
    EXPECT_GE(emptied, 1);
    EXPECT_TRUE(l.waiters.empty());
  });
}

TEST_F(latch_cores, forget_that_somebody_waited) {
  everywhere([] {
    latch_core l(2);
    EXPECT_FALSE(l.wait({.deadline = now_ns() + 50'000}));
    l.count_down(1);
    EXPECT_FALSE(l.open());
    EXPECT_FALSE(l.wait({.deadline = now_ns() + 50'000}));
    l.count_down(1);
    EXPECT_TRUE(l.open());
  });
}

/// While the last step is being prepared others count as well, some of them too much: as many steps
/// are taken as there are, and the latch opens.
TEST_F(latch_cores, open_once_however_the_steps_fall) {
  everywhere([] {
    for (int round = 0; round < scaled(500); ++round) {
      latch_core l(10);
      atomic<int> taken{0};
      const weft::wait_group wg;
      wg.go([&] { EXPECT_TRUE(l.wait({})); });
      for (int i = 0; i < 5; ++i)
        wg.go([&, n = 1 + i % 3] {
          try {
            for (;;) {
              l.count_down(n);
              taken += n;
            }
          } catch (const std::logic_error&) {
          }
        });
      wg.wait();
      ASSERT_EQ(taken, 10);
    }
  });
}

TEST_F(event_cores, forget_that_somebody_waited) {
  everywhere([] {
    event_core e;
    EXPECT_FALSE(e.wait({.deadline = now_ns() + 50'000}));
    e.reset();
    e.set();
    EXPECT_TRUE(e.is_set());
    EXPECT_TRUE(e.wait({}));
    e.reset();
    EXPECT_FALSE(e.wait_for_flight({.deadline = now_ns() + 50'000}));
  });
}

TEST_F(event_cores, a_reset_does_not_hide_those_who_wait) {
  everywhere([] {
    event_core e;
    const weft::wait_group wg;
    wg.go([&] { EXPECT_TRUE(e.wait({})); });
    for (int i = 0; i < 100; ++i) {
      e.reset();
      weft::yield();
    }
    e.set();
    wg.wait();
  });
}

TEST_F(barrier_cores, count_phases) {
  barrier_core b(2);
  EXPECT_EQ(b.arrive(1, false, {}), 0U);
  EXPECT_FALSE(b.passed(0));
  EXPECT_EQ(b.arrive(1, false, {}), 0U);
  EXPECT_TRUE(b.passed(0));
  EXPECT_EQ(b.arrive(2, false, {}), 1U);
  EXPECT_EQ(b.arrive(1, true, {}), 2U);
  EXPECT_EQ(b.arrive(1, true, {}), 2U);
  EXPECT_THROW((void)b.arrive(1, true, {}), std::logic_error);
}

using in_use = unit::in_a_fresh_process;

template <class T, class Wait>
void destroy_while_waited_for(std::unique_ptr<T> thing, Wait wait) {
  const weft_test::procs_scope one(1);
  std::atomic<bool> begun{false};
  weft::run([&] {
    weft::go([&, raw = thing.get()] {
      begun = true;
      wait(*raw);
    });
    while (!begun) weft::yield();  // then, on one processor, it is parked
  });
  thing.reset();
  unit::end_with(true);
}

TEST_F(in_use, a_latch_is_not_destroyed) {
  EXPECT_DEATH(
      destroy_while_waited_for(std::make_unique<weft::latch>(1), [](auto& l) { l.wait(); }),
      "fatal error: weft::latch destroyed while a goroutine waits for it");
}
TEST_F(in_use, an_event_is_not_destroyed) {
  EXPECT_DEATH(destroy_while_waited_for(std::make_unique<weft::event>(), [](auto& e) { e.wait(); }),
               "fatal error: weft::event destroyed while a goroutine waits for it");
}
TEST_F(in_use, a_barrier_is_not_destroyed) {
  EXPECT_DEATH(destroy_while_waited_for(std::make_unique<weft::barrier<>>(2),
                                        [](auto& b) { b.arrive_and_wait(); }),
               "fatal error: weft::barrier destroyed while a goroutine waits for it");
}
TEST_F(in_use, a_semaphore_is_not_destroyed) {
  EXPECT_DEATH(destroy_while_waited_for(
                   [] {
                     auto s = std::make_unique<weft::semaphore>(1);
                     s->acquire();
                     return s;
                   }(),
                   [](auto& s) { s.acquire(); }),
               "fatal error: weft::semaphore destroyed while a goroutine waits for it");
}
TEST_F(in_use, a_once_is_not_destroyed) {
  EXPECT_DEATH(destroy_while_waited_for(
                   std::make_unique<weft::once>(),
                   [](auto& o) { o.call([] { weft::sleep_for(std::chrono::hours(1)); }); }),
               "fatal error: weft::once destroyed while its function runs");
}
TEST_F(in_use, a_pool_is_not_destroyed) {
  EXPECT_DEATH(
      {
        auto p = std::make_unique<weft::pool<int>>();
        const auto borrowed = p->borrow();
        p.reset();
      },
      "fatal error: weft::pool destroyed while an object is borrowed from it");
}

weft::event& never_set() {
  static weft::event e;
  return e;
}
weft::semaphore& never_released() {
  static weft::semaphore s(0);
  return s;
}

/// At exit static objects go while goroutines and threads still stand in their lines.
TEST_F(in_use, static_ones_are_destroyed_at_exit) {
  EXPECT_EXIT(
      {
        weft::go([] { never_set().wait(); });
        weft::go([] { never_released().acquire(); });
        weft_test::let_others_run();
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
