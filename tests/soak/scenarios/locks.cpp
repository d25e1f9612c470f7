// Locks: nobody else is inside, and whoever waits gets in.
#include <chrono>
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "scenarios.hpp"

namespace soak {
namespace {

using namespace std::chrono_literals;

/// Returns: whether it is locked now.
bool lock_somehow(weft::mutex& m, random_source& random) {
  switch (random.below(8)) {
    case 0:
      return m.try_lock();
    case 1:
    case 2:
      return m.try_lock_for(random.tiny_wait());
    case 3: {
      const auto [ctx, cancel] = weft::with_timeout(weft::background(), random.tiny_wait());
      const bool got = m.lock(ctx);
      cancel();
      return got;
    }
    default:
      m.lock();
      return true;
  }
}

}  // namespace

void mutex_counter(scene& s) {
  const std::size_t workers = s.random().between(2, 12);
  const std::size_t each = scaled(s.random().between(50, 1'000));
  weft::mutex m;
  std::size_t counter = 0;  // plain, so that TSan and lost updates tell
  std::atomic<std::size_t> expected{0};
  crew all(s);
  s.at("counting");
  for (std::size_t i = 0; i < workers; ++i)
    all.start([&](random_source random) {
      for (std::size_t n = 0; n < each; ++n) {
        if (!lock_somehow(m, random)) continue;
        const std::size_t before = counter;
        if (random.percent(2)) weft::yield();
        if (random.percent(1)) weft::sleep_for(random.tiny_wait());
        counter = before + 1;
        m.unlock();
        ++expected;
        s.step();
      }
    });
  all.join();
  s.check(counter == expected, "an update was lost: two were inside");
}

void shared_mutex_pair(scene& s) {
  const std::size_t workers = s.random().between(2, 12);
  const std::size_t each = scaled(s.random().between(50, 600));
  const std::size_t write_percent = s.random().between(1, 60);
  weft::shared_mutex m;
  std::size_t first = 0;
  std::size_t second = 0;
  crew all(s);
  s.at("reading and writing");
  for (std::size_t i = 0; i < workers; ++i)
    all.start([&](random_source random) {
      for (std::size_t n = 0; n < each; ++n) {
        const bool in_a_hurry = random.percent(20);
        if (random.percent(write_percent)) {
          if (in_a_hurry && !m.try_lock_for(random.tiny_wait())) continue;
          if (!in_a_hurry) m.lock();
          ++first;
          if (random.percent(3)) weft::yield();
          ++second;
          m.unlock();
        } else {
          if (in_a_hurry && !m.try_lock_shared_for(random.tiny_wait())) continue;
          if (!in_a_hurry) m.lock_shared();
          const std::size_t seen = first;
          if (random.percent(3)) weft::yield();
          s.check(seen == second && seen == first, "a reader was inside together with a writer");
          m.unlock_shared();
        }
        s.step();
      }
    });
  all.join();
}

/// The textbook's queue: a lock and two conditions, with bounded waits among the others.
void bounded_queue(scene& s) {
  const std::size_t makers = s.random().between(1, 5);
  const std::size_t takers = s.random().between(1, 5);
  const std::size_t each = scaled(s.random().between(30, 500));
  const std::size_t room = s.random().between(1, 10);
  weft::mutex m;
  weft::condition_variable not_full;
  weft::condition_variable not_empty;
  std::deque<label> queue;
  std::size_t left = makers * each;
  ledger books(makers, each);
  crew all(s);
  s.at("making and taking");
  for (std::uint32_t from = 0; from < makers; ++from)
    all.start([&, from](random_source random) {
      for (std::uint32_t n = 0; n < each; ++n) {
        std::unique_lock hold(m);
        const auto has_room = [&] { return queue.size() < room; };
        if (random.percent(20))
          while (!not_full.wait_for(hold, random.tiny_wait(), has_room)) s.step();
        else
          not_full.wait(hold, has_room);
        queue.push_back({from, n});
        books.sent({from, n});
        hold.unlock();
        not_empty.notify_one();
      }
    });
  for (std::size_t i = 0; i < takers; ++i)
    all.start([&](random_source random) {
      for (;;) {
        std::unique_lock hold(m);
        const auto has_some = [&] { return !queue.empty() || left == 0; };
        if (random.percent(20))
          while (!not_empty.wait_for(hold, random.tiny_wait(), has_some)) s.step();
        else
          not_empty.wait(hold, has_some);
        if (queue.empty()) return;
        books.received(queue.front());
        queue.pop_front();
        const bool last = --left == 0;
        hold.unlock();
        if (last)
          not_empty.notify_all();
        else
          not_full.notify_one();
        s.step();
      }
    });
  all.join();
  books.balance(s);
}

void philosophers(scene& s) {
  const std::size_t count = s.random().between(2, 10);
  const std::size_t meals = scaled(s.random().between(20, 300));
  std::vector<weft::mutex> forks(count);
  std::vector<int> users(count, 0);
  crew all(s);
  s.at("dining");
  for (std::size_t i = 0; i < count; ++i)
    all.start([&, i](random_source random) {
      const std::size_t left = i;
      const std::size_t right = (i + 1) % count;
      for (std::size_t n = 0; n < meals; ++n) {
        const std::scoped_lock both(forks[left], forks[right]);
        s.check(users[left]++ == 0, "a fork is used twice");
        s.check(users[right]++ == 0, "a fork is used twice");
        if (random.percent(5)) weft::yield();
        --users[left];
        --users[right];
        s.step();
      }
    });
  all.join();
}

}  // namespace soak
