// Random trees of tasks, groups and loops: everything runs once, every error arrives, none is left.
#include <array>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <vector>

#include "../support.hpp"

namespace {

class task_storm : public stress::at_processors {};
WEFT_AT_PROCESSORS(task_storm);

struct bad_luck : std::runtime_error {
  bad_luck() : std::runtime_error("bad luck") {}
};

/// A random program. What it returns is the number of leaves, which the seed alone decides.
struct program {
  std::atomic<int> visited{0};

  int leaf(stress::random_source& random) {
    if (random.percent(20)) weft::yield();
    if (random.percent(3)) weft::sleep_for(random.tiny_wait());
    ++visited;
    return 1;
  }

  int tasks(stress::random_source& random, int depth) {
    std::vector<weft::task<int>> all;
    const std::size_t count = random.below(5);
    for (std::size_t i = 0; i < count; ++i)
      all.push_back(weft::spawn([this, seed = random.next(), depth] { return run(seed, depth); }));
    int sum = 0;
    if (random.percent(30) && !all.empty()) {
      const std::size_t first = weft::when_any(all);
      EXPECT_TRUE(all[first].ready());
    }
    if (random.percent(50)) {
      for (const int each : weft::when_all(all)) sum += each;
    } else {
      const bool backwards = random.percent(50);
      for (std::size_t i = 0; i < count; ++i) {
        weft::task<int>& each = all[backwards ? count - 1 - i : i];
        if (random.percent(20)) static_cast<void>(each.join_for(random.tiny_wait()));
        sum += each.get();
      }
    }
    return sum;
  }

  int group(stress::random_source& random, int depth) {
    std::array<int, 5> parts{};
    weft::task_group g;
    if (random.percent(50)) g.set_limit(1 + static_cast<int>(random.below(3)));
    const std::size_t count = random.below(parts.size());
    for (std::size_t i = 0; i < count; ++i)
      g.go([this, &parts, i, seed = random.next(), depth] { parts[i] = run(seed, depth); });
    g.wait();
    int sum = 0;
    for (const int each : parts) sum += each;
    return sum;
  }

  int loop(stress::random_source& random, int depth) {
    const std::uint64_t seed = random.next();
    return weft::parallel_reduce(
        std::size_t{0}, random.below(12), 0, std::plus<>{},
        [this, seed, depth](std::size_t i) { return run(seed + i, depth - 1); },
        static_cast<std::ptrdiff_t>(random.below(4)));
  }

  int run(std::uint64_t seed, int depth) {
    stress::random_source random(seed);
    if (depth <= 0 || random.percent(20)) return leaf(random);
    switch (random.below(3)) {
      case 0:
        return tasks(random, depth - 1);
      case 1:
        return group(random, depth - 1);
      default:
        return loop(random, depth - 1);
    }
  }
};

TEST_P(task_storm, random_programs_visit_every_leaf_once) {
  stress::repeat([](std::uint64_t seed) {
    program p;
    const int leaves = weft::run([&] { return p.run(seed, 5); });
    EXPECT_EQ(p.visited.load(), leaves);
    stress::expect_no_goroutines();
  });
}

/// The exception comes out at the top, whichever way the tree is made, and nobody is left behind.
struct failing_tree {
  std::atomic<int> alive{0};

  void run(std::uint64_t seed, int depth) {
    ++alive;
    const weft::defer out([this] { --alive; });
    stress::random_source random(seed);
    if (depth == 0) {
      if (random.percent(5)) weft::yield();
      if (random.percent(2)) throw bad_luck();
      return;
    }
    const std::uint64_t next = random.next();
    if (random.percent(30)) {
      weft::parallel_for(0, 4, [&](int i) { run(next + static_cast<unsigned>(i), depth - 1); });
    } else if (random.percent(50)) {
      weft::task_group g;
      for (unsigned i = 0; i < 4; ++i) g.go([&, i] { run(next + i, depth - 1); });
      g.wait();
    } else {
      auto a = weft::spawn([&] { run(next, depth - 1); });
      auto b = weft::spawn([&] { run(next + 1, depth - 1); });
      weft::when_all(a, b);
    }
  }
};

TEST_P(task_storm, exceptions_come_out_at_the_top) {
  stress::repeat([](std::uint64_t seed) {
    failing_tree tree;
    try {
      weft::run([&] { tree.run(seed, 4); });
    } catch (const bad_luck&) {
    }
    EXPECT_EQ(tree.alive.load(), 0) << "somebody outlived the tree";
    stress::expect_no_goroutines();
  });
}

/// Whoever drops a handle, joins with a bound, waits for any: the block is freed once.
TEST_P(task_storm, handles_are_dropped_at_every_moment) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    auto alive = std::make_shared<int>(0);
    const weft::wait_group all;
    for (int user = 0; user < 4; ++user)
      all.go([&alive, seed = random.next()] {
        stress::random_source own(seed);
        for (int i = 0; i < 50; ++i) {
          auto t = weft::spawn([alive, pause = own.percent(30)] {
            if (pause) weft::yield();
            return alive;
          });
          if (own.percent(30)) weft::yield();
          if (own.percent(30)) static_cast<void>(t.join_for(own.tiny_wait()));
          if (own.percent(20)) static_cast<void>(weft::when_any_for(own.tiny_wait(), t));
          if (own.percent(30)) {
            EXPECT_EQ(t.get(), alive);
          }
        }
      });
    all.wait();
    stress::expect_no_goroutines();
    EXPECT_EQ(alive.use_count(), 1);
  });
}

}  // namespace
