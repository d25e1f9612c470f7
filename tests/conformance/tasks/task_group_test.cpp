// The rules of task groups, and what the tests of Go's errgroup assert.
#include <weft/tasks/task_group.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::counted;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::on_thread;
using weft_test::scaled;
using weft_test::what_thrown;

using TaskGroup = weft_test::fixture;
using GoErrgroupTest = weft_test::fixture;

std::string waited(weft::task_group& g) {
  return what_thrown<std::runtime_error>([&] { g.wait(); });
}

TEST_F(GoErrgroupTest, ZeroGroup) {
  everywhere([] {
    const std::vector<std::vector<std::string>> cases = {
        {},
        {""},
        {"", ""},
        {"errgroup_test: 1"},
        {"errgroup_test: 1", ""},
        {"errgroup_test: 1", "", "errgroup_test: 2"}};
    for (const auto& errors : cases) {
      weft::task_group g;
      std::string first;
      for (const std::string& each : errors) {
        g.go([each] {
          if (!each.empty()) throw std::runtime_error(each);
        });
        // As in Go's test, each is awaited, so that the first is known; here a wait takes it.
        const std::string thrown = waited(g);
        EXPECT_EQ(thrown, each);
        EXPECT_EQ(waited(g), "") << "taken once";
      }
    }
  });
}

TEST_F(GoErrgroupTest, WithContext) {
  everywhere([] {
    const std::vector<std::vector<std::string>> cases = {
        {}, {""}, {"doomed"}, {"doomed", ""}, {"", "doomed"}, {"doomed", "doomed"}};
    for (const auto& errors : cases) {
      weft::task_group g(weft::background());
      const weft::context ctx = g.context();
      bool fails = false;
      for (const std::string& each : errors) {
        fails = fails || !each.empty();
        g.go([each] {
          if (!each.empty()) throw std::runtime_error(each);
        });
      }
      EXPECT_EQ(waited(g), fails ? "doomed" : "");
      EXPECT_TRUE(ctx.cancelled()) << "the end of a round cancels its context";
      EXPECT_EQ(ctx.err(), weft::context_errc::canceled);
      if (fails)
        EXPECT_EQ(what_thrown<std::runtime_error>([&] { ctx.throw_if_cancelled(); }), "doomed");
      else
        EXPECT_THROW(ctx.throw_if_cancelled(), weft::context_canceled);
    }
  });
}

TEST_F(GoErrgroupTest, TryGo) {
  everywhere([] {
    weft::task_group g;
    constexpr int n = 42;
    g.set_limit(n);
    const weft::chan<int> c;
    const auto send = [=] { c.send(1); };
    for (int i = 0; i < n; ++i) EXPECT_TRUE(g.try_go(send)) << i;
    EXPECT_FALSE(g.try_go(send)) << "the limit is reached";
    weft::go([=] {
      for (int i = 0; i < n; ++i) c.recv();
    });
    g.wait();
    EXPECT_TRUE(g.try_go([] {})) << "there is room again";
    g.wait();
    g.set_limit(1);
    EXPECT_TRUE(g.try_go(send));
    EXPECT_FALSE(g.try_go(send));
    c.recv();
    g.wait();
    g.set_limit(-1);
    for (int i = 0; i < n; ++i) EXPECT_TRUE(g.try_go([] {}));
    g.wait();
    g.set_limit(0);
    EXPECT_FALSE(g.try_go([] {})) << "a limit of none";
  });
}

