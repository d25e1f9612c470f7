// Locks under load: goroutines and plain threads, with and without bounds, exclude each other, and
// nobody is forgotten.
#include <array>
#include <atomic>
#include <mutex>
#include <shared_mutex>

#include "../support.hpp"

namespace {

using namespace std::chrono_literals;

class lock_hammer : public stress::at_processors {};
WEFT_AT_PROCESSORS(lock_hammer);

/// One way of the many to lock; false: it gave up.
bool lock_somehow(weft::mutex& m, stress::random_source& random, const std::stop_token& token) {
  switch (random.below(5)) {
    case 0:
      return m.try_lock();
    case 1:
      return m.try_lock_for(random.tiny_wait());
    case 2:
      return m.lock(token);
    default:
      m.lock();
      return true;
  }
}

TEST_P(lock_hammer, a_mutex_excludes_whoever_comes_in_whatever_way) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    const stress::processor_shaker shaker(random.next());
    weft::mutex m;
    std::stop_source stop;
    std::uint64_t plain = 0;  // ordered by the mutex alone
    std::atomic<std::uint64_t> counted{0};
    {
      stress::crew crew;
      for (int i = 0; i < 14; ++i)
        crew.start(i % 5 == 0, [&, own = random.next()] {
          stress::random_source choice(own);
          for (int turn = 0; turn < 300 / stress::slowdown; ++turn) {
            if (!lock_somehow(m, choice, stop.get_token())) continue;
            ++plain;
            counted.fetch_add(1);
            if (choice.percent(5)) weft::yield();
            m.unlock();
          }
        });
      weft::sleep_for(random.tiny_wait());
      stop.request_stop();
    }
    EXPECT_EQ(plain, counted.load());
    EXPECT_TRUE(m.try_lock()) << "it was left locked";
    m.unlock();
  });
}

/// 0: nobody, -1: a writer, n: readers.
class watched {
 public:
  void write(stress::random_source& choice) {
    EXPECT_EQ(inside_.exchange(-1), 0);
    if (choice.percent(10)) weft::yield();
    ++plain_;
    EXPECT_EQ(inside_.exchange(0), -1);
  }
  void read(stress::random_source& choice) {
    EXPECT_GE(inside_.fetch_add(1), 0);
    const std::uint64_t seen = plain_;
    if (choice.percent(10)) weft::yield();
    EXPECT_EQ(plain_, seen) << "written while it was read";
    EXPECT_GE(inside_.fetch_sub(1), 1);
  }

 private:
  std::atomic<int> inside_{0};
  std::uint64_t plain_ = 0;
};

bool write_lock_somehow(weft::shared_mutex& m, stress::random_source& random,
                        const std::stop_token& token) {
  switch (random.below(4)) {
    case 0:
      return m.try_lock();
    case 1:
      return m.try_lock_for(random.tiny_wait());
    case 2:
      return m.lock(token);
    default:
      m.lock();
      return true;
  }
}

bool read_lock_somehow(weft::shared_mutex& m, stress::random_source& random,
                       const std::stop_token& token) {
  switch (random.below(4)) {
    case 0:
      return m.try_lock_shared();
    case 1:
      return m.try_lock_shared_for(random.tiny_wait());
    case 2:
      return m.lock_shared(token);
    default:
      m.lock_shared();
      return true;
  }
}

TEST_P(lock_hammer, a_shared_mutex_keeps_writers_from_everybody) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    weft::shared_mutex m;
    watched data;
    std::stop_source stop;
    {
      stress::crew crew;
      for (int i = 0; i < 14; ++i)
        crew.start(i % 5 == 0, [&, own = random.next()] {
          stress::random_source choice(own);
          for (int turn = 0; turn < 200 / stress::slowdown; ++turn) {
            if (choice.percent(30)) {
              if (!write_lock_somehow(m, choice, stop.get_token())) continue;
              data.write(choice);
              m.unlock();
            } else {
              if (!read_lock_somehow(m, choice, stop.get_token())) continue;
              data.read(choice);
              m.unlock_shared();
            }
          }
        });
      weft::sleep_for(random.tiny_wait());
      stop.request_stop();
    }
    EXPECT_TRUE(m.try_lock()) << "somebody is in it still, or waits";
    m.unlock();
  });
}

/// A bounded queue made of a mutex and two condition variables: every item arrives once.
TEST_P(lock_hammer, condition_variables_lose_no_notification) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    constexpr int room = 3;
    const int items = 2'000 / stress::slowdown;
    weft::mutex m;
    weft::condition_variable not_full;
    weft::condition_variable not_empty;
    int stored = 0;
    int sent = 0;
    int taken = 0;
    {
      stress::crew crew;
      for (int i = 0; i < 4; ++i)
        crew.start(i == 0, [&, own = random.next()] {
          stress::random_source choice(own);
          for (;;) {
            const std::lock_guard guard(m);
            const auto may_go_on = [&] { return stored < room || sent == items; };
            if (choice.percent(30)) {
              if (!not_full.wait_for(m, choice.tiny_wait(), may_go_on)) continue;
            } else {
              not_full.wait(m, may_go_on);
            }
            if (sent == items) break;
            ++stored;
            ++sent;
            not_empty.notify_one();
            if (sent == items) not_full.notify_all();
          }
        });
      for (int i = 0; i < 4; ++i)
        crew.start(i == 0, [&, own = random.next()] {
          stress::random_source choice(own);
          for (;;) {
            const std::lock_guard guard(m);
            const auto may_go_on = [&] { return stored > 0 || taken == items; };
            if (choice.percent(30)) {
              if (!not_empty.wait_for(m, choice.tiny_wait(), may_go_on)) continue;
            } else {
              not_empty.wait(m, may_go_on);
            }
            if (taken == items) break;
            --stored;
            ++taken;
            not_full.notify_one();
            if (taken == items) not_empty.notify_all();
          }
        });
    }
    EXPECT_EQ(taken, items);
    EXPECT_EQ(stored, 0);
  });
}

/// Many locks, few rooms: some share one. Each is taken, waited for and destroyed all the time.
TEST_P(lock_hammer, short_lived_locks_come_and_go) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    struct entry {
      weft::mutex m;
      int references = 3;
    };
    const auto release = [](entry* e, bool pause) {
      e->m.lock();
      if (pause) weft::yield();
      const bool last = --e->references == 0;
      e->m.unlock();
      if (last) delete e;
    };
    stress::crew crew;
    for (int i = 0; i < 600 / stress::slowdown; ++i) {
      auto* e = new entry;
      for (int r = 0; r < 3; ++r)
        crew.start(false, [=, pause = random.percent(30)] { release(e, pause); });
    }
  });
}

}  // namespace
