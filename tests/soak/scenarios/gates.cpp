// Semaphores, once, latches, barriers, events, pools, flights and wait groups.
#include <chrono>
#include <stdexcept>
#include <vector>

#include "scenarios.hpp"

namespace soak {
namespace {

using namespace std::chrono_literals;

bool acquire_somehow(weft::semaphore& of, std::ptrdiff_t n, random_source& random) {
  switch (random.below(6)) {
    case 0:
      return of.try_acquire(n);
    case 1:
      return of.try_acquire_for(random.tiny_wait(), n);
    case 2: {
      const auto [ctx, cancel] = weft::with_timeout(weft::background(), random.tiny_wait());
      const bool got = of.acquire(ctx, n);
      cancel();
      return got;
    }
    default:
      of.acquire(n);
      return true;
  }
}

}  // namespace

void weighted_semaphore(scene& s) {
  const auto size = static_cast<std::ptrdiff_t>(s.random().between(1, 10));
  const std::size_t each = scaled(s.random().between(30, 500));
  weft::semaphore permits(size);
  std::atomic<std::ptrdiff_t> taken{0};
  {
    crew all(s);
    s.at("acquiring");
    for (std::size_t i = s.random().between(2, 12); i-- > 0;)
      all.start([&](random_source random) {
        for (std::size_t n = 0; n < each; ++n) {
          const auto wanted =
              static_cast<std::ptrdiff_t>(random.between(1, static_cast<std::size_t>(size)));
          if (!acquire_somehow(permits, wanted, random)) continue;
          s.check(taken.fetch_add(wanted) + wanted <= size, "more is taken than there is");
          if (random.percent(5)) weft::yield();
          taken -= wanted;
          permits.release(wanted);
          s.step();
        }
      });
  }
  s.check(permits.try_acquire(size), "a permit was lost");
  permits.release(size);
}

void once_only(scene& s) {
  for (std::size_t round = scaled(s.random().between(3, 40)); round-- > 0;) {
    weft::once first;
    int runs = 0;
    const bool throws = s.random().percent(20);
    crew all(s, 5);
    s.at("calling once");
    for (std::size_t i = s.random().between(2, 8); i-- > 0;)
      all.start([&](random_source random) {
        const auto body = [&] {
          ++runs;
          if (random.percent(50)) weft::yield();
          if (throws) throw std::runtime_error("the first call failed");
        };
        try {
          if (random.percent(30) && !first.call_for(random.tiny_wait(), body)) return;
          first.call(body);
        } catch (const std::runtime_error&) {
        }
        s.check(runs == 1, "a call returned before the first had run");
        s.step();
      });
    all.join();
    s.check(runs == 1, "it did not run once");
  }
}

void latch_and_barrier(scene& s) {
  const std::size_t members = s.random().between(2, 10);
  const std::size_t phases = scaled(s.random().between(3, 60));
  weft::latch started(static_cast<std::ptrdiff_t>(members));
  std::size_t completed = 0;
  const auto complete = [&completed]() noexcept { ++completed; };
  weft::barrier gate(static_cast<std::ptrdiff_t>(members), complete);
  std::atomic<std::size_t> arrived{0};
  crew all(s);
  s.at("passing phases");
  for (std::size_t i = 0; i < members; ++i)
    all.start([&](random_source random) {
      if (random.percent(50)) {
        started.arrive_and_wait();
      } else {
        started.count_down();
        while (!started.wait_for(random.tiny_wait())) s.step();
      }
      for (std::size_t phase = 1; phase <= phases; ++phase) {
        ++arrived;
        const auto token = gate.arrive();
        if (random.percent(30))
          while (!gate.wait_for(token, random.tiny_wait())) s.step();
        else
          gate.wait(token);
        s.check(arrived >= phase * members, "the barrier let go too early");
        s.check(completed >= phase, "the barrier let go before its completion");
        gate.arrive_and_wait();  // so that `completed` rests while it is read
        s.step();
      }
    });
  all.join();
  s.check(completed == 2 * phases, "a phase was completed more than once");
}

/// Events set and reset in turns between two sides.
void event_relay(scene& s) {
  const std::size_t rounds = scaled(s.random().between(20, 400));
  weft::event ping;
  weft::event pong;
  const auto await = [&s](weft::event& e, random_source& random) {
    if (random.percent(30))
      while (!e.wait_for(random.tiny_wait())) s.step();
    else
      e.wait();
    e.reset();
  };
  std::size_t ball = 0;
  crew all(s);
  s.at("relaying");
  all.start([&](random_source random) {
    for (std::size_t n = 0; n < rounds; ++n) {
      ++ball;
      ping.set();
      await(pong, random);
      s.step();
    }
  });
  all.start([&](random_source random) {
    for (std::size_t n = 0; n < rounds; ++n) {
      await(ping, random);
      s.check(ball == n + 1, "an event came early or twice");
      pong.set();
    }
  });
  all.join();
}

void pooled_objects(scene& s) {
  struct thing {
    thing() = default;
    thing(thing&&) noexcept {}
    std::atomic<int> users{0};
    live counted;
  };
  const std::size_t each = scaled(s.random().between(30, 600));
  weft::pool<thing> things([] { return thing(); }, s.random().between(1, 20));
  crew all(s);
  s.at("borrowing");
  for (std::size_t i = s.random().between(2, 10); i-- > 0;)
    all.start([&](random_source random) {
      for (std::size_t n = 0; n < each; ++n) {
        if (random.percent(20)) {
          things.put(things.get());
        } else if (auto mine = things.borrow()) {
          s.check(mine->users.fetch_add(1) == 0, "an object has two users");
          if (random.percent(5)) weft::yield();
          --mine->users;
          if (random.percent(3)) mine.discard();
        }
        if (random.percent(1)) things.trim();
        s.step();
      }
    });
  all.join();
}

void single_flights(scene& s) {
  const std::size_t keys = s.random().between(1, 4);
  const std::size_t each = scaled(s.random().between(20, 200));
  weft::single_flight<std::size_t, std::size_t> flights;
  std::vector<std::atomic<int>> inside(keys);
  {
    crew all(s);
    s.at("flying");
    for (std::size_t i = s.random().between(2, 10); i-- > 0;)
      all.start([&](random_source random) {
        for (std::size_t n = 0; n < each; ++n) {
          const std::size_t key = random.below(keys);
          const bool naps = random.percent(10);
          const auto fly = [&s, &inside, key, naps] {
            s.check(inside[key].fetch_add(1) == 0, "two flights for one key");
            if (naps) weft::yield();
            --inside[key];
            return key * 10;
          };
          if (random.percent(20)) {
            const auto answer = flights.call_for(random.tiny_wait(), key, fly);
            s.check(!answer || answer->value == key * 10, "another key's answer");
          } else {
            s.check(flights.call(key, fly).value == key * 10, "another key's answer");
          }
          s.step();
        }
      });
  }
  // A flight whose caller gave up goes on by itself: it still looks at what is here.
  s.at("waiting for the last flights");
  for (std::size_t key = 0; key < keys; ++key) flights.call(key, [key] { return key; });
}

void wait_group_rounds(scene& s) {
  const weft::wait_group group;
  for (std::size_t round = scaled(s.random().between(5, 60)); round-- > 0;) {
    const std::size_t members = s.random().between(1, 20);
    std::atomic<std::size_t> ended{0};
    for (std::size_t i = 0; i < members; ++i)
      group.go([&ended, yields = s.random().below(3)] {
        for (std::size_t n = yields; n-- > 0;) weft::yield();
        ++ended;
      });
    crew waiting(s, 20);
    s.at("waiting together");
    for (std::size_t i = s.random().between(1, 4); i-- > 0;)
      waiting.start([&](random_source random) {
        if (random.percent(40))
          while (!group.wait_for(random.tiny_wait())) s.step();
        else
          group.wait();
        s.check(ended == members, "wait returned too early");
      });
    waiting.join();
  }
}

}  // namespace soak