TEST_F(GoErrgroupTest, GoLimit) {
  everywhere([] {
    constexpr int limit = 10;
    weft::task_group g;
    g.set_limit(limit);
    std::atomic<int> active{0};
    for (int i = 0; i <= scaled(1'000); ++i)
      g.go([&] {
        EXPECT_LE(++active, limit);
        weft::yield();
        --active;
      });
    g.wait();
    EXPECT_EQ(active, 0);
  });
}

TEST_F(GoErrgroupTest, LimitIsNotModifiedWhileActive) {
  everywhere([] {
    weft::task_group g;
    const weft::chan<void> gate;
    for (int i = 0; i < 3; ++i) g.go([=] { gate.recv(); });
    EXPECT_EQ(what_thrown<std::logic_error>([&] { g.set_limit(2); }),
              "errgroup: modify limit while 3 goroutines in the group are still active");
    gate.close();
    g.wait();
    g.set_limit(2);
  });
}

TEST_F(GoErrgroupTest, JustErrors) {  // the package's example: the first error of several fetches
  everywhere([] {
    weft::task_group g;
    for (const char* url : {"a", "bad", "c"})
      g.go([url] {
        if (url == std::string("bad")) throw std::runtime_error("cannot fetch bad");
      });
    EXPECT_EQ(waited(g), "cannot fetch bad");
  });
}

TEST_F(TaskGroup, WaitOfAnEmptyGroupReturnsAtOnce) {
  everywhere([] {
    weft::task_group g;
    g.wait();
    EXPECT_TRUE(g.wait_for(-1s));
    weft::task_group never_waited;
  });
}

TEST_F(TaskGroup, WaitReturnsOnlyWhenAllHaveEnded) {
  everywhere([] {
    weft::task_group g;
    int plain[50] = {};
    for (int& each : plain)
      g.go([&each] {
        weft::yield();
        each = 1;
      });
    g.wait();
    for (const int each : plain) EXPECT_EQ(each, 1);
  });
}

TEST_F(TaskGroup, FirstExceptionCancelsTheRest) {
  everywhere([] {
    weft::task_group g;
    std::atomic<int> stopped{0};
    for (int i = 0; i < 10; ++i)
      g.go([&](const weft::context& ctx) {
        ctx.done().recv();
        EXPECT_EQ(what_thrown<std::runtime_error>([&] { ctx.throw_if_cancelled(); }), "first");
        ++stopped;
        throw std::runtime_error("a later one");
      });
    g.go([] { throw std::runtime_error("first"); });
    EXPECT_EQ(waited(g), "first");
    EXPECT_EQ(stopped, 10);
    EXPECT_EQ(waited(g), "");
  });
}

TEST_F(TaskGroup, CancelReachesFunctionsThatWereStartedLater) {
  everywhere([] {
    weft::task_group g;
    g.cancel();
    bool seen = false;
    g.go([&](const weft::context& ctx) { seen = ctx.cancelled(); });
    g.wait();
    EXPECT_TRUE(seen);
    g.go([&](const weft::context& ctx) { seen = ctx.cancelled(); });
    g.wait();
    EXPECT_FALSE(seen) << "a new round has a new context";
  });
}

TEST_F(TaskGroup, ParentCancelsTheGroup) {
  everywhere([] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    weft::task_group g(ctx);
    std::atomic<int> stopped{0};
    for (int i = 0; i < 5; ++i)
      g.go([&](weft::context own) {
        own.done().recv();
        ++stopped;
      });
    cancel();
    g.wait();
    EXPECT_EQ(stopped, 5);
  });
}

TEST_F(TaskGroup, NilParentIsNamed) {
  EXPECT_EQ(what_thrown<std::invalid_argument>([] { weft::task_group g{weft::context(nullptr)}; }),
            "cannot create context from nil parent");
}

TEST_F(TaskGroup, CancellingTheGroupLeavesTheParentAlone) {
  everywhere([] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    weft::task_group g(ctx);
    g.go([] { throw std::runtime_error("own"); });
    EXPECT_EQ(waited(g), "own");
    EXPECT_FALSE(ctx.cancelled());
    cancel();
  });
}

TEST_F(TaskGroup, BoundedWaitsGiveUpAndCancelNothing) {
  everywhere([] {
    weft::task_group g;
    const weft::chan<void> gate;
    g.go([=] { gate.recv(); });
    EXPECT_FALSE(g.wait_for(1ms));
    EXPECT_FALSE(g.wait_for(-1h));
    EXPECT_FALSE(g.wait_until(std::chrono::steady_clock::now() + 1ms));
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    weft::go([cancel = cancel] {
      let_others_run();
      cancel();
    });
    EXPECT_FALSE(g.wait(ctx));
    EXPECT_FALSE(g.context().cancelled());
    gate.close();
    EXPECT_TRUE(g.wait_for(1h));
    EXPECT_FALSE(g.wait(ctx)) << "cancelled before it began";
  });
}

TEST_F(TaskGroup, BoundedWaitRethrows) {
  everywhere([] {
    weft::task_group g;
    g.go([] { throw std::runtime_error("in time"); });
    EXPECT_EQ(what_thrown<std::runtime_error>([&] { g.wait_for(1h); }), "in time");
  });
}

TEST_F(TaskGroup, GoWithABoundGivesUpWaitingForRoom) {
  everywhere([] {
    weft::task_group g;
    g.set_limit(1);
    const weft::chan<void> gate;
    g.go([=] { gate.recv(); });
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    weft::go([cancel = cancel] {
      let_others_run();
      cancel();
    });
    EXPECT_FALSE(g.go(ctx, [] { ADD_FAILURE() << "it was not to be started"; }));
    gate.close();
    EXPECT_TRUE(g.go(weft::background(), [] {}));
    g.wait();
  });
}

TEST_F(TaskGroup, SetLimitLetsThoseInWhoWaitedUnderALimitOfNone) {
  everywhere([] {
    weft::task_group g;
    g.set_limit(0);
    std::atomic<bool> ran{false};
    const weft::wait_group starter;
    starter.go([&] { g.go([&] { ran = true; }); });
    let_others_run();
    EXPECT_FALSE(ran);
    g.set_limit(1);
    starter.wait();
    g.wait();
    EXPECT_TRUE(ran);
  });
}

TEST_F(TaskGroup, DestructorCancelsAndWaits) {
  everywhere([] {
    std::atomic<int> ended{0};
    {
      weft::task_group g;
      for (int i = 0; i < 5; ++i)
        g.go([&](const weft::context& ctx) {
          ctx.done().recv();
          ++ended;
          ctx.throw_if_cancelled();  // the answer to the destructor is no failure
        });
    }
    EXPECT_EQ(ended, 5);
  });
}

