// The mutex: who is woken, who is handed the lock, what giving up leaves behind, and that nothing
// of it is touched once it has been let go.
#include <weft/sync/mutex.hpp>

#include <array>
#include <memory>
#include <mutex>
#include <type_traits>
#include <vector>

#include "port/clock.hpp"
#include "sync/locks/room.hpp"
#include "sync/locks/wait_list.hpp"
#include "unit_support.hpp"

namespace {

using namespace std::chrono_literals;
using weft::detail::contended_flag_of;
using weft::detail::lock_room;
using weft::detail::mutex_core;
using weft::detail::room_of;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::scaled;

static_assert(sizeof(weft::mutex) <= 40);
static_assert(!std::is_copy_constructible_v<weft::mutex>);
static_assert(noexcept(std::declval<weft::mutex&>().lock()));

constinit weft::mutex of_the_compiler;

using mutexes = weft_test::fixture;

/// Looks inside, under the room's lock.
template <class Look>
auto inside(mutex_core& m, Look look) {
  lock_room& room = room_of(&m);
  const std::lock_guard guard(room.lock);
  return look(room, m);
}

bool is_registered(mutex_core& m) {
  return inside(m, [](lock_room& room, mutex_core& c) { return room.find_locked(&c) != nullptr; });
}

int queued(mutex_core& m) {
  return inside(m, [](lock_room&, mutex_core& c) {
    int count = 0;
    for (const weft::detail::wait_node* n = c.waiters.first; n; n = n->next) ++count;
    return count;
  });
}

void lock(mutex_core& m) {
  if (!m.try_hold()) weft::detail::mutex_lock_contended(m);
}

bool lock_for(mutex_core& m, std::chrono::nanoseconds d) {
  return m.try_hold() ||
         weft::detail::mutex_lock_bounded(m, {.deadline = weft::detail::deadline_after(d)});
}

TEST_F(mutexes, exclude_goroutines_and_threads_alike) {
  everywhere([] {
    weft::mutex m;
    int n = 0;  // ordered by the mutex alone
    const weft::wait_group all;
    for (int g = 0; g < 8; ++g)
      all.go([&, g] {
        for (int i = 0; i < scaled(5'000); ++i) {
          const std::lock_guard guard(m);
          ++n;
          if ((i + g) % 50 == 0) weft::yield();
        }
      });
    unit::on_threads(3, [&](int) {
      for (int i = 0; i < scaled(5'000); ++i) {
        const std::lock_guard guard(m);
        ++n;
      }
    });
    all.wait();
    EXPECT_EQ(n, 11 * scaled(5'000));
  });
}

TEST_F(mutexes, are_ready_before_any_code_runs) {
  const std::lock_guard guard(of_the_compiler);
  EXPECT_FALSE(of_the_compiler.try_lock());
}

/// R2, and that nothing is left when everybody has had it.
TEST_F(mutexes, are_registered_while_somebody_waits_and_not_longer) {
  everywhere([] {
    mutex_core m;
    lock(m);
    EXPECT_FALSE(is_registered(m));
    const weft::wait_group all;
    for (int i = 0; i < 5; ++i)
      all.go([&] {
        lock(m);
        m.let_go();
      });
    ASSERT_TRUE(eventually([&] { return queued(m) == 5; }));
    EXPECT_TRUE(is_registered(m));
    m.let_go();
    all.wait();
    EXPECT_FALSE(is_registered(m));
    EXPECT_FALSE(m.in_use());
    EXPECT_EQ(m.woken, nullptr);
  });
}

TEST_F(mutexes, wake_one_at_a_time) {
  weft_test::on_one_processor([] {
    mutex_core m;
    int running = 0;
    const weft::wait_group all;
    lock(m);
    for (int i = 0; i < 3; ++i)
      all.go([&] {
        lock(m);
        ++running;
        m.let_go();
      });
    while (queued(m) < 3) weft::yield();
    m.let_go();
    EXPECT_EQ(queued(m), 2);
    for (int i = 0; i < 5 && m.try_hold();
         ++i) {  // it fails when this thread lost its CPU: handed over
      EXPECT_EQ(queued(m), 2) << "one is on its way, no more";
      m.let_go();
    }
    EXPECT_EQ(running, 0);
    all.wait();
  });
}

TEST_F(mutexes, hand_over_to_one_that_was_woken_twice_in_vain) {
  weft_test::on_one_processor([] {
    mutex_core m;
    bool got_it = false;
    const weft::wait_group all;
    lock(m);
    all.go([&] {
      lock(m);
      got_it = true;
      m.let_go();
    });
    while (queued(m) == 0) weft::yield();
    int losses = 0;
    for (m.let_go(); m.try_hold(); m.let_go()) {
      weft::yield();
      ASSERT_EQ(queued(m), 1) << "it came in vain, and waits again";
      ASSERT_LE(++losses, 2);
    }
    all.wait();
    EXPECT_TRUE(got_it);
  });
}

/// On one processor a woken goroutine does not run while the holder goes on: the holder's own
/// unlock ends that.
TEST_F(mutexes, hand_over_to_one_that_is_on_its_way_for_more_than_a_millisecond) {
  weft_test::on_one_processor([] {
    mutex_core m;
    const weft::wait_group all;
    lock(m);
    all.go([&] {
      lock(m);
      m.let_go();
    });
    while (queued(m) == 0) weft::yield();
    bool handed_over = false;
    for (int i = 0; i < 2'000'000 && !handed_over; ++i) {
      m.let_go();
      handed_over = !m.try_hold();
    }
    EXPECT_TRUE(handed_over);
    if (!handed_over) m.let_go();
    all.wait();
  });
}

TEST_F(mutexes, put_one_that_came_in_vain_in_front) {
  weft_test::on_one_processor([] {
    mutex_core m;
    std::vector<int> order;
    const weft::wait_group all;
    lock(m);
    for (int i = 0; i < 3; ++i) {
      all.go([&, i] {
        lock(m);
        order.push_back(i);
        m.let_go();
      });
      while (queued(m) <= i) weft::yield();
    }
    m.let_go();
    if (m.try_hold()) {
      while (queued(m) < 3) weft::yield();  // the first came in vain
      m.let_go();
    }
    all.wait();
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
  });
}

TEST_F(mutexes, a_wait_that_gives_up_leaves_nothing_behind) {
  everywhere([] {
    mutex_core m;
    lock(m);
    for (int i = 0; i < 20; ++i) {
      EXPECT_FALSE(lock_for(m, 20us));
      EXPECT_FALSE(lock_for(m, -1s));
      EXPECT_FALSE(is_registered(m));
      EXPECT_EQ(queued(m), 0);
    }
    m.let_go();
    EXPECT_TRUE(lock_for(m, -1s)) << "a free one needs no time";
    m.let_go();
    EXPECT_FALSE(m.in_use());
  });
}

/// The unlock and the end of the patience come at about the same time, from both sides.
TEST_F(mutexes, an_unlock_is_not_lost_to_one_that_gives_up) {
  everywhere([] {
    unit::sequence s(4);
    mutex_core m;
    for (int i = 0; i < scaled(500); ++i) {
      lock(m);
      const weft::wait_group all;
      for (int g = 0; g < 4; ++g)
        all.go([&, d = unit::below(s, 30'000)] {
          if (lock_for(m, std::chrono::nanoseconds(d))) m.let_go();
        });
      all.go([&] {
        lock(m);
        m.let_go();
      });
      if (i % 2 == 0) weft::sleep_for(std::chrono::nanoseconds(unit::below(s, 30'000)));
      m.let_go();
      all.wait();
      ASSERT_FALSE(m.in_use());
    }
  });
}

TEST_F(mutexes, are_cancelled_while_they_are_waited_for) {
  everywhere([] {
    weft::mutex m;
    m.lock();
    std::stop_source stop;
    const weft::wait_group all;
    for (int g = 0; g < 4; ++g)
      all.go([&, token = stop.get_token()] { EXPECT_FALSE(m.lock(token)); });
    weft::yield();
    stop.request_stop();
    all.wait();
    m.unlock();
    EXPECT_FALSE(m.lock(stop.get_token())) << "cancelled already: not even a free one";
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  });
}

/// The last owner destroys it while the unlock before may still be on its way (R3): ASan sees it if
/// that touches it once more.
TEST_F(mutexes, may_be_destroyed_by_whoever_comes_next) {
  struct counted {
    weft::mutex m;
    int references = 2;
  };
  const auto release = [](counted* c) {
    c->m.lock();
    const bool last = --c->references == 0;
    c->m.unlock();
    if (last) delete c;
  };
  everywhere([&] {
    for (int i = 0; i < scaled(3'000); ++i) {
      auto* c = new counted;
      const weft::wait_group all;
      all.go([=] { release(c); });
      release(c);
      all.wait();
    }
  });
  for (int i = 0; i < scaled(1'000); ++i) {
    auto* c = new counted;
    unit::on_threads(2, [&](int) { release(c); });
  }
}

TEST_F(mutexes, forget_contention_after_some_quiet_unlocks) {
  everywhere([] {
    mutex_core m;
    lock(m);
    while (!contended_flag_of(&m).load()) EXPECT_FALSE(lock_for(m, 20us));
    m.let_go();
    for (int i = 0; i < 16; ++i) {
      lock(m);
      m.let_go();
    }
    EXPECT_FALSE(contended_flag_of(&m).load());
  });
}

/// Locks whose addresses hash to one room share its flag and its lock, nothing else.
TEST_F(mutexes, of_one_room_do_not_disturb_each_other) {
  everywhere([] {
    const auto storage = std::make_unique<std::array<mutex_core, 4'000>>();
    std::vector<mutex_core*> mates;
    for (mutex_core& m : *storage)
      if (&room_of(&m) == &room_of(&storage->front())) mates.push_back(&m);
    ASSERT_GE(mates.size(), 3U);
    mates.resize(3);
    const weft::wait_group all;
    std::array<int, 3> counts{};
    for (int g = 0; g < 9; ++g)
      all.go([&, which = static_cast<std::size_t>(g % 3)] {
        for (int i = 0; i < scaled(2'000); ++i) {
          lock(*mates[which]);
          ++counts[which];
          if (i % 20 == 0) weft::yield();
          mates[which]->let_go();
        }
      });
    all.wait();
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(counts[i], 3 * scaled(2'000));
      EXPECT_FALSE(mates[i]->in_use());
    }
  });
}

/// Without membarrier(2) both sides pay a full fence.
TEST_F(mutexes, work_where_the_kernel_has_no_membarrier) {
  weft::go([] {});  // the runtime has asked by now
  const bool free_before = weft::detail::light_barrier_is_free.read();
  everywhere([] {
    weft::mutex m;
    int n = 0;
    weft::detail::light_barrier_is_free.write(false);
    unit::on_threads(4, [&](int) {
      for (int i = 0; i < scaled(5'000); ++i) {
        const std::lock_guard guard(m);
        ++n;
      }
    });
    EXPECT_EQ(n, 4 * scaled(5'000));
  });
  weft::detail::light_barrier_is_free.write(free_before);
}

}  // namespace
