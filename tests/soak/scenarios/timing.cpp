// Timers: they fire once, or were stopped; sleeps end; nothing is asserted about how soon.
#include <chrono>
#include <vector>

#include "scenarios.hpp"

namespace soak {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

}  // namespace

void sleepers(scene& s) {
  crew all(s, 5);
  s.at("sleeping");
  for (std::size_t i = scaled(s.random().between(5, 300)); i-- > 0;)
    all.start([&s](random_source random) {
      for (int n = 0; n < 3; ++n) {
        const auto nap = random.tiny_wait();
        const auto before = steady::now();
        if (random.percent(30)) {
          const auto [ctx, cancel] = weft::with_timeout(weft::background(), random.tiny_wait());
          weft::sleep_for(ctx, nap);
          cancel();
        } else {
          weft::sleep_for(nap);
          s.check(steady::now() - before >= nap, "a sleep ended before its time");
        }
        s.step();
      }
    });
  all.join();
}

/// Each timer's function runs once, or stop said that it will not; and none runs before its time.
void timers_fire_once(scene& s) {
  const std::size_t count = scaled(s.random().between(5, 200));
  std::vector<std::atomic<int>> ran(count);
  std::vector<std::atomic<int>> stopped(count);
  const weft::wait_group running;
  {
    crew all(s);
    s.at("arming and stopping");
    for (std::size_t i = 0; i < count; ++i)
      all.start([&, i](random_source random) {
        running.add();
        const weft::timer t = weft::after_func(random.tiny_wait(), [&ran, i, running] {
          ++ran[i];
          running.done();
        });
        if (random.percent(30)) weft::sleep_for(random.tiny_wait());
        if (random.percent(60) && t.stop()) {
          ++stopped[i];
          running.done();
        }
        // A value that a timer sends is there once; after stop there is none.
        const weft::timer u(random.tiny_wait());
        if (random.percent(50)) weft::yield();
        if (u.stop()) {
          s.check(!u.channel().try_recv(), "a stopped timer has a value");
          u.reset(random.tiny_wait());
        }
        static_cast<void>(u.channel().recv_for(1ms));
        s.step();
      });
  }
  s.at("waiting for the functions");
  running.wait();
  for (std::size_t i = 0; i < count; ++i)
    s.check(ran[i] + stopped[i] == 1, "a timer neither fired nor was stopped, or both");
}

void tickers(scene& s) {
  crew all(s);
  s.at("ticking");
  for (std::size_t i = s.random().between(1, 5); i-- > 0;)
    all.start([&s](random_source random) {
      const weft::ticker t(std::chrono::microseconds(random.between(20, 500)));
      auto last = weft::time_point::min();
      for (int n = 0; n < 5; ++n) {
        const auto due = t.channel().recv();
        s.check(due && *due > last, "ticks go backwards");
        if (due) last = *due;
        if (random.percent(20)) t.reset(std::chrono::microseconds(random.between(20, 300)));
        s.step();
      }
      t.stop();
      s.check(!t.channel().try_recv(), "a stopped ticker has a value");
    });
  all.join();
}

}  // namespace soak
