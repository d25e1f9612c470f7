// Stacks: deep and wide ones, exceptions on the way, early ends, many at once.
#include <array>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "scenarios.hpp"

namespace soak {
namespace {

/// Goes down `depth` frames, parks now and then, and looks on the way back whether each is intact.
[[gnu::noinline]] std::size_t descend(scene& s, std::size_t depth, random_source& random) {
  volatile std::size_t pattern[8];
  for (std::size_t i = 0; i < 8; ++i) pattern[i] = depth * 8 + i;
  if (random.percent(1)) weft::yield();
  if (random.below(400) == 0) weft::sleep_for(random.tiny_wait());
  const std::size_t below = depth == 0 ? 0 : descend(s, depth - 1, random);
  for (std::size_t i = 0; i < 8; ++i)
    s.check(pattern[i] == depth * 8 + i, "a frame was overwritten while it was parked");
  return below + 1;
}

struct planned_failure : std::runtime_error {
  explicit planned_failure(int n) : std::runtime_error(std::to_string(n)), number(n) {}
  int number;
};

/// Parks in its destructor, while an exception flies past.
struct parks_at_exit {
  scene& s;
  random_source& random;
  int expected;
  ~parks_at_exit() {
    s.check(std::uncaught_exceptions() == expected, "uncaught_exceptions before a park");
    if (random.percent(50))
      weft::yield();
    else
      weft::sleep_for(random.tiny_wait());
    s.check(std::uncaught_exceptions() == expected, "uncaught_exceptions after a park");
  }
};

void throw_through(scene& s, random_source& random, int number, int depth) {
  const parks_at_exit guard{s, random, 1};
  if (depth == 0) throw planned_failure(number);
  throw_through(s, random, number, depth - 1);
}

void catch_and_throw(scene& s, random_source& random, int number) {
  try {
    throw_through(s, random, number, static_cast<int>(random.below(4)));
    s.check(false, "an exception got lost");
  } catch (const planned_failure& e) {
    if (random.percent(50)) weft::yield();
    s.check(e.number == number, "another's exception");
    try {
      throw planned_failure(number + 1);
    } catch (const planned_failure& inner) {
      weft::sleep_for(random.tiny_wait());
      s.check(inner.number == number + 1, "another's inner exception");
    }
    const std::exception_ptr now = std::current_exception();
    try {
      std::rethrow_exception(now);
    } catch (const planned_failure& again) {
      weft::yield();
      s.check(again.number == number, "current_exception is another's");
    }
  }
  s.check(!std::current_exception(), "an exception is still current");
}

}  // namespace

void deep_recursion(scene& s) {
  crew all(s);
  s.at("going down");
  for (std::size_t i = s.random().between(1, scaled(40)); i-- > 0;)
    all.start([&s](random_source random) {
      const std::size_t depth = random.between(10, under_tsan || under_asan ? 80 : 500);
      s.check(descend(s, depth, random) == depth + 1, "frames are missing");
      s.step();
    });
  all.join();
}

void many_sizes(scene& s) {
  const weft::wait_group all;
  s.at("stacks of many sizes");
  for (std::size_t i = s.random().between(1, scaled(30)); i-- > 0;) {
    const std::size_t bytes = std::size_t{64 * 1024} << s.random().below(5);
    // A frame takes a few hundred bytes; with a sanitizer up to a thousand.
    const std::size_t depth = bytes / (under_tsan || under_asan ? 4'000 : 1'000);
    all.go(weft::named("of some size").stack(bytes),
           [&s, depth, random = s.random().split()]() mutable {
             s.check(descend(s, depth, random) == depth + 1, "frames are missing");
             s.step();
           });
  }
  all.wait();
}

void exceptions_that_park(scene& s) {
  crew all(s);
  const std::size_t each = scaled(s.random().between(10, 80));
  s.at("throwing");
  for (std::size_t i = s.random().between(2, 10); i-- > 0;)
    all.start([&s, each, me = static_cast<int>(i) * 100'000](random_source random) {
      for (std::size_t n = 0; n < each; ++n) {
        catch_and_throw(s, random, me + static_cast<int>(n) * 2);
        s.step();
      }
    });
  all.join();
}

/// Goroutines that end in the midst of everything: what is on their stacks is destroyed.
void early_exits(scene& s) {
  struct leaver {
    static void leave(random_source& random, std::size_t depth) {
      const live on_this_frame;
      if (random.percent(20)) weft::yield();
      if (depth > 0)
        leave(random, depth - 1);
      else if (random.percent(101))  // always, but the compiler must not know
        weft::exit_goroutine();
    }
  };
  const std::size_t count = scaled(s.random().between(5, 200));
  std::atomic<std::size_t> deferred{0};
  const weft::wait_group all;
  s.at("leaving early");
  for (std::size_t i = 0; i < count; ++i)
    all.go([&s, &deferred, random = s.random().split()]() mutable {
      const weft::defer d([&deferred] { ++deferred; });
      if (random.percent(80)) {
        leaver::leave(random, random.below(10));
        s.check(false, "exit_goroutine came back");
      }
    });
  all.wait();
  s.check(deferred == count, "a defer did not run");
}

void spawn_storm(scene& s) {
  const std::size_t spawners = s.random().between(1, 6);
  const std::size_t each = scaled(s.random().between(50, 1'500));
  std::atomic<std::size_t> ran{0};
  const weft::wait_group children;
  {
    crew all(s);
    s.at("spawning");
    for (std::size_t i = 0; i < spawners; ++i)
      all.start([&, children](random_source random) {
        for (std::size_t n = 0; n < each; ++n) {
          const bool large = random.percent(10);
          if (large)
            children.go([&ran, much = std::array<std::uint64_t, 40>{n}, counted = live()] {
              ran += much[0] == ~std::uint64_t{0} ? 0 : 1;
            });
          else
            children.go([&ran, yields = random.percent(20)] {
              if (yields) weft::yield();
              ++ran;
            });
          if (random.percent(1)) weft::yield();
        }
        s.step();
      });
  }
  s.at("waiting for the spawned");
  children.wait();
  s.check(ran == spawners * each, "a goroutine did not run once");
}

/// Values that belong to a goroutine stay with it and end with it.
void local_values(scene& s) {
  struct value {
    std::size_t owner = 0;
    live counted;
  };
  weft::local<value> mine;
  {
    crew all(s);
    s.at("using locals");
    for (std::size_t i = 1; i <= scaled(40); ++i)
      all.start([&s, &mine, i](random_source random) {
        s.check(mine->owner == 0, "a fresh goroutine finds another's value");
        mine->owner = i;
        for (int n = 0; n < 5; ++n) {
          if (random.percent(50))
            weft::yield();
          else
            weft::sleep_for(random.tiny_wait());
          s.check(mine->owner == i, "a goroutine finds another's value");
        }
        s.step();
      });
  }
}

}  // namespace soak
