// set_max_procs at any moment, runs inside runs, and threads that come and go.
#include <atomic>

#include "support.hpp"

namespace {

class processors : public stress::at_processors {};
WEFT_AT_PROCESSORS(processors);

TEST_P(processors, changed_by_many_at_once) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    const int before = weft::max_procs();
    std::atomic<long> turns{0};
    stress::crew crew;
    for (int i = 0; i < 6; ++i)
      crew.start(i < 3, [&turns, own = random.next()] {
        stress::random_source choice(own);
        for (int n = 0; n < 60 / stress::slowdown + 1; ++n) {
          const int old = weft::set_max_procs(1 + static_cast<int>(choice.below(6)));
          EXPECT_GE(old, 1);
          EXPECT_LE(old, 6);
          weft::wait_group work;
          for (int task = 0; task < 5; ++task) work.go([&turns] { turns.fetch_add(1); });
          work.wait();
        }
      });
    crew.join();
    EXPECT_EQ(turns.load(), 6L * (60 / stress::slowdown + 1) * 5);
    weft::set_max_procs(before);
    EXPECT_EQ(weft::max_procs(), before);
  });
}

TEST_P(processors, taken_away_from_goroutines_that_never_block) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    std::atomic<bool> over{false};
    std::atomic<long> spins{0};
    weft::wait_group all;
    for (int i = 0; i < 8; ++i)
      all.go([&] {
        while (!over.load()) {
          spins.fetch_add(1);
          weft::yield();
        }
      });
    const int before = weft::max_procs();
    for (int n = 0; n < 30 || spins.load() == 0; ++n) {
      weft::set_max_procs(1 + static_cast<int>(random.below(8)));
      weft::sleep_for(random.tiny_wait());
    }
    weft::set_max_procs(before);
    over.store(true);
    all.wait();
  });
}

TEST_P(processors, goroutines_wait_in_a_full_queue_while_one_after_another_goes) {
  stress::repeat([](std::uint64_t) {
    std::atomic<int> ran{0};
    const int before = weft::set_max_procs(8);
    weft::wait_group all;
    constexpr int tasks = stress::crowd / 10;
    for (int i = 0; i < tasks; ++i)
      all.go([&ran] {
        weft::yield();
        ran.fetch_add(1);
      });
    for (int n = 7; n >= 1; --n) weft::set_max_procs(n);
    all.wait();
    EXPECT_EQ(ran.load(), tasks);
    weft::set_max_procs(before);
  });
}

/// Plain threads are born, make one call of each kind, and die.
TEST_P(processors, short_lived_threads_call_in) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    const weft::chan<int> sums(3);
    constexpr int count = 64;
    weft::wait_group adder;
    long total = 0;
    adder.go([&] {
      for (int v : sums) total += v;
    });
    {
      stress::crew threads;
      for (int i = 0; i < count; ++i)
        threads.start(true, [sums, i, own = random.next()] {
          stress::random_source choice(own);
          const weft::chan<int> reply;
          weft::go([reply, i] { reply.send(i); });
          weft::sleep_for(choice.tiny_wait());
          const int got = reply.recv().value_or(1'000'000);
          EXPECT_EQ(weft::run([got] { return got + 1; }), i + 1);
          weft::select(weft::on_send(sums, int{got}));
          weft::yield();
        });
    }
    sums.close();
    adder.wait();
    EXPECT_EQ(total, long{count} * (count - 1) / 2);
  });
}

TEST_P(processors, runs_inside_goroutines_hand_out_results_and_exceptions) {
  stress::repeat([](std::uint64_t) {
    std::atomic<int> caught{0};
    stress::crew crew;
    for (int i = 0; i < 40; ++i)
      crew.start(i < 8, [&caught, i] {
        EXPECT_EQ(weft::run([i] {
                    weft::yield();
                    return weft::run([i] { return i * 2; }) + 1;
                  }),
                  i * 2 + 1);
        try {
          weft::run([] {
            weft::yield();
            throw std::runtime_error("out");
          });
        } catch (const std::runtime_error&) {
          caught.fetch_add(1);
        }
      });
    crew.join();
    EXPECT_EQ(caught.load(), 40);
  });
}

/// A prime sieve is a chain of rendezvous that grows while it is in use.
TEST_P(processors, a_growing_chain_of_rendezvous) {
  constexpr int primes = 200 / stress::slowdown;
  const auto sieve = [](weft::chan<int> numbers, weft::chan<void> over, weft::wait_group stages) {
    int last = 0;
    for (int n = 0; n < primes; ++n) {
      last = *numbers.recv();
      const weft::chan<int> rest;
      stages.go([=] {
        while (true) {
          const auto candidate = numbers.recv();
          if (!candidate) break;
          if (*candidate % last == 0) continue;
          if (weft::select(weft::on_send(rest, int{*candidate}), weft::on_recv(over)) == 1) break;
        }
        rest.close();
      });
      numbers = rest;
    }
    return last;
  };
  stress::repeat([&](std::uint64_t) {
    const weft::chan<int> numbers;
    const weft::chan<void> over;
    weft::wait_group stages;
    stages.go([=] {
      for (int n = 2; weft::select(weft::on_send(numbers, int{n}), weft::on_recv(over)) == 0;) ++n;
      numbers.close();
    });
    const int last = sieve(numbers, over, stages);
    over.close();
    stages.wait();
    EXPECT_EQ(last, primes == 200 ? 1223 : primes == 66 ? 317 : 71);
  });
}

}  // namespace
