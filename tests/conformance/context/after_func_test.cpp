// Go's context tests: AfterFunc.
#include <atomic>
#include <functional>
#include <thread>

#include "context_support.hpp"

namespace {

using namespace std::chrono_literals;
using namespace context_test;
using weft::after_func;
using weft::background;
using weft::context;
using weft::with_cancel;
using weft::with_timeout;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::scaled;
using weft_test::what_thrown;

using context_after_func = weft_test::fixture;

TEST_F(context_after_func, AfterFuncCalledAfterCancel) {
  everywhere([] {
    auto [ctx, cancel] = with_cancel(background());
    const weft::chan<void> called;
    auto stop = after_func(ctx, [called] { called.close(); });
    let_others_run();
    EXPECT_FALSE(is_closed(called));
    cancel();
    called.recv();
    EXPECT_FALSE(stop());
  });
}

TEST_F(context_after_func, AfterFuncCalledAfterTimeout) {
  everywhere([] {
    auto [ctx, cancel] = with_timeout(background(), 2ms);
    const weft::chan<void> called;
    after_func(ctx, [called] { called.close(); });
    called.recv();
    expect_too_late(ctx);
  });
}

TEST_F(context_after_func, AfterFuncCalledImmediately) {
  everywhere([] {
    auto [ctx, cancel] = with_cancel(background());
    cancel();
    const weft::chan<void> called;
    auto stop = after_func(ctx, [called] { called.close(); });
    called.recv();
    EXPECT_FALSE(stop());
  });
}

TEST_F(context_after_func, AfterFuncNotCalledAfterStop) {
  everywhere([] {
    auto [ctx, cancel] = with_cancel(background());
    std::atomic<int> calls{0};
    auto stop = after_func(ctx, [&] { ++calls; });
    EXPECT_TRUE(stop());
    cancel();
    let_others_run();
    EXPECT_EQ(calls, 0);
    EXPECT_FALSE(stop());
  });
}

/// cancel() does not wait for the function, which may wait for what follows the cancel.
TEST_F(context_after_func, AfterFuncCalledAsynchronously) {
  everywhere([] {
    auto [ctx, cancel] = with_cancel(background());
    const weft::chan<void> baton;
    after_func(ctx, [baton] { baton.send(); });
    cancel();
    EXPECT_TRUE(baton.recv());
  });
}

TEST_F(context_after_func, runs_when_an_ancestor_is_cancelled_and_sees_the_error) {
  everywhere([] {
    auto [top, cancel] = with_cancel(background());
    const context below = with_timeout(with_cancel(top).ctx, forever).ctx;
    const weft::chan<std::error_code> seen(1);
    after_func(below, [=] { seen.send(below.err()); });
    cancel();
    EXPECT_EQ(seen.recv(), weft::make_error_code(weft::context_errc::canceled));
  });
}

TEST_F(context_after_func, many_all_run_in_goroutines_of_their_own) {
  everywhere([] {
    constexpr int functions = 200;
    auto [ctx, cancel] = with_cancel(background());
    weft::wait_group wg;
    const weft::chan<void> all_here;
    std::atomic<int> here{0};
    wg.add(functions);
    for (int i = 0; i < functions; ++i)
      after_func(ctx, [&, wg, all_here] {  // all wait for each other
        if (++here == functions) all_here.close();
        all_here.recv();
        wg.done();
      });
    cancel();
    wg.wait();
  });
}

TEST_F(context_after_func, of_a_context_that_is_never_cancelled_never_runs) {
  const auto alive = make_census();
  {
    auto stop = after_func(background(), [c = counted(alive)] { ADD_FAILURE(); });
    EXPECT_EQ(*alive, 1);
    EXPECT_TRUE(stop());
    EXPECT_EQ(*alive, 0);
    EXPECT_FALSE(stop());
    after_func(weft::without_cancel(with_cancel(background()).ctx),
               [c = counted(alive)] { ADD_FAILURE(); });
  }
  EXPECT_EQ(*alive, 0);
}

TEST_F(context_after_func, stop_destroys_the_function_before_it_returns) {
  everywhere([] {
    const auto alive = make_census();
    auto [ctx, cancel] = with_cancel(background());
    auto stop = after_func(ctx, [c = counted(alive)] {});
    auto same = stop;
    EXPECT_EQ(*alive, 1);
    EXPECT_TRUE(same());
    EXPECT_EQ(*alive, 0);
    EXPECT_FALSE(stop());
  });
}

TEST_F(context_after_func, bad_functions_are_refused) {
  const std::function<void()> empty;
  EXPECT_EQ(what_thrown<std::invalid_argument>([&] { after_func(background(), empty); }),
            "go of nil func value");
  struct throws_when_copied {
    throws_when_copied() = default;
    throws_when_copied(const throws_when_copied&) { throw std::runtime_error("no copy"); }
    void operator()() const {}
  };
  const throws_when_copied f;
  auto [ctx, cancel] = with_cancel(background());
  EXPECT_THROW(after_func(ctx, f), std::runtime_error);
  cancel();
}

/// Nobody has to hold the context: what would have cancelled it runs the function.
TEST_F(context_after_func, outlives_its_context) {
  everywhere([] {
    auto [top, cancel] = with_cancel(background());
    const weft::chan<void> called;
    const auto stop = [&] {
      const context middle = with_cancel(with_cancel(top).ctx).ctx;
      return after_func(weft::with_value(middle, counted_key, counted(make_census())),
                        [called] { called.close(); });
    }();
    let_others_run();
    EXPECT_FALSE(is_closed(called));
    cancel();
    called.recv();
    EXPECT_FALSE(stop());
  });
}

TEST_F(context_after_func, outlives_its_context_and_can_be_stopped) {
  everywhere([] {
    const auto alive = make_census();
    auto [top, cancel] = with_cancel(background());
    const auto stop = after_func(with_cancel(top).ctx, [c = counted(alive)] { ADD_FAILURE(); });
    EXPECT_TRUE(stop());
    EXPECT_EQ(*alive, 0);
    cancel();
    let_others_run();
  });
}

TEST_F(context_after_func, outlives_its_context_until_its_deadline) {
  everywhere([] {
    const weft::chan<void> called;
    after_func(with_timeout(background(), 2ms).ctx, [called] { called.close(); });
    called.recv();
    const weft::chan<void> below;
    after_func(with_cancel(with_timeout(background(), 2ms).ctx).ctx, [below] { below.close(); });
    below.recv();
  });
}

/// Two that refer to each other, and that nobody can end any more: nothing may be left behind.
TEST_F(context_after_func, is_destroyed_when_nobody_can_cancel_any_more) {
  everywhere([] {
    const auto alive = make_census();
    {
      auto [ctx, cancel] = with_cancel(with_cancel(background()).ctx);
      after_func(ctx, [c = counted(alive)] { ADD_FAILURE(); });
      EXPECT_EQ(*alive, 1);
    }
    EXPECT_EQ(*alive, 0);
  });
}

TEST_F(context_after_func, stop_and_cancel_agree_who_was_first) {
  everywhere([] {
    for (int i = 0; i < scaled(500); ++i) {
      auto [ctx, cancel] = with_cancel(background());
      std::atomic<int> calls{0};
      const weft::chan<void> over(1);
      auto stop = after_func(ctx, [&] {
        ++calls;
        over.send();
      });
      weft::go([c = cancel] { c(); });
      for (int turns = i % 3; turns > 0; --turns) weft::yield();
      const bool stopped = stop();
      if (!stopped) over.recv();
      EXPECT_EQ(calls, stopped ? 0 : 1);
    }
  });
}

/// Registration, stop, cancel and the end of the context, all at once: f runs once, or is stopped.
TEST_F(context_after_func, is_run_or_stopped_whatever_ends_first) {
  for (int i = 0; i < scaled(400); ++i) {
    auto [top, cancel] = with_cancel(background());
    std::atomic<int> calls{0};
    weft::wait_group wg;
    wg.add();
    auto middle = std::make_unique<context>(with_cancel(top).ctx);
    auto stop = after_func(*middle, [&, wg] {
      ++calls;
      wg.done();
    });
    bool stopped = false;
    std::thread dropper([&] { middle.reset(); });
    std::thread canceller([c = cancel] { c(); });
    std::thread stopper([&] { stopped = stop(); });
    for (std::thread* t : {&dropper, &canceller, &stopper}) t->join();
    if (stopped) wg.done();
    wg.wait();
    EXPECT_EQ(calls, stopped ? 0 : 1);
  }
}

TEST_F(context_after_func, may_cancel_other_contexts_and_drop_its_own) {
  everywhere([] {
    auto [a, cancel_a] = with_cancel(background());
    auto [b, cancel_b] = with_cancel(background());
    auto own = std::make_shared<context>(a);
    const weft::chan<void> over;
    after_func(a, [own, c = cancel_b, over]() mutable {
      *own = nullptr;
      c();
      over.close();
    });
    cancel_a();
    over.recv();
    expect_canceled(b);
  });
}

}  // namespace
