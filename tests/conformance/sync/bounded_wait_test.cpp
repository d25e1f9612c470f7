// What holds for every wait of once, semaphore, latch, event, barrier and single_flight alike: it
// takes a bound, and one that gave up leaves nothing behind.

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::scaled;

// Each is something closed that opens once; pass(bound...) waits for that.

class latch_gate {
 public:
  void open() { latch_.count_down(); }
  void pass() { latch_.wait(); }
  bool pass(const weft::cancellation& ctx) { return latch_.wait(ctx); }
  bool pass_for(auto d) { return latch_.wait_for(d); }
  bool pass_until(auto t) { return latch_.wait_until(t); }

 private:
  weft::latch latch_{1};
};

class event_gate {
 public:
  void open() { event_.set(); }
  void pass() { event_.wait(); }
  bool pass(const weft::cancellation& ctx) { return event_.wait(ctx); }
  bool pass_for(auto d) { return event_.wait_for(d); }
  bool pass_until(auto t) { return event_.wait_until(t); }

 private:
  weft::event event_;
};

class barrier_gate {
 public:
  void open() { barrier_.arrive_and_drop(); }
  void pass() { barrier_.wait(token_); }
  bool pass(const weft::cancellation& ctx) { return barrier_.wait(ctx, token_); }
  bool pass_for(auto d) { return barrier_.wait_for(token_, d); }
  bool pass_until(auto t) { return barrier_.wait_until(token_, t); }

 private:
  weft::barrier<> barrier_{2};
  weft::barrier<>::arrival_token token_ = barrier_.arrive();
};

/// One permit, which is held until it opens; whoever passes gives it back.
class semaphore_gate {
 public:
  semaphore_gate() { semaphore_.acquire(); }
  void open() { semaphore_.release(); }
  void pass() {
    semaphore_.acquire();
    semaphore_.release();
  }
  bool pass(const weft::cancellation& ctx) { return give_back(semaphore_.acquire(ctx)); }
  bool pass_for(auto d) { return give_back(semaphore_.try_acquire_for(d)); }
  bool pass_until(auto t) { return give_back(semaphore_.try_acquire_until(t)); }

 private:
  bool give_back(bool taken) {
    if (taken) semaphore_.release();
    return taken;
  }
  weft::semaphore semaphore_{1};
};

/// Runs for another goroutine until it opens.
class once_gate {
 public:
  once_gate() {
    runner_.go([this] {
      once_.call([this] {
        begun_.set();
        end_.wait();
      });
    });
    begun_.wait();
  }
  ~once_gate() { runner_.wait(); }
  void open() {
    end_.set();
    runner_.wait();
  }
  void pass() { once_.call(never); }
  bool pass(const weft::cancellation& ctx) { return once_.call(ctx, never); }
  bool pass_for(auto d) { return once_.call_for(d, never); }
  bool pass_until(auto t) { return once_.call_until(t, never); }

 private:
  static void never() { ADD_FAILURE() << "ran twice"; }
  weft::once once_;
  weft::event begun_;
  weft::event end_;
  weft::wait_group runner_;
};

/// A flight that lands when it opens. What comes later starts one of its own, which lands at once.
class flight_gate {
 public:
  flight_gate() {
    runner_.go([this] {
      flights_.call(1, [this] {
        begun_.set();
        end_.wait();
        return 1;
      });
    });
    begun_.wait();
  }
  ~flight_gate() { runner_.wait(); }
  void open() {
    end_.set();
    runner_.wait();
  }
  void pass() { EXPECT_EQ(flights_.call(1, late).value, 1); }
  bool pass(const weft::cancellation& ctx) { return right(flights_.call(ctx, 1, late)); }
  bool pass_for(auto d) { return right(flights_.call_for(d, 1, late)); }
  bool pass_until(auto t) { return right(flights_.call_until(t, 1, late)); }

 private:
  using flights = weft::single_flight<int, int>;
  static int late() { return 1; }
  static bool right(const std::optional<flights::result>& r) {
    EXPECT_TRUE(!r || r->value == 1);
    return r.has_value();
  }
  flights flights_;
  weft::event begun_;
  weft::event end_;
  weft::wait_group runner_;
};

template <class Gate>
class BoundedWait : public weft_test::fixture {};

using gates =
    testing::Types<latch_gate, event_gate, barrier_gate, semaphore_gate, once_gate, flight_gate>;
struct gate_names {
  template <class Gate>
  static std::string GetName(int i) {
    return std::array{
        "latch", "event", "barrier", "semaphore", "once", "single_flight"}[static_cast<std::size_t>(
        i)];
  }
};
TYPED_TEST_SUITE(BoundedWait, gates, gate_names);

TYPED_TEST(BoundedWait, GivesUpNotEarly) {
  everywhere([] {
    TypeParam gate;
    const auto start = weft::clock::now();
    EXPECT_FALSE(gate.pass_for(3ms));
    EXPECT_GE(weft::clock::now() - start, 3ms);
    const auto until = weft::clock::now() + 3ms;
    EXPECT_FALSE(gate.pass_until(until));
    EXPECT_GE(weft::clock::now(), until);
    gate.open();
    gate.pass();
  });
}

TYPED_TEST(BoundedWait, ATimeThatHasPassedIsDueAtOnce) {
  everywhere([] {
    TypeParam gate;
    EXPECT_FALSE(gate.pass_for(0s));
    EXPECT_FALSE(gate.pass_for(-1h));
    EXPECT_FALSE(gate.pass_for(std::chrono::hours::min()));
    EXPECT_FALSE(gate.pass_until(weft::clock::now() - 1h));
    EXPECT_FALSE(gate.pass_until(std::chrono::system_clock::now() - 1h));
    EXPECT_FALSE(gate.pass_until(weft::clock::time_point::min()));
    gate.open();
    gate.pass();
  });
}

