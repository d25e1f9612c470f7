// What a context's list of children and functions holds, and who is on which thread's stack.
#include <weft/context.hpp>

#include <memory>

#include "api/context/cancellable.hpp"
#include "unit_support.hpp"

namespace {

using namespace std::chrono_literals;
using weft::background;
using weft::with_cancel;
using weft::with_timeout;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::scaled;

using contexts = weft_test::fixture;

/// Whether nothing is left in the list that a cancellation would tell.
bool is_empty(const weft::context& ctx) {
  return !weft::detail::context_cancel_state(ctx.node())->has_links();
}

TEST_F(contexts, CancelRemoves) {  // Go's test of this name: the children's map
  auto [ctx, cancel] = with_cancel(background());
  EXPECT_TRUE(is_empty(ctx));
  auto [child, cancel_child] = with_cancel(ctx);
  cancel_child();
  EXPECT_TRUE(is_empty(ctx));
  auto [timed, cancel_timed] = with_timeout(ctx, 1h);
  cancel_timed();
  EXPECT_TRUE(is_empty(ctx));
  const auto stop = weft::after_func(ctx, [] {});
  EXPECT_TRUE(stop());
  EXPECT_TRUE(is_empty(ctx));
}

TEST_F(contexts, that_are_dropped_or_too_late_are_removed) {
  everywhere([] {
    auto [ctx, cancel] = with_cancel(background());
    { const auto dropped = with_timeout(with_cancel(ctx).ctx, 1h); }
    EXPECT_TRUE(is_empty(ctx));
    const weft::context late = with_timeout(ctx, 1ms).ctx;
    late.done().recv();
    EXPECT_TRUE(eventually([&] { return is_empty(ctx); }));
    const auto stop = weft::after_func(with_cancel(ctx).ctx, [] {});
    EXPECT_TRUE(stop());  // it had moved up
    EXPECT_TRUE(is_empty(ctx));
  });
}

TEST_F(contexts, without_a_parent_that_can_be_cancelled_are_in_no_list) {
  auto [ctx, cancel] = with_cancel(background());
  const weft::context free = with_cancel(weft::without_cancel(ctx)).ctx;
  EXPECT_TRUE(is_empty(ctx));
  cancel();
  EXPECT_FALSE(free.cancelled());
}

TEST_F(contexts, whose_parent_comes_first_have_no_timer) {
  using weft::detail::context_node;
  auto [early, cancel] = with_timeout(background(), 1h);
  EXPECT_EQ(early.node()->is, context_node::kind::deadline);
  EXPECT_EQ(with_timeout(early, 2h).ctx.node()->is, context_node::kind::cancel);
  EXPECT_EQ(with_timeout(early, 30min).ctx.node()->is, context_node::kind::deadline);
  const weft::context never = with_timeout(background(), std::chrono::hours::max()).ctx;
  EXPECT_EQ(never.node()->is, context_node::kind::cancel);
}

TEST_F(contexts, that_nobody_cancels_have_no_state) {
  EXPECT_EQ(weft::detail::context_cancel_state(background().node()), nullptr);
  EXPECT_EQ(weft::cancellation(background()).state(), nullptr);
  auto [ctx, cancel] = with_cancel(background());
  static const weft::context_key<int> key;
  EXPECT_EQ(weft::cancellation(weft::with_value(ctx, key, 1)).state(),
            weft::cancellation(ctx).state());
  EXPECT_EQ(weft::cancellation(weft::without_cancel(ctx)).state(), nullptr);
}

/// A node that only its done channel holds can be found by its parent, again and again.
TEST_F(contexts, that_only_a_channel_holds_begin_a_new_life_for_who_cancels) {
  for (int i = 0; i < scaled(2'000); ++i) {
    auto [parent, cancel] = with_cancel(background());
    auto child = std::make_unique<weft::context>(with_cancel(parent).ctx);
    weft::recv_chan<void> done = child->done();
    unit::on_threads(3, [&, stop = cancel, made = &child](int self) {
      if (self == 0) stop();
      if (self == 1) made->reset();
      if (self == 2) {
        done.recv();
        done = nullptr;
      }
    });
  }
}

}  // namespace
