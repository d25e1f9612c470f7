// Contexts and std::stop_token, both ways.
#include <atomic>
#include <stop_token>
#include <thread>

#include "context_support.hpp"

namespace {

using namespace std::chrono_literals;
using namespace context_test;
using weft::background;
using weft::context;
using weft::with_cancel;
using weft::with_stop_token;
using weft::with_timeout;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::scaled;

using context_stop_token = weft_test::fixture;

TEST_F(context_stop_token, cancels_a_context) {
  everywhere([] {
    std::stop_source source;
    auto [ctx, cancel] = with_stop_token(background(), source.get_token());
    EXPECT_EQ(weft::to_string(ctx), "context.Background.WithStopToken");
    const context below = with_timeout(ctx, forever).ctx;
    expect_alive(below);
    source.request_stop();
    expect_canceled(ctx);
    expect_canceled(below);
  });
}

TEST_F(context_stop_token, that_is_stopped_already_cancels_at_once) {
  std::stop_source source;
  source.request_stop();
  expect_canceled(with_stop_token(background(), source.get_token()).ctx);
}

TEST_F(context_stop_token, that_never_stops_leaves_the_rest) {
  auto [parent, cancel_parent] = with_cancel(background());
  auto [a, cancel_a] = with_stop_token(parent, std::stop_token());
  auto [b, cancel_b] = with_stop_token(parent, std::stop_token());
  cancel_a();
  expect_canceled(a);
  expect_alive(b);
  cancel_parent();
  expect_canceled(b);
}

TEST_F(context_stop_token, of_a_jthread_ends_its_waits) {
  const weft::chan<int> never;
  std::atomic<bool> cancelled{false};
  {
    std::jthread worker([&](const std::stop_token& token) {
      auto [ctx, cancel] = with_stop_token(background(), token);
      cancelled = never.recv(ctx).status() == weft::channel_status::cancelled;
    });
  }
  EXPECT_TRUE(cancelled);
}

TEST_F(context_stop_token, outlives_the_context_that_it_would_cancel) {
  std::stop_source source;
  static_cast<void>(with_stop_token(background(), source.get_token()));
  { const auto dropped = with_stop_token(background(), source.get_token()); }
  EXPECT_TRUE(source.request_stop());
}

TEST_F(context_stop_token, and_the_end_of_the_context_may_meet) {
  for (int i = 0; i < scaled(500); ++i) {
    std::stop_source source;
    auto made = std::make_unique<weft::derived_context<weft::cancel_function>>(
        with_stop_token(background(), source.get_token()));
    const weft::recv_chan<void> done = made->ctx.done();
    std::thread stopper([&] { source.request_stop(); });
    std::thread dropper([&] { made.reset(); });
    EXPECT_FALSE(done.recv());  // it keeps the context, which is cancelled in any case
    stopper.join();
    dropper.join();
  }
}

TEST_F(context_stop_token, is_stopped_by_its_context) {
  everywhere([] {
    auto [ctx, cancel] = with_cancel(background());
    const std::stop_token token = ctx.stop_token();
    EXPECT_TRUE(token.stop_possible());
    EXPECT_FALSE(token.stop_requested());
    EXPECT_EQ(token, ctx.stop_token());
    int calls = 0;
    const std::stop_callback count(token, [&] { ++calls; });
    cancel();
    EXPECT_TRUE(token.stop_requested());
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(ctx.stop_token().stop_requested());
  });
}

TEST_F(context_stop_token, is_stopped_by_an_ancestor_and_by_a_deadline) {
  everywhere([] {
    auto [top, cancel] = with_cancel(background());
    const std::stop_token below = with_cancel(top).ctx.stop_token();
    const context child = with_cancel(top).ctx;
    const std::stop_token kept = child.stop_token();
    cancel();
    EXPECT_TRUE(kept.stop_requested());
    EXPECT_FALSE(below.stop_requested());  // its context was dropped before
    auto [timed, stop] = with_timeout(background(), 2ms);
    const std::stop_token late = timed.stop_token();
    EXPECT_TRUE(eventually([&] { return late.stop_requested(); }));
  });
}

/// A callback is user code: it finds everything cancelled, and may park, also where the clock is
/// what cancels.
TEST_F(context_stop_token, callbacks_may_do_anything) {
  everywhere([] {
    for (const bool by_clock : {false, true}) {
      auto [ctx, cancel] = with_timeout(background(), by_clock ? 1ms : 1'000'000s);
      const context child = with_cancel(ctx).ctx;
      const weft::chan<void> baton;
      const weft::chan<bool> seen(1);
      weft::go([=] { baton.recv(); });
      const std::stop_callback callback(ctx.stop_token(), [&, c = cancel] {
        c();
        baton.send();
        seen.send(child.cancelled());
      });
      if (!by_clock) cancel();
      EXPECT_TRUE(seen.recv().value());
    }
  });
}

/// The callback drops the last handles of the context whose cancellation it is part of.
TEST_F(context_stop_token, callbacks_may_drop_the_context) {
  auto made =
      std::make_unique<weft::derived_context<weft::cancel_function>>(with_cancel(background()));
  const std::stop_token token = made->ctx.stop_token();
  const std::stop_callback drop(token, [&] { made.reset(); });
  const weft::cancel_function& cancel = made->cancel;
  cancel();
  EXPECT_EQ(made, nullptr);
  EXPECT_TRUE(token.stop_requested());
}

TEST_F(context_stop_token, goes_round_trip) {
  std::stop_source source;
  auto [ctx, cancel] = with_stop_token(background(), source.get_token());
  auto [back, cancel_back] = with_stop_token(background(), ctx.stop_token());
  source.request_stop();
  expect_canceled(back);
}

TEST_F(context_stop_token, asked_for_while_it_is_cancelled_is_stopped) {
  everywhere([] {
    for (int i = 0; i < scaled(300); ++i) {
      auto [ctx, cancel] = with_cancel(background());
      weft::go([c = cancel] { c(); });
      const std::stop_token token = ctx.stop_token();
      EXPECT_TRUE(eventually([&] { return token.stop_requested(); }));
    }
  });
}

}  // namespace
