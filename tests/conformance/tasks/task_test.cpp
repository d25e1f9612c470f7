// The rules of `spawn` and of task<R>.
#include <weft/tasks/task.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::counted;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::on_goroutine;
using weft_test::on_one_processor;
using weft_test::on_thread;
using weft_test::scaled;
using weft_test::what_thrown;

class Task : public weft_test::fixture {
 protected:
  void TearDown() override {
    fixture::TearDown();
    EXPECT_EQ(counted::alive(), 0);
    EXPECT_EQ(counted::strays(), 0);
    EXPECT_EQ(weft_test::move_thrower::alive(), 0);
  }
};

static_assert(!std::is_copy_constructible_v<weft::task<int>>);
static_assert(std::is_nothrow_move_constructible_v<weft::task<int>>);
static_assert(std::is_nothrow_move_assignable_v<weft::task<int>>);

TEST_F(Task, GetReturnsTheResult) {
  everywhere([] {
    auto t = weft::spawn([] { return 42; });
    static_assert(std::is_same_v<decltype(t), weft::task<int>>);
    EXPECT_EQ(t.get(), 42);
  });
}

TEST_F(Task, ArgumentsAreCopiedOrMovedAsByStdThread) {
  everywhere([] {
    std::string text = "abc";
    auto copy =
        weft::spawn([](const std::string& s, int n) { return s + std::to_string(n); }, text, 7);
    text = "changed";
    EXPECT_EQ(copy.get(), "abc7");
    auto moved = weft::spawn([](std::unique_ptr<int> p) { return *p; }, std::make_unique<int>(5));
    EXPECT_EQ(moved.get(), 5);
    int target = 0;
    weft::spawn([](int& to) { to = 9; }, std::ref(target)).get();
    EXPECT_EQ(target, 9);
    auto with_options = weft::spawn(
        weft::named("adder"), [](int a, int b) { return a + b; }, 1, 2);
    EXPECT_EQ(with_options.get(), 3);
  });
}

TEST_F(Task, ResultMayBeVoidMoveOnlyOrAReference) {
  everywhere([] {
    auto nothing = weft::spawn([] {});
    static_assert(std::is_void_v<decltype(nothing.get())>);
    nothing.get();
    auto owner = weft::spawn([] { return std::make_unique<int>(3); });
    EXPECT_EQ(*owner.get(), 3);
    int there = 1;
    auto reference = weft::spawn([&there]() -> int& { return there; });
    static_assert(std::is_same_v<decltype(reference.get()), int&>);
    EXPECT_EQ(&reference.get(), &there);
    auto constant = weft::spawn([&there]() -> const int& { return there; });
    EXPECT_EQ(&constant.get(), &there);
    auto aligned = weft::spawn([] { return weft_test::over_aligned(8); });
    const weft_test::over_aligned result = aligned.get();
    EXPECT_EQ(result.value, 8);
    EXPECT_TRUE(result.aligned);
  });
}

TEST_F(Task, CapturesOfAnyAlignmentAndSize) {
  everywhere([] {
    const weft_test::large load(17);
    auto t = weft::spawn(
        [load, aligned = weft_test::over_aligned(1)] { return load.is(17) && aligned.at_home(); });
    EXPECT_TRUE(t.get());
  });
}

TEST_F(Task, ExceptionTravelsToGet) {
  everywhere([] {
    auto t = weft::spawn([]() -> int { throw std::runtime_error("no result"); });
    EXPECT_EQ(what_thrown<std::runtime_error>([&] { t.get(); }), "no result");
    auto other = weft::spawn([] { throw 7; });
    EXPECT_THROW(other.get(), int);
  });
}

TEST_F(Task, JoinDoesNotThrowTheException) {
  everywhere([] {
    const auto t = weft::spawn([] { throw std::runtime_error("joined"); });
    t.join();
    EXPECT_TRUE(t.ready());
    t.join();
    EXPECT_TRUE(t.join_for(0s));
  });
}

TEST_F(Task, GetAfterJoinStillThrows) {
  everywhere([] {
    auto t = weft::spawn([] { throw std::runtime_error("later"); });
    t.join();
    EXPECT_EQ(what_thrown<std::runtime_error>([&] { t.get(); }), "later");
  });
}