TEST_F(TaskGroup, DestructorDropsExceptionsWhileUnwinding) {
  everywhere([] {
    const auto scope = [] {
      weft::task_group g;
      g.go([] { throw std::logic_error("dropped"); });
      throw std::runtime_error("the scope's own");
    };
    EXPECT_EQ(what_thrown<std::runtime_error>(scope), "the scope's own");
  });
}

TEST_F(TaskGroup, ReferencesIntoTheScopeAreSafe) {
  everywhere([] {
    for (int i = 0; i < scaled(100); ++i) {
      std::vector<int> data(20);
      try {
        weft::task_group g;
        for (int& each : data)
          g.go([&each] {
            weft::yield();
            each = 1;
          });
        if (i % 2 == 0) throw 1;
        g.wait();
      } catch (int) {
      }
      for (const int each : data) ASSERT_EQ(each, 1);
    }
  });
}

TEST_F(TaskGroup, CapturesAreGoneWhenWaitReturns) {
  everywhere([] {
    weft::task_group g;
    for (int i = 0; i < 20; ++i) g.go([c = counted(i)] { weft::yield(); });
    g.wait();
    EXPECT_EQ(counted::alive(), 0);
  });
}

TEST_F(TaskGroup, ExitGoroutineIsNoFailure) {
  everywhere([] {
    weft::task_group g;
    g.go([] { weft::exit_goroutine(); });
    g.wait();
    g.set_limit(1);
    for (int i = 0; i < 5; ++i) g.go([] { weft::exit_goroutine(); });
    g.wait();
  });
}

TEST_F(TaskGroup, AFunctionThatCannotBeCopiedCountsForNothing) {
  everywhere([] {
    weft::task_group g;
    g.set_limit(1);
    const weft_test::copy_thrower bad(1);
    EXPECT_EQ(what_thrown<std::runtime_error>([&] { g.go([bad] {}); }), "copying throws");
    EXPECT_EQ(what_thrown<std::runtime_error>([&] { g.try_go([bad] {}); }), "copying throws");
    g.wait();
    EXPECT_TRUE(g.try_go([] {})) << "the place was given back";
    g.wait();
  });
}

TEST_F(TaskGroup, ANilFunctionIsNamed) {
  weft::task_group g;
  std::function<void()> nil;
  EXPECT_EQ(what_thrown<std::invalid_argument>([&] { g.go(nil); }), "go of nil func value");
  g.wait();
}

int count_nodes(int depth) {
  std::atomic<int> sum{1};
  if (depth > 0) {
    weft::task_group g;
    for (int i = 0; i < 3; ++i) g.go([&] { sum += count_nodes(depth - 1); });
    g.wait();
  }
  return sum;
}

TEST_F(TaskGroup, GroupsNest) {
  everywhere([] { EXPECT_EQ(count_nodes(4), 121); });
}

TEST_F(TaskGroup, AnExceptionPassesThroughNestedGroups) {
  everywhere([] {
    weft::task_group outer;
    std::atomic<bool> sibling_stopped{false};
    outer.go([](const weft::context& ctx) {
      weft::task_group inner(ctx);
      inner.go([](const weft::context& c) { c.done().recv(); });
      inner.go([] { throw std::runtime_error("from the depth"); });
      inner.wait();
    });
    outer.go([&](const weft::context& ctx) {
      ctx.done().recv();
      sibling_stopped = true;
    });
    EXPECT_EQ(waited(outer), "from the depth");
    EXPECT_TRUE(sibling_stopped);
  });
}

TEST_F(TaskGroup, GoroutinesOfTheGroupMayAddToIt) {
  everywhere([] {
    weft::task_group g;
    std::atomic<int> ran{0};
    for (int i = 0; i < 10; ++i)
      g.go([&] {
        ++ran;
        g.go([&] { ++ran; });
      });
    g.wait();
    EXPECT_EQ(ran, 20);
  });
}

TEST_F(TaskGroup, UsedFromPlainThreads) {
  on_thread([] {
    weft::task_group g;
    g.set_limit(2);
    std::atomic<int> ran{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
      threads.emplace_back([&] {
        for (int k = 0; k < 20; ++k) g.go([&] { ++ran; });
      });
    for (std::thread& t : threads) t.join();
    g.wait();
    EXPECT_EQ(ran, 60);
  });
}

TEST_F(TaskGroup, TwoWaitersOneException) {
  everywhere([] {
    weft::task_group g;
    const weft::chan<void> gate;
    g.go([=] {
      gate.recv();
      throw std::runtime_error("once");
    });
    std::atomic<int> thrown{0};
    const weft::wait_group waiters;
    for (int i = 0; i < 2; ++i)
      waiters.go([&] {
        if (waited(g) == "once") ++thrown;
      });
    let_others_run();
    gate.close();
    waiters.wait();
    EXPECT_EQ(thrown, 1);
  });
}

}  // namespace
