// Exceptions that are thrown, held and rethrown while goroutines park and change threads.
#include <atomic>
#include <exception>
#include <stdexcept>

#include "support.hpp"

namespace {

class exception_storm : public stress::at_processors {};
WEFT_AT_PROCESSORS(exception_storm);

struct numbered : std::runtime_error {
  explicit numbered(int n) : std::runtime_error("numbered"), number(n) {}
  int number;
};

void pause(stress::random_source& random, const weft::chan<int>& mail) {
  switch (random.below(4)) {
    case 0:
      return weft::yield();
    case 1:
      return weft::sleep_for(std::chrono::nanoseconds(random.below(30'000)));
    case 2:
      static_cast<void>(mail.send_for(1, std::chrono::microseconds(10)));
      return;
    default:
      static_cast<void>(mail.recv_for(std::chrono::microseconds(10)));
      return;
  }
}

/// Parks during unwinding, and looks at the counts of exceptions in flight around it.
struct parks_in_destructor {
  stress::random_source& random;
  const weft::chan<int>& mail;
  int in_flight;

  ~parks_in_destructor() {
    EXPECT_EQ(std::uncaught_exceptions(), in_flight);
    pause(random, mail);
    EXPECT_EQ(std::uncaught_exceptions(), in_flight);
  }
};

/// Throws through `depth` frames whose destructors park, and parks in every catch block.
void throw_from_depth(stress::random_source& random, const weft::chan<int>& mail, int depth,
                      int number) {
  parks_in_destructor guard{random, mail, 1};
  if (depth == 0) throw numbered(number);
  try {
    throw_from_depth(random, mail, depth - 1, number);
  } catch (const numbered& e) {
    pause(random, mail);
    EXPECT_EQ(e.number, number);
    EXPECT_EQ(std::uncaught_exceptions(), 0);
    throw;
  }
}

void hold_two_at_once(stress::random_source& random, const weft::chan<int>& mail, int number) {
  try {
    throw numbered(number);
  } catch (const numbered& outer) {
    pause(random, mail);
    try {
      throw_from_depth(random, mail, 2, -number);
    } catch (const numbered& inner) {
      pause(random, mail);
      EXPECT_EQ(inner.number, -number);
    }
    pause(random, mail);
    EXPECT_EQ(outer.number, number);
    try {
      throw;  // the outer one is current again
    } catch (const numbered& again) {
      EXPECT_EQ(again.number, number);
    }
  }
  EXPECT_EQ(std::current_exception(), nullptr);
}

TEST_P(exception_storm, thrown_held_and_rethrown_around_parks) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    const weft::chan<int> mail(1);
    stress::crew crew;
    for (int i = 1; i <= 60; ++i)
      crew.start(i <= 4, [&mail, i, own = random.next()] {
        stress::random_source choice(own);
        for (int n = 0; n < 10 / stress::slowdown + 1; ++n) {
          hold_two_at_once(choice, mail, i);
          EXPECT_THROW(throw_from_depth(choice, mail, 3, i), numbered);
        }
      });
    crew.join();
  });
}

TEST_P(exception_storm, an_exception_pointer_travels_through_a_channel) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    const weft::chan<std::exception_ptr> errors(3);
    const weft::chan<int> mail(1);
    constexpr int count = 100;
    weft::wait_group throwers;
    for (int i = 0; i < count; ++i)
      throwers.go([&, i, own = random.next()] {
        stress::random_source choice(own);
        try {
          pause(choice, mail);
          throw_from_depth(choice, mail, 1, i);
        } catch (...) {
          errors.send(std::current_exception());
        }
      });
    // All are kept until their throwers have ended: the count of an exception's owners is kept by
    // the C++ library, where ThreadSanitizer does not see it.
    std::vector<std::exception_ptr> held;
    std::vector<int> seen(count, 0);
    for (int i = 0; i < count; ++i) {
      held.push_back(*errors.recv());
      try {
        std::rethrow_exception(held.back());
      } catch (const numbered& e) {
        weft::yield();
        ++seen[static_cast<std::size_t>(e.number)];
      }
    }
    throwers.wait();
    for (int times : seen) EXPECT_EQ(times, 1);
  });
}

/// Senders that are caught by a close: each throws, parks in its catch block and carries on.
TEST_P(exception_storm, a_close_throws_in_every_waiting_sender) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    const weft::chan<int> mail(1);
    const weft::chan<int> closing(random.below(3));
    const int room = static_cast<int>(closing.capacity());
    constexpr int senders = 50;
    std::atomic<int> refused{0};
    std::atomic<int> arrived{0};
    stress::crew crew;
    for (int i = 0; i < senders; ++i)
      crew.start(i < 4, [&, own = random.next()] {
        stress::random_source choice(own);
        arrived.fetch_add(1);
        try {
          closing.send(1);
        } catch (const weft::closed_channel& e) {
          pause(choice, mail);
          EXPECT_STREQ(e.what(), "send on closed channel");
          refused.fetch_add(1);
        }
      });
    if (random.percent(50)) weft::sleep_for(random.tiny_wait());
    closing.close();
    crew.join();
    int drained = 0;
    while (closing.recv()) ++drained;
    EXPECT_EQ(arrived.load(), senders);
    EXPECT_LE(drained, room);
    EXPECT_EQ(refused.load() + drained, senders);
  });
}

}  // namespace