TEST_F(Task, SecondGetIsALogicError) {
  everywhere([] {
    auto t = weft::spawn([] { return 1; });
    EXPECT_EQ(t.get(), 1);
    EXPECT_EQ(what_thrown<std::logic_error>([&] { t.get(); }),
              "weft::task: the outcome was taken already");
    EXPECT_TRUE(t.ready());
    auto failed = weft::spawn([] { throw 1; });
    EXPECT_THROW(failed.get(), int);
    EXPECT_THROW(failed.get(), std::logic_error);
  });
}

TEST_F(Task, EmptyHandleIsNamed) {
  weft::task<int> empty;
  EXPECT_FALSE(empty.valid());
  const std::string words = "weft::task: an empty handle has no task";
  EXPECT_EQ(what_thrown<std::logic_error>([&] { empty.get(); }), words);
  EXPECT_EQ(what_thrown<std::logic_error>([&] { empty.join(); }), words);
  EXPECT_EQ(what_thrown<std::logic_error>([&] { static_cast<void>(empty.ready()); }), words);
  EXPECT_EQ(what_thrown<std::logic_error>([&] { empty.join_for(1s); }), words);
  auto t = weft::spawn([] { return 1; });
  empty = std::move(t);
  EXPECT_FALSE(t.valid());  // NOLINT: that it is empty is the rule
  EXPECT_THROW(t.join(), std::logic_error);
  EXPECT_EQ(empty.get(), 1);
}

TEST_F(Task, MoveAssignmentLetsGoOfTheOldTask) {
  everywhere([] {
    std::atomic<int> ran{0};
    auto t = weft::spawn([&] { ++ran; });
    t = weft::spawn([&] { ++ran; });
    t.get();
    EXPECT_TRUE(weft_test::eventually([&] { return ran == 2; }));
  });
}

TEST_F(Task, ReadyNeverBlocks) {
  everywhere([] {
    const weft::chan<void> gate;
    const auto t = weft::spawn(weft::named("gated"), [=] { gate.recv(); });
    EXPECT_FALSE(t.ready());
    gate.close();
    t.join();
    EXPECT_TRUE(t.ready());
  });
}

TEST_F(Task, CapturesAreGoneBeforeTheTaskIsReady) {
  everywhere([] {
    for (int i = 0; i < scaled(50); ++i) {
      auto t = weft::spawn([c = counted(i)] { return c.value(); });
      t.join();
      EXPECT_EQ(counted::alive(), 0);
      EXPECT_EQ(t.get(), i);
    }
  });
}

TEST_F(Task, ResultIsDestroyedOnceTakenOrNot) {
  everywhere([] {
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(weft::spawn([i] { return counted(i); }).get().value(), i);
      weft::spawn([i] { return counted(i); }).join();
      static_cast<void>(weft::spawn([i] { return counted(i); }));
    }
    EXPECT_TRUE(weft_test::eventually([] { return counted::alive() == 0; }));
  });
}

TEST_F(Task, DestroyedUnjoinedItGoesOn) {
  everywhere([] {
    const weft::chan<int> out(1);
    const weft::chan<void> gate;
    {
      const auto dropped = weft::spawn([=] {
        gate.recv();
        out.send(5);
      });
    }
    gate.close();
    EXPECT_EQ(out.recv(), 5);
  });
}

TEST_F(Task, ExitGoroutineEndsTheTaskAndGetSaysSo) {
  everywhere([] {
    auto t = weft::spawn([]() -> int {
      weft::exit_goroutine();
      return 1;
    });
    EXPECT_THROW(t.get(), weft::task_exited);
    auto own = weft::spawn(weft::named("own"), [] { weft::exit_goroutine(); });
    EXPECT_THROW(own.get(), weft::task_exited);
    weft::spawn([] { weft::exit_goroutine(); }).join();
  });
}

TEST_F(Task, ExitGoroutineInPlaceDoesNotEndTheJoiner) {
  on_one_processor([] {
    bool unwound = false;
    auto t = weft::spawn([&] {
      const weft::defer mark([&] { unwound = true; });
      weft::exit_goroutine();
    });
    t.join();
    EXPECT_TRUE(unwound);
    EXPECT_THROW(t.get(), weft::task_exited);
  });
}

