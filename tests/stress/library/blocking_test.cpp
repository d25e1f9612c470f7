// Goroutines that block their threads, compute without a pause, and talk to others meanwhile: every
// message arrives exactly once, whoever is stuck.
#include <unistd.h>

#include <atomic>
#include <chrono>

#include "../support.hpp"

namespace {

class blocking : public stress::at_processors {};
WEFT_AT_PROCESSORS(blocking);

/// Somewhere between not noticed and surely noticed by the monitor.
void get_stuck(stress::random_source& random) {
  using clock = std::chrono::steady_clock;
  const auto us = static_cast<unsigned>(random.below(15'000));
  switch (random.below(4)) {
    case 0:
      static_cast<void>(::usleep(us));
      break;
    case 1:
      weft::blocking([us] { static_cast<void>(::usleep(us / 4)); });
      break;
    case 2:
      for (const auto end = clock::now() + std::chrono::microseconds(us); clock::now() < end;) {
      }
      break;
    default:
      weft::sleep_for(std::chrono::microseconds(us / 16));
  }
}

TEST_P(blocking, loses_no_message) {
  stress::repeat([](std::uint64_t seed) {
    constexpr int senders = 12;
    constexpr int each = 40 / stress::slowdown + 2;
    stress::random_source random(seed);
    const weft::chan<int> c(static_cast<int>(random.below(3)));
    std::atomic<long> received{0};
    std::atomic<int> count{0};
    std::atomic<int> started{0};
    weft::wait_group sending, receiving, others;
    for (int i = 0; i < senders; ++i)
      sending.go([&, own = random.next()] {
        stress::random_source choice(own);
        for (int n = 1; n <= each; ++n) {
          if (choice.below(8) == 0) get_stuck(choice);
          c.send(n);
          if (choice.below(8) != 0) continue;
          started.fetch_add(1);
          others.go([&count] { count.fetch_add(1); });
        }
      });
    for (int i = 0; i < 3; ++i)
      receiving.go([&, own = random.next()] {
        stress::random_source choice(own);
        for (const int n : c) {
          received.fetch_add(n);
          if (choice.below(32) == 0) get_stuck(choice);
        }
      });
    sending.wait();
    c.close();
    receiving.wait();
    others.wait();
    EXPECT_EQ(count.load(), started.load());
    EXPECT_EQ(received.load(), long{senders} * each * (each + 1) / 2);
  });
}

TEST_P(blocking, while_the_number_of_processors_changes) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    const int before = weft::max_procs();
    std::atomic<int> ended{0};
    weft::wait_group all;
    for (int i = 0; i < 20; ++i)
      all.go([&, own = random.next()] {
        stress::random_source choice(own);
        for (int n = 0; n < 3; ++n) {
          get_stuck(choice);
          weft::yield();
        }
        ended.fetch_add(1);
      });
    for (int n = 0; n < 10; ++n) {
      weft::set_max_procs(1 + static_cast<int>(random.below(4)));
      weft::sleep_for(std::chrono::milliseconds(1));
    }
    weft::set_max_procs(before);
    all.wait();
    EXPECT_EQ(ended.load(), 20);
  });
}

}  // namespace