TYPED_TEST(BoundedWait, AnOverflowingTimeNeverComes) {
  everywhere([] {
    TypeParam gate;
    const weft::wait_group wg;
    wg.go([&] { EXPECT_TRUE(gate.pass_for(std::chrono::hours::max())); });
    wg.go([&] { EXPECT_TRUE(gate.pass_until(weft::clock::time_point::max())); });
    let_others_run();
    gate.open();
    wg.wait();
  });
}

TYPED_TEST(BoundedWait, CancelledBeforeDoesNothingAlsoIfItIsOpen) {
  everywhere([] {
    TypeParam gate;
    std::stop_source source;
    source.request_stop();
    EXPECT_FALSE(gate.pass(source.get_token()));
    gate.open();
    EXPECT_FALSE(gate.pass(source.get_token()));
    EXPECT_TRUE(gate.pass(std::stop_token())) << "which can never be cancelled";
  });
}

TYPED_TEST(BoundedWait, IsEndedByAStopToken) {
  everywhere([] {
    TypeParam gate;
    std::stop_source source;
    weft::go([source]() mutable {
      let_others_run();
      source.request_stop();
    });
    EXPECT_FALSE(gate.pass(source.get_token()));
    gate.open();
    gate.pass();
  });
}

TYPED_TEST(BoundedWait, IsEndedByAContext) {
  everywhere([] {
    TypeParam gate;
    const auto [ctx, cancel] = weft::with_timeout(weft::background(), 2ms);
    EXPECT_FALSE(gate.pass(ctx));
    gate.open();
    EXPECT_FALSE(gate.pass(ctx));
    gate.pass();
  });
}

TYPED_TEST(BoundedWait, OneThatGivesUpLeavesTheOthersWaiting) {
  everywhere([] {
    TypeParam gate;
    std::atomic<int> passed{0};
    const weft::wait_group wg;
    for (int i = 0; i < 10; ++i)
      wg.go([&, i] {
        std::stop_source source;
        switch (i % 3) {
          case 0:
            return static_cast<void>(gate.pass_for(100us));
          case 1:
            gate.pass();
            break;
          default:
            EXPECT_TRUE(gate.pass(source.get_token()));
        }
        ++passed;
      });
    let_others_run();
    EXPECT_EQ(passed, 0);
    gate.open();
    wg.wait();
    EXPECT_EQ(passed, 6);
  });
}

TYPED_TEST(BoundedWait, GoroutinesAndThreadsWaitTogether) {
  everywhere([] {
    TypeParam gate;
    std::atomic<int> passed{0};
    const weft::wait_group wg;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      wg.go([&] {
        gate.pass();
        ++passed;
      });
      threads.emplace_back([&, i] {
        if (i % 2 == 0) gate.pass();
        EXPECT_TRUE(i % 2 == 0 || gate.pass_for(1h));
        ++passed;
      });
    }
    let_others_run();
    EXPECT_EQ(passed, 0);
    gate.open();
    wg.wait();
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(passed, 8);
  });
}

/// Two waits, one of which is cancelled while the gate opens: the other must pass, and the gate
/// must be empty afterwards (its destructor looks).
TYPED_TEST(BoundedWait, ACancellationThatRacesWithTheWakeUpLosesNone) {
  everywhere([] {
    for (int round = 0; round < scaled(400); ++round) {
      TypeParam gate;
      std::stop_source source;
      const weft::wait_group wg;
      wg.go([&] { static_cast<void>(gate.pass(source.get_token())); });
      wg.go([&] { gate.pass(); });
      for (int i = 0; i < round % 5; ++i) weft::yield();
      if (round % 2 == 0) {
        wg.go([&] { source.request_stop(); });
        gate.open();
      } else {
        wg.go([&] { gate.open(); });
        source.request_stop();
      }
      wg.wait();
      gate.pass();
    }
  });
}

TYPED_TEST(BoundedWait, ATimeoutThatRacesWithTheWakeUpLosesNone) {
  everywhere([] {
    for (int round = 0; round < scaled(300); ++round) {
      TypeParam gate;
      const weft::wait_group wg;
      const auto due = weft::clock::now() + std::chrono::microseconds(round % 50);
      for (int i = 0; i < 3; ++i) wg.go([&] { static_cast<void>(gate.pass_until(due)); });
      wg.go([&] { gate.pass(); });
      std::optional<std::thread> plain;
      if (round % 4 == 0) plain.emplace([&] { static_cast<void>(gate.pass_until(due)); });
      while (weft::clock::now() < due) weft::yield();
      gate.open();
      wg.wait();
      if (plain) plain->join();
      gate.pass();
    }
  });
}

/// Who has passed may destroy the gate, also while the one who opened it is still on its way out.
TYPED_TEST(BoundedWait, WhoHasPassedMayDestroyIt) {
  everywhere([] {
    for (int round = 0; round < scaled(300); ++round) {
      auto gate = std::make_unique<TypeParam>();
      const weft::wait_group wg;
      wg.go([raw = gate.get()] { raw->open(); });
      if (round % 3 == 0)
        EXPECT_TRUE(gate->pass_for(1h));
      else
        gate->pass();
      if constexpr (std::is_same_v<TypeParam, once_gate> || std::is_same_v<TypeParam, flight_gate>)
        wg.wait();  // open() waits for the runner, which is a member
      gate.reset();
      wg.wait();
    }
  });
}

}  // namespace
