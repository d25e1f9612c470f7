// Storms of goroutines that start goroutines, from goroutines and from plain threads.
#include <array>
#include <atomic>
#include <memory>

#include "support.hpp"
#include "weft_test.hpp"

namespace {

class spawn_storm : public stress::at_processors {};
WEFT_AT_PROCESSORS(spawn_storm);

/// A random tree: every node starts its children, then ends; the tree is over when all have run.
struct tree {
  weft::wait_group nodes;
  std::atomic<std::size_t> ran{0};
  std::atomic<std::size_t> started{0};
  std::atomic<int> room{stress::crowd};

  void grow(std::uint64_t seed) {
    ran.fetch_add(1);
    stress::random_source random(seed);
    if (random.percent(20)) weft::yield();
    for (std::size_t children = random.below(5); children > 0 && room.fetch_sub(1) > 0; --children)
      plant(random.next());
  }
  void plant(std::uint64_t seed) {
    started.fetch_add(1);
    nodes.go([this, seed] { grow(seed); });
  }
};

TEST_P(spawn_storm, every_node_of_random_trees_runs_once) {
  stress::repeat([](std::uint64_t seed) {
    tree t;
    stress::random_source random(seed);
    for (int roots = 0; roots < 8; ++roots) t.plant(random.next());
    t.nodes.wait();
    EXPECT_EQ(t.ran.load(), t.started.load());
    stress::expect_no_goroutines();
  });
}

TEST_P(spawn_storm, threads_start_bursts_at_the_same_time) {
  stress::repeat([](std::uint64_t) {
    constexpr int threads = 6;
    constexpr int each = stress::crowd / threads;
    std::atomic<int> ran{0};
    {
      stress::crew callers;
      for (int t = 0; t < threads; ++t)
        callers.start(true, [&ran] {
          weft::wait_group mine;
          for (int i = 0; i < each; ++i) mine.go([&ran] { ran.fetch_add(1); });
          mine.wait();
        });
    }
    EXPECT_EQ(ran.load(), threads * each);
    stress::expect_no_goroutines();
  });
}

/// A relay race: each goroutine starts its successor and ends; only a few are alive at any time.
TEST_P(spawn_storm, long_chains_of_successors) {
  struct runner {
    static void run(weft::wait_group all, int left, std::atomic<int>& laps) {
      laps.fetch_add(1);
      if (left > 0)
        weft::go([all, left, &laps] { run(all, left - 1, laps); });
      else
        all.done();
    }
  };
  stress::repeat([](std::uint64_t) {
    constexpr int chains = 16;
    constexpr int length = 2'000 / stress::slowdown;
    std::atomic<int> laps{0};
    weft::wait_group all;
    all.add(chains);
    for (int i = 0; i < chains; ++i) weft::go([all, &laps] { runner::run(all, length, laps); });
    all.wait();
    EXPECT_EQ(laps.load(), chains * (length + 1));
    stress::expect_no_goroutines();
  });
}

TEST_P(spawn_storm, closures_of_every_size_are_copied_and_destroyed_once) {
  stress::repeat([](std::uint64_t seed) {
    const auto witness = std::make_shared<int>(0);
    stress::random_source random(seed);
    weft::wait_group all;
    std::atomic<std::size_t> wrong{0};
    const auto start = [&]<std::size_t bytes>(std::integral_constant<std::size_t, bytes>) {
      std::array<unsigned char, bytes> ballast;
      ballast.fill(static_cast<unsigned char>(bytes % 251));
      all.go([ballast, witness, &wrong] {
        weft::yield();
        for (unsigned char b : ballast)
          if (b != static_cast<unsigned char>(bytes % 251)) wrong.fetch_add(1);
      });
    };
    for (int i = 0; i < stress::crowd / 10; ++i) {
      switch (random.below(5)) {
        case 0:
          start(std::integral_constant<std::size_t, 1>{});
          break;
        case 1:
          start(std::integral_constant<std::size_t, 64>{});
          break;
        case 2:
          start(std::integral_constant<std::size_t, 300>{});
          break;
        case 3:
          start(std::integral_constant<std::size_t, 2'000>{});
          break;
        default:
          start(std::integral_constant<std::size_t, 8'000>{});
          break;
      }
    }
    all.wait();
    stress::expect_no_goroutines();
    EXPECT_EQ(wrong.load(), 0U);
    EXPECT_EQ(witness.use_count(), 1);
  });
}

TEST_P(spawn_storm, named_goroutines_with_stacks_of_several_sizes) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    weft::wait_group all;
    std::atomic<int> ran{0};
    for (int i = 0; i < 200; ++i) {
      const std::size_t smallest = weft_test::sanitized ? 32'768 : 16'384;  // frames are larger
      const std::size_t stack = smallest << random.below(5);
      all.go(weft::named("storm").stack(stack), [&ran, stack] {
        volatile unsigned char deep[8'192];
        for (std::size_t at = 0; at < sizeof deep; at += 512) deep[at] = 1;
        weft::yield();
        ran.fetch_add(stack > 0 && deep[512] == 1 ? 1 : 0);
      });
    }
    all.wait();
    EXPECT_EQ(ran.load(), 200);
  });
}

TEST_P(spawn_storm, goroutines_that_end_by_exit_goroutine) {
  stress::repeat([](std::uint64_t) {
    std::atomic<int> unwound{0};
    weft::wait_group all;
    for (int i = 0; i < 1'000 / stress::slowdown; ++i)
      all.go([&unwound, i] {
        weft::defer count{[&unwound] { unwound.fetch_add(1); }};
        if (i % 3 == 0) weft::yield();
        if (i % 2 == 0) weft::exit_goroutine();
      });
    all.wait();
    EXPECT_EQ(unwound.load(), 1'000 / stress::slowdown);
  });
}

}  // namespace