TEST_F(Task, JoinForGivesUpAndTheTaskGoesOn) {
  everywhere([] {
    const weft::chan<void> gate;
    auto t = weft::spawn([=] {
      gate.recv();
      return 3;
    });
    EXPECT_FALSE(t.join_for(1ms));
    EXPECT_FALSE(t.join_for(-1h));
    EXPECT_FALSE(t.join_until(std::chrono::system_clock::now() - 1h));
    EXPECT_FALSE(t.join_until(std::chrono::steady_clock::now() + 1ms));
    gate.close();
    EXPECT_TRUE(t.join_for(std::chrono::hours::max()));
    EXPECT_EQ(t.get(), 3);
  });
}

TEST_F(Task, JoinWithAContextOrAStopToken) {
  everywhere([] {
    const weft::chan<void> gate;
    const auto t = weft::spawn([=] { gate.recv(); });
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    weft::go([cancel = cancel] {
      let_others_run();
      cancel();
    });
    EXPECT_FALSE(t.join(ctx));
    std::stop_source stop;
    weft::go([stop]() mutable {
      let_others_run();
      stop.request_stop();
    });
    EXPECT_FALSE(t.join(stop.get_token()));
    gate.close();
    EXPECT_TRUE(t.join(weft::background()));
  });
}

TEST_F(Task, CancelledBeforeItBeginsAJoinFailsEvenIfReady) {
  everywhere([] {
    const auto t = weft::spawn([] {});
    t.join();
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    cancel();
    EXPECT_FALSE(t.join(ctx));
    EXPECT_TRUE(t.join_for(-1s));
  });
}

TEST_F(Task, BoundedJoinRacesTheEnd) {
  everywhere([] {
    for (int i = 0; i < scaled(300); ++i) {
      auto t = weft::spawn([i] {
        if (i % 3 == 0) weft::yield();
        return i;
      });
      while (!t.join_for(std::chrono::nanoseconds(i * 100))) weft::yield();
      EXPECT_EQ(t.get(), i);
    }
  });
}

TEST_F(Task, ATaskWithANameHasAGoroutineOfItsOwn) {
  on_goroutine([] {
    const auto own = weft::this_goroutine::id();
    auto named = weft::spawn(weft::named("own"), [] { return weft::this_goroutine::id(); });
    EXPECT_NE(named.get(), own);
    auto sized = weft::spawn(weft::goroutine_options().stack(512 * 1024),
                             [] { return weft::this_goroutine::id(); });
    EXPECT_NE(sized.get(), own);
  });
}

TEST_F(Task, AnUnstartedTaskRunsInPlaceAsItsJoiner) {
  on_one_processor([] {
    const auto own = weft::this_goroutine::id();
    auto newest = weft::spawn([] { return weft::this_goroutine::id(); });
    EXPECT_EQ(newest.get(), own);
    auto older = weft::spawn([] { return weft::this_goroutine::id(); });
    auto newer = weft::spawn([] { return weft::this_goroutine::id(); });
    EXPECT_EQ(older.get(), own) << "not the newest, but nobody has begun it";
    EXPECT_EQ(newer.get(), own);
  });
}

TEST_F(Task, ABoundedJoinRunsNothingInPlace) {
  on_one_processor([] {
    const auto own = weft::this_goroutine::id();
    auto t = weft::spawn([] { return weft::this_goroutine::id(); });
    EXPECT_TRUE(t.join_for(1h));
    EXPECT_NE(t.get(), own);
  });
}

TEST_F(Task, ATaskInPlaceMayBlockOnAnotherUnstartedTask) {
  everywhere([] {
    const weft::chan<int> c;
    auto sender = weft::spawn([=] { c.send(4); });
    auto receiver = weft::spawn([=] { return *c.recv(); });
    EXPECT_EQ(receiver.get(), 4);
    sender.get();
  });
}

int nested(int depth) {
  if (depth == 0) return 0;
  auto inner = weft::spawn([depth] { return nested(depth - 1); });
  return 1 + inner.get();
}

TEST_F(Task, DeeplyNestedJoinsDoNotOverflowTheStack) {
  const int depth = weft_test::sanitized ? 3'000 : 100'000;
  on_goroutine([=] { EXPECT_EQ(nested(depth), depth); });
}

long fib(int n) {
  if (n < 2) return n;
  auto left = weft::spawn([n] { return fib(n - 1); });
  const long right = fib(n - 2);
  return left.get() + right;
}

TEST_F(Task, ForkAndJoin) {
  everywhere(
      [] { EXPECT_EQ(fib(weft_test::sanitized ? 10 : 18), weft_test::sanitized ? 55 : 2584); });
}

