// Go's context tests: deadlines and timeouts.
#include <limits>

#include "context_support.hpp"

namespace {

using namespace std::chrono_literals;
using namespace context_test;
using weft_test::everywhere;
using weft_test::scaled;

using context_deadline = weft_test::fixture;

/// A deadline is waited for, not timed: it must come, and not before its time.
void expect_deadline(const weft::context& ctx, weft::time_point not_before) {
  EXPECT_FALSE(ctx.done().recv_for(60s));
  EXPECT_GE(weft::clock::now(), not_before);
  expect_too_late(ctx);
}

TEST_F(context_deadline, Deadline) {
  everywhere([] {
    const auto at = weft::clock::now() + 3ms;
    auto [ctx, cancel] = weft::with_deadline(weft::background(), at);
    EXPECT_EQ(weft::to_string(ctx), "context.Background.WithDeadline");
    EXPECT_EQ(ctx.deadline(), at);
    expect_deadline(ctx, at);
    cancel();
    expect_too_late(ctx);
  });
}

TEST_F(context_deadline, Timeout) {
  everywhere([] {
    const auto at = weft::clock::now() + 3ms;
    auto [ctx, cancel] = weft::with_timeout(weft::background(), 3ms);
    EXPECT_GE(ctx.deadline(), at);
    const weft::context child = weft::with_cancel(ctx).ctx;
    expect_deadline(ctx, at);
    expect_deadline(child, at);
  });
}

TEST_F(context_deadline, of_a_parent_that_comes_first_decides) {
  everywhere([] {
    const auto at = weft::clock::now() + 3ms;
    auto [parent, cancel] = weft::with_deadline(weft::background(), at, std::runtime_error("p"));
    auto [child, stop] = weft::with_timeout(parent, 1h, std::runtime_error("c"));
    EXPECT_EQ(child.deadline(), at);
    EXPECT_EQ(weft::to_string(child), "context.Background.WithDeadline.WithCancel");
    EXPECT_FALSE(child.done().recv_for(60s));
    expect_ended(child, weft::context_errc::deadline_exceeded, "p");
  });
}

TEST_F(context_deadline, of_a_child_that_comes_first_leaves_the_parent_alone) {
  everywhere([] {
    auto [parent, cancel] = weft::with_timeout(weft::background(), forever);
    auto [child, stop] = weft::with_timeout(parent, 2ms);
    EXPECT_LT(*child.deadline(), *parent.deadline());
    EXPECT_FALSE(child.done().recv_for(60s));
    expect_too_late(child);
    expect_alive(parent);
  });
}

TEST_F(context_deadline, that_has_passed_cancels_at_once) {
  everywhere([] {
    const auto now = weft::clock::now();
    expect_too_late(weft::with_deadline(weft::background(), now - 1s).ctx);
    expect_too_late(weft::with_deadline(weft::background(), now).ctx);
    expect_too_late(weft::with_timeout(weft::background(), 0s).ctx);
    expect_too_late(weft::with_timeout(weft::background(), -1h).ctx);
    expect_too_late(weft::with_timeout(weft::background(), std::chrono::nanoseconds::min()).ctx);
    expect_too_late(weft::with_timeout(weft::background(), std::chrono::hours::min()).ctx);
    expect_too_late(
        weft::with_deadline(weft::background(), std::chrono::system_clock::now() - 1h).ctx);
    const weft::context child =
        weft::with_cancel(weft::with_timeout(weft::background(), 0s).ctx).ctx;
    expect_too_late(child);
  });
}

TEST_F(context_deadline, that_overflows_never_comes) {
  everywhere([] {
    for (const weft::context& ctx :
         {weft::with_timeout(weft::background(), std::chrono::hours::max()).ctx,
          weft::with_timeout(weft::background(), std::chrono::nanoseconds::max()).ctx,
          weft::with_deadline(weft::background(), weft::time_point::max()).ctx}) {
      expect_alive(ctx);
      EXPECT_EQ(ctx.deadline(), std::nullopt);
    }
    auto [ctx, cancel] = weft::with_timeout(weft::background(), std::chrono::hours::max());
    cancel();
    expect_canceled(ctx);
  });
}

TEST_F(context_deadline, passes_down_through_values_and_is_none_at_the_root) {
  static const weft::context_key<int> key;
  EXPECT_EQ(weft::background().deadline(), std::nullopt);
  const auto at = weft::clock::now() + 1h;
  auto [ctx, cancel] = weft::with_deadline(weft::background(), at);
  EXPECT_EQ(weft::with_value(ctx, key, 1).deadline(), at);
  EXPECT_EQ(weft::with_cancel(ctx).ctx.deadline(), at);
  EXPECT_EQ(weft::without_cancel(ctx).deadline(), std::nullopt);
}

TEST_F(context_deadline, CanceledTimeout) {
  everywhere([] {
    auto [ctx, cancel] = weft::with_timeout(weft::background(), forever);
    const weft::context child = weft::with_timeout(weft::with_cancel(ctx).ctx, 2 * forever).ctx;
    cancel();
    expect_canceled(child);
    expect_canceled(ctx);
  });
}

TEST_F(context_deadline, and_cancel_at_once_agree_on_one_reason) {
  everywhere([] {
    for (int i = 0; i < scaled(200); ++i) {
      auto [ctx, cancel] =
          weft::with_timeout(weft::background(), std::chrono::microseconds(i % 60));
      for (int turns = i % 5; turns > 0; --turns) weft::yield();
      cancel();
      if (ctx.err() == weft::context_errc::canceled)
        expect_canceled(ctx);
      else
        expect_too_late(ctx);
    }
  });
}

TEST_F(context_deadline, many_of_them_all_come) {
  everywhere([] {
    std::vector<weft::context> all;
    for (int i = 0; i < scaled(1'000); ++i)
      all.push_back(
          weft::with_timeout(weft::background(), std::chrono::microseconds(i * 7919 % 3000)).ctx);
    for (const weft::context& ctx : all) {
      EXPECT_FALSE(ctx.done().recv_for(60s));
      expect_too_late(ctx);
    }
  });
}

}  // namespace
