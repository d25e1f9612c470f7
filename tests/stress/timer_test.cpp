// Timers and tickers that are started, stopped, set anew and received from at the same time.
#include <algorithm>
#include <atomic>

#include "support.hpp"

namespace {

using namespace std::chrono_literals;

class timer_storm : public stress::at_processors {};
WEFT_AT_PROCESSORS(timer_storm);

std::chrono::nanoseconds short_delay(stress::random_source& random) {
  return std::chrono::nanoseconds(random.below(random.percent(80) ? 100'000 : 1'500'000));
}

/// One owner does everything: a value is never early, never stale, and the answers of stop and
/// reset agree with what arrives.
void walk_one_timer(std::uint64_t seed) {
  stress::random_source random(seed);
  auto delay = short_delay(random);
  auto earliest = weft::clock::now() + delay;
  weft::timer t(delay);
  bool armed = true;
  for (int step = 0; step < 40; ++step) {
    switch (random.below(4)) {
      case 0: {
        const auto got = t.channel().recv_for(short_delay(random));
        if (!got) break;
        EXPECT_TRUE(armed) << "a value after the timer had been stopped or received from";
        EXPECT_GE(*got, earliest) << "a value of an earlier setting, or early";
        EXPECT_LE(*got, weft::clock::now()) << "a value from the future";
        armed = false;
        break;
      }
      case 1:
        EXPECT_EQ(t.stop(), armed);
        armed = false;
        EXPECT_EQ(t.channel().try_recv().status(), weft::channel_status::would_block);
        break;
      case 2:
        delay = short_delay(random);
        earliest = weft::clock::now() + delay;
        EXPECT_EQ(t.reset(delay), armed);
        armed = true;
        break;
      default:
        weft::yield();
    }
  }
}

TEST_P(timer_storm, thousands_of_timers_with_one_owner_each) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    stress::crew owners;
    for (int i = 0; i < stress::crowd / 10; ++i)
      owners.start(i < 4, [own = random.next()] { walk_one_timer(own); });
    owners.join();
  });
}

/// Several parties at one timer: every setting ends in exactly one way. It is received, or a stop
/// or a reset says that it prevented it.
TEST_P(timer_storm, each_setting_ends_once_however_many_meddle) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    std::atomic<int> set{1};
    std::atomic<int> received{0};
    std::atomic<int> prevented{0};
    const weft::timer t(short_delay(random));
    stress::crew crew;
    for (int i = 0; i < 6; ++i)
      crew.start(i == 0, [&, t, own = random.next()] {
        stress::random_source choice(own);
        for (int step = 0; step < 60 / stress::slowdown + 5; ++step) {
          if (choice.percent(50)) {
            if (t.channel().recv_for(short_delay(choice))) received.fetch_add(1);
          } else if (choice.percent(50)) {
            if (t.stop()) prevented.fetch_add(1);
          } else {
            set.fetch_add(1);
            if (t.reset(short_delay(choice))) prevented.fetch_add(1);
          }
        }
      });
    crew.join();
    if (t.stop()) prevented.fetch_add(1);
    EXPECT_EQ(set.load(), received.load() + prevented.load());
  });
}

TEST_P(timer_storm, many_receive_from_one_ticker_and_each_tick_arrives_once) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    const auto period = std::chrono::microseconds(20 + random.below(300));
    const weft::ticker t(period);
    constexpr std::size_t receivers = 6;
    std::vector<std::vector<weft::time_point>> ticks(receivers);
    stress::crew crew;
    for (std::size_t i = 0; i < receivers; ++i)
      crew.start(i == 0, [&mine = ticks[i], t] {
        while (mine.size() < 20) mine.push_back(*t.channel().recv());
      });
    crew.join();
    t.stop();
    EXPECT_EQ(t.channel().try_recv().status(), weft::channel_status::would_block);
    std::vector<weft::time_point> all;
    for (const auto& mine : ticks) all.insert(all.end(), mine.begin(), mine.end());
    std::sort(all.begin(), all.end());
    for (std::size_t i = 1; i < all.size(); ++i) {
      EXPECT_LT(all[i - 1], all[i]) << "one tick was received twice";
      EXPECT_EQ((all[i] - all[i - 1]) % period, 0ns) << "the phase was lost";
    }
  });
}

TEST_P(timer_storm, tickers_are_reset_and_stopped_under_their_receivers) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    const weft::ticker t(50us);
    const weft::chan<void> over;
    stress::crew crew;
    for (int i = 0; i < 4; ++i)
      crew.start(i == 0, [t, over] {
        while (weft::select(weft::on_recv(t.channel()), weft::on_recv(over)) == 0) {
        }
      });
    for (int i = 0; i < 20; ++i) {
      weft::sleep_for(short_delay(random));
      if (random.percent(30))
        t.stop();
      else
        t.reset(std::chrono::nanoseconds(1 + random.below(100'000)));
    }
    over.close();
    crew.join();
  });
}

TEST_P(timer_storm, forgotten_timers_and_tickers_go_away) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    stress::crew crew;
    for (int i = 0; i < 8; ++i)
      crew.start(i == 0, [own = random.next()] {
        stress::random_source choice(own);
        for (int n = 0; n < 400 / stress::slowdown; ++n) {
          weft::timer far(1h);
          weft::ticker near(std::chrono::nanoseconds(1 + choice.below(50'000)));
          static_cast<void>(weft::after(short_delay(choice)));
          if (choice.percent(20)) near.channel().recv();
        }
      });
    crew.join();
  });
}

/// Two workers that fire timers at the same time once delivered two ticks in the wrong order.
TEST_P(timer_storm, ticks_never_go_backwards) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    stress::crew crew;
    for (int i = 0; i < stress::crowd / 10; ++i)
      crew.start(i < 2, [own = random.next()] {
        stress::random_source choice(own);
        for (int n = 0; n < 10; ++n) {
          const weft::ticker t(std::chrono::nanoseconds(20'000 + choice.below(300'000)));
          auto last = weft::time_point::min();
          for (int tick = 0; tick < 5; ++tick) {
            const auto due = *t.channel().recv();
            EXPECT_GT(due, last);
            last = due;
          }
        }
      });
    crew.join();
  });
}

TEST_P(timer_storm, after_as_the_timeout_of_a_select) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    stress::crew crew;
    for (int i = 0; i < stress::crowd / 20; ++i)
      crew.start(i < 3, [own = random.next()] {
        stress::random_source choice(own);
        const weft::chan<int> never;
        for (int n = 0; n < 5; ++n) {
          const auto delay = short_delay(choice);
          const auto start = weft::clock::now();
          EXPECT_EQ(weft::select(weft::on_recv(never), weft::on_recv(weft::after(delay))), 1U);
          EXPECT_GE(weft::clock::now() - start, delay);
        }
      });
    crew.join();
  });
}

}  // namespace