TEST_F(Task, HandleMayTravelToAnotherGoroutine) {
  everywhere([] {
    const weft::chan<weft::task<int>> tasks(10);
    const weft::wait_group wg;
    std::atomic<int> sum{0};
    for (int w = 0; w < 3; ++w)
      wg.go([&] {
        while (std::optional<weft::task<int>> t = tasks.recv()) sum += t->get();
      });
    for (int i = 1; i <= 100; ++i) tasks.send(weft::spawn([i] { return i; }));
    tasks.close();
    wg.wait();
    EXPECT_EQ(sum, 5050);
  });
}

TEST_F(Task, JoinedFromAnotherPlainThread) {
  on_thread([] {
    auto t = weft::spawn([] {
      weft::yield();
      return 8;
    });
    int got = 0;
    std::thread([&] { got = t.get(); }).join();
    EXPECT_EQ(got, 8);
  });
}

TEST_F(Task, AFunctionThatCannotBeCopiedStartsNothing) {
  everywhere([] {
    const weft_test::copy_thrower bad(1);
    const auto before = weft::num_goroutines();
    EXPECT_EQ(what_thrown<std::runtime_error>([&] { weft::spawn([bad] {}).join(); }),
              "copying throws");
    EXPECT_EQ(what_thrown<std::runtime_error>(
                  [&] { weft::spawn([](const weft_test::copy_thrower&) {}, bad).join(); }),
              "copying throws");
    EXPECT_EQ(weft::num_goroutines(), before);
  });
}

TEST_F(Task, ANilFunctionIsNamed) {
  void (*nil)() = nullptr;
  EXPECT_EQ(what_thrown<std::invalid_argument>([&] { weft::spawn(nil).join(); }),
            "go of nil func value");
}

TEST_F(Task, AStackOutOfRangeIsRefusedAndTheFunctionDestroyed) {
  EXPECT_THROW(weft::spawn(weft::goroutine_options().stack(1), [c = counted(1)] {}).join(),
               std::invalid_argument);
  EXPECT_EQ(counted::alive(), 0);
}

TEST_F(Task, AResultWhoseMoveThrows) {
  everywhere([] {
    using weft_test::move_thrower;
    move_thrower::throw_at(0);
    auto t = weft::spawn([] { return move_thrower(3); });
    t.join();
    move_thrower::throw_at(1);
    EXPECT_THROW(t.get(), std::runtime_error);
    EXPECT_THROW(t.get(), std::logic_error) << "it was taken, though nobody got it";
    auto whole = weft::spawn([] { return move_thrower(4); });
    EXPECT_EQ(whole.get().value(), 4);
    move_thrower::throw_at(1);
    auto inside = weft::spawn([] {
      move_thrower from(5);
      move_thrower to(std::move(from));
      return to;
    });
    EXPECT_THROW(inside.get(), std::runtime_error);
    move_thrower::throw_at(0);
  });
}

TEST_F(Task, EndHappensBeforeJoin) {
  everywhere([] {
    for (int i = 0; i < scaled(200); ++i) {
      int plain = 0;
      const auto t = weft::spawn(weft::named("writer"), [&] { plain = i + 1; });
      while (!t.ready()) weft::yield();
      EXPECT_EQ(plain, i + 1);
    }
  });
}

TEST_F(Task, ExceptionsTravelThroughNestedTasks) {
  everywhere([] {
    auto outer = weft::spawn([] {
      auto inner = weft::spawn([]() -> int { throw std::runtime_error("deep"); });
      return inner.get();
    });
    EXPECT_EQ(what_thrown<std::runtime_error>([&] { outer.get(); }), "deep");
  });
}

TEST_F(Task, JoinedInACatchBlockAndInADestructor) {
  everywhere([] {
    struct joins_at_end {
      weft::task<int> t;
      ~joins_at_end() { EXPECT_EQ(t.get(), 6); }
    };
    try {
      const joins_at_end guard{weft::spawn([] {
        weft::yield();
        return 6;
      })};
      throw std::runtime_error("unwinding");
    } catch (const std::runtime_error& e) {
      auto t = weft::spawn([]() -> int { throw std::runtime_error("inner"); });
      EXPECT_EQ(what_thrown<std::runtime_error>([&] { t.get(); }), "inner");
      EXPECT_STREQ(e.what(), "unwinding");
    }
  });
}

}  // namespace
