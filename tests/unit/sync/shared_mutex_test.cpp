// The reader-writer lock: its word, who is let in when, and what giving up repairs.
#include <weft/sync/shared_mutex.hpp>

#include <mutex>
#include <shared_mutex>
#include <string>
#include <type_traits>

#include "sync/locks/room.hpp"
#include "sync/locks/wait_list.hpp"
#include "unit_support.hpp"

namespace {

using namespace std::chrono_literals;
using weft::detail::atomic;
using weft::detail::room_of;
using weft::detail::shared_mutex_core;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::scaled;
using rw = shared_mutex_core;

static_assert(sizeof(weft::shared_mutex) <= 40);
static_assert(!std::is_copy_constructible_v<weft::shared_mutex>);

constinit weft::shared_mutex of_the_compiler;

using shared_mutexes = weft_test::fixture;

void write(rw& m) { EXPECT_TRUE(m.try_write() || shared_mutex_lock_bounded(m, {})); }
void read(rw& m) { EXPECT_TRUE(m.try_read() || shared_mutex_lock_shared_bounded(m, {})); }

struct queues {
  bool writers, readers;
  bool operator==(const queues&) const = default;
};
queues queued(rw& m) {
  const std::lock_guard guard(room_of(&m).lock);
  return {!m.writers.empty(), !m.readers.empty()};
}

TEST_F(shared_mutexes, count_readers_and_writers_in_one_word) {
  rw m;
  read(m);
  read(m);
  EXPECT_EQ(m.state.load(), 2 * rw::reader);
  EXPECT_FALSE(m.try_write());
  m.end_read();
  m.end_read();
  EXPECT_EQ(m.state.load(), 0U);
  write(m);
  EXPECT_EQ(m.state.load(), rw::writer);
  EXPECT_FALSE(m.try_write());
  EXPECT_FALSE(m.try_read());
  m.end_write();
  EXPECT_EQ(m.state.load(), 0U);
}

TEST_F(shared_mutexes, are_ready_before_any_code_runs) {
  const std::shared_lock guard(of_the_compiler);
  EXPECT_FALSE(of_the_compiler.try_lock());
}

TEST_F(shared_mutexes, hold_back_readers_behind_a_waiting_writer) {
  everywhere([] {
    rw m;
    const weft::wait_group all;
    std::string order;  // ordered by the lock
    read(m);
    all.go([&] {
      write(m);
      order += 'w';
      m.end_write();
    });
    ASSERT_TRUE(eventually([&] { return queued(m).writers; }));
    EXPECT_FALSE(m.try_read());
    all.go([&] {
      read(m);
      order += 'r';
      m.end_read();
    });
    ASSERT_TRUE(eventually([&] { return queued(m) == queues{true, true}; }));
    m.end_read();
    all.wait();
    EXPECT_EQ(order, "wr");
    EXPECT_EQ(m.state.load(), 0U);
  });
}

TEST_F(shared_mutexes, let_all_readers_that_came_in_before_the_next_writer) {
  everywhere([] {
    rw m;
    const weft::wait_group all;
    atomic<int> inside{0};
    int at_write = 0;
    const weft::chan<void> leave;
    write(m);
    all.go([&] {
      write(m);
      at_write = inside.load();
      m.end_write();
    });
    ASSERT_TRUE(eventually([&] { return queued(m).writers; }));
    for (int i = 0; i < 4; ++i)
      all.go([&] {
        read(m);
        ++inside;
        leave.recv();
        m.end_read();
      });
    ASSERT_TRUE(eventually([&] {
      const std::lock_guard guard(room_of(&m).lock);
      int count = 0;
      for (const auto* n = m.readers.first; n; n = n->next) ++count;
      return count == 4;
    }));
    m.end_write();
    ASSERT_TRUE(eventually([&] { return inside.load() == 4; })) << "all together";
    EXPECT_TRUE(queued(m).writers);
    leave.close();
    all.wait();
    EXPECT_EQ(at_write, 4);
    EXPECT_EQ(m.state.load(), 0U);
  });
}

TEST_F(shared_mutexes, a_writer_that_gives_up_lets_the_readers_behind_it_go_on) {
  everywhere([] {
    weft::shared_mutex m;
    m.lock_shared();
    const weft::wait_group all;
    std::stop_source stop;
    atomic<bool> cancelled{false};
    all.go([&, token = stop.get_token()] { EXPECT_FALSE(m.lock(token)); });
    ASSERT_TRUE(eventually([&] {  // until the writer waits, readers get in
      if (!m.try_lock_shared()) return true;
      m.unlock_shared();
      return false;
    }));
    for (int i = 0; i < 3; ++i)
      all.go([&] {
        m.lock_shared();
        EXPECT_TRUE(cancelled.load());
        m.unlock_shared();
      });
    weft_test::let_others_run();
    cancelled.store(true);
    stop.request_stop();
    all.wait();
    m.unlock_shared();
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  });
}

TEST_F(shared_mutexes, a_wait_that_gives_up_leaves_nothing_behind) {
  everywhere([] {
    rw m;
    for (int i = 0; i < 20; ++i) {
      read(m);
      EXPECT_FALSE(shared_mutex_lock_bounded(m, {.deadline = weft::detail::deadline_after(20us)}));
      EXPECT_EQ(m.state.load(), rw::reader);
      m.end_read();
      write(m);
      EXPECT_FALSE(
          shared_mutex_lock_shared_bounded(m, {.deadline = weft::detail::deadline_after(20us)}));
      EXPECT_EQ(m.state.load(), rw::writer);
      m.end_write();
      EXPECT_EQ(m.state.load(), 0U);
    }
  });
}

/// Deadlines, hand-overs and repairs at the same time: the word must come back to zero each time.
TEST_F(shared_mutexes, an_unlock_is_not_lost_to_one_that_gives_up) {
  everywhere([] {
    unit::sequence s(7);
    weft::shared_mutex m;
    int value = 0;
    for (int i = 0; i < scaled(300); ++i) {
      const weft::wait_group all;
      for (int g = 0; g < 6; ++g)
        all.go([&, g, d = std::chrono::nanoseconds(unit::below(s, 20'000))] {
          if (g % 2 == 0 ? m.try_lock_for(d) : m.try_lock_shared_for(d)) {
            if (g % 2 == 0) ++value;
            weft::yield();
            g % 2 == 0 ? m.unlock() : m.unlock_shared();
          }
        });
      all.go([&] {
        const std::lock_guard guard(m);
        ++value;
      });
      all.go([&] {
        const std::shared_lock guard(m);
        EXPECT_GE(value, 0);
      });
      all.wait();
      ASSERT_TRUE(m.try_lock()) << "somebody is in it still, or waits";
      m.unlock();
    }
  });
}

TEST_F(shared_mutexes, serve_goroutines_and_threads_alike) {
  everywhere([] {
    weft::shared_mutex m;
    int value = 0;
    const auto work = [&](int me) {
      for (int i = 0; i < scaled(2'000); ++i) {
        if ((i + me) % 5 == 0) {
          const std::lock_guard guard(m);
          value += 2;
        } else {
          const std::shared_lock guard(m);
          ASSERT_EQ(value % 2, 0);
        }
      }
    };
    const weft::wait_group all;
    for (int g = 0; g < 6; ++g) all.go([&, g] { work(g); });
    unit::on_threads(3, work);
    all.wait();
    EXPECT_EQ(value, 2 * 9 * scaled(2'000) / 5);
  });
}

/// Loops that lock and unlock and do nothing else never leave their processor of their own accord.
TEST_F(shared_mutexes, let_one_in_that_comes_beside_loops_that_only_lock) {
  for (const bool loops_write : {false, true})
    for (const bool comer_writes : {false, true})
      everywhere([=] {
        weft::shared_mutex m;
        atomic<bool> was_in{false};
        const weft::wait_group all;
        for (int g = 0; g < 6; ++g)
          all.go([&] {
            while (!was_in.load()) {
              loops_write ? m.lock() : m.lock_shared();
              loops_write ? m.unlock() : m.unlock_shared();
            }
          });
        all.go([&] {
          comer_writes ? m.lock() : m.lock_shared();
          was_in.store(true);
          comer_writes ? m.unlock() : m.unlock_shared();
        });
        all.wait();
        EXPECT_TRUE(m.try_lock());
        m.unlock();
      });
}

/// Who was woken to compete may lose to one that came by, and what it waits for may be over then.
TEST_F(shared_mutexes, are_fought_for_by_those_with_a_deadline_and_those_without) {
  everywhere([] {
    weft::shared_mutex m;
    int value = 0;
    atomic<int> written{0};
    const auto work = [&](int me) {
      unit::sequence s(static_cast<std::uint64_t>(me) + 1);
      for (int i = 0; i < scaled(1'000); ++i) {
        const std::chrono::nanoseconds patience(unit::below(s, 3'000));
        const bool writes = unit::below(s, 3) == 0;
        const bool bounded = unit::below(s, 2) == 0;
        if (!bounded) {
          writes ? m.lock() : m.lock_shared();
        } else if (!(writes ? m.try_lock_for(patience) : m.try_lock_shared_for(patience))) {
          continue;
        }
        if (writes) {
          value += 2;
          written.fetch_add(2);
        } else {
          EXPECT_EQ(value % 2, 0);
        }
        if (unit::below(s, 16) == 0) weft::yield();
        writes ? m.unlock() : m.unlock_shared();
      }
    };
    const weft::wait_group all;
    for (int g = 0; g < 6; ++g) all.go([&, g] { work(g); });
    unit::on_threads(2, [&](int me) { work(6 + me); });
    all.wait();
    EXPECT_EQ(value, written.load());
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  });
}

/// The last writer destroys it while the unlock before may still be on its way.
TEST_F(shared_mutexes, may_be_destroyed_by_whoever_comes_next) {
  struct counted {
    weft::shared_mutex m;
    int references = 2;
  };
  const auto release = [](counted* c) {
    c->m.lock();
    const bool last = --c->references == 0;
    c->m.unlock();
    if (last) delete c;
  };
  everywhere([&] {
    for (int i = 0; i < scaled(2'000); ++i) {
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

}  // namespace
