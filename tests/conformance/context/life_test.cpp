// Who keeps whom alive, and what a tree of any shape costs.
#include <atomic>
#include <thread>

#include "context_support.hpp"

namespace {

using namespace std::chrono_literals;
using namespace context_test;
using weft::background;
using weft::context;
using weft::with_cancel;
using weft::with_timeout;
using weft::with_value;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::scaled;

using context_life = weft_test::fixture;

constexpr int many = weft_test::scaled(100'000);

context with_counted(const context& parent, const census& alive) {
  return with_value(parent, counted_key, counted(alive));
}

TEST_F(context_life, ends_with_the_last_handle) {
  const auto alive = make_census();
  context copy;
  {
    auto [ctx, cancel] = with_timeout(with_counted(background(), alive), forever);
    copy = ctx;
    const auto cancel_too = cancel;
    const context moved = std::move(ctx);
  }
  EXPECT_EQ(*alive, 1);
  context other = copy;
  copy = nullptr;
  EXPECT_EQ(*alive, 1);
  other = background();
  EXPECT_EQ(*alive, 0);
}

TEST_F(context_life, the_cancel_function_keeps_its_context) {
  const auto alive = make_census();
  {
    const weft::cancel_function cancel = with_cancel(with_counted(background(), alive)).cancel;
    EXPECT_EQ(*alive, 1);
    cancel();
  }
  EXPECT_EQ(*alive, 0);
}

TEST_F(context_life, handles_are_equal_when_they_mean_the_same) {
  auto [a, cancel] = with_cancel(background());
  const context b = with_cancel(background()).ctx;
  context c = a;
  EXPECT_EQ(a, c);
  EXPECT_NE(a, b);
  const context& self = c;
  c = self;
  EXPECT_EQ(a, c);
  EXPECT_EQ(context(), context(nullptr));
}

/// In Go, `done := ctx.Done()` is all that somebody needs to hold.
TEST_F(context_life, a_done_channel_keeps_its_context) {
  everywhere([] {
    const auto alive = make_census();
    auto [top, cancel] = with_cancel(background());
    weft::recv_chan<void> done = with_cancel(with_counted(top, alive)).ctx.done();
    EXPECT_EQ(*alive, 1);
    EXPECT_FALSE(is_closed(done));
    cancel();
    EXPECT_TRUE(is_closed(done));
    done = nullptr;
    EXPECT_EQ(*alive, 0);
    EXPECT_FALSE(with_timeout(background(), 1ms).ctx.done().recv());
    weft::recv_chan<void> late = with_timeout(background(), 2ms).ctx.done();
    EXPECT_FALSE(late.recv());
  });
}

TEST_F(context_life, a_done_channel_may_be_dropped_while_its_context_is_cancelled) {
  for (int i = 0; i < scaled(500); ++i) {
    const auto alive = make_census();
    {
      auto [top, cancel] = with_cancel(background());
      weft::recv_chan<void> done = with_cancel(with_counted(top, alive)).ctx.done();
      weft::recv_chan<void> same = done;
      std::thread canceller([c = cancel] { c(); });
      std::thread dropper([d = std::move(done)]() mutable { d = nullptr; });
      if (i % 2 == 0) same.recv();
      same = nullptr;
      canceller.join();
      dropper.join();
    }
    EXPECT_EQ(*alive, 0);
  }
}

TEST_F(context_life, the_last_handle_may_go_when_the_deadline_comes) {
  everywhere([] {
    const auto alive = std::make_shared<std::atomic<int>>(0);
    struct value {
      explicit value(std::shared_ptr<std::atomic<int>> count) : alive(std::move(count)) {
        ++*alive;
      }
      value(value&& other) noexcept : alive(std::move(other.alive)) {}
      ~value() {
        if (!alive) return;
        weft::yield();  // it may park, whoever dropped the last handle
        --*alive;
      }
      std::shared_ptr<std::atomic<int>> alive;
    };
    static const weft::context_key<value> key;
    for (int i = 0; i < scaled(300); ++i) {
      auto made = with_timeout(with_value(background(), key, value(alive)),
                               std::chrono::microseconds(i % 80));
      for (int turns = i % 4; turns > 0; --turns) weft::yield();
    }
    EXPECT_TRUE(eventually([&] { return alive->load() == 0; }));
  });
}

TEST_F(context_life, a_child_leaves_its_parent) {
  auto [parent, cancel] = with_cancel(background());
  const auto alive = make_census();
  for (int i = 0; i < 10'000; ++i) {
    auto [child, end] = with_timeout(with_counted(parent, alive), forever);
    if (i % 2 == 0) end();
    EXPECT_EQ(*alive, 1);
  }
  EXPECT_EQ(*alive, 0);
}

/// Handles go in any order; recursion would overflow a goroutine's stack.
TEST_F(context_life, of_a_long_chain_ends_without_recursion) {
  everywhere([] {
    for (const bool with_done : {false, true}) {
      const auto alive = make_census();
      context end = background();
      for (int i = 0; i < many; ++i) {
        end = i % 10 == 3 ? with_counted(end, alive) : with_cancel(end).ctx;
        if (with_done) static_cast<void>(end.done());
      }
      EXPECT_EQ(*alive, many / 10);
      end = nullptr;
      EXPECT_EQ(*alive, 0);
    }
  });
}

TEST_F(context_life, of_a_long_chain_is_cancelled_without_recursion) {
  everywhere([] {
    auto [top, cancel] = with_cancel(background());
    std::vector<context> chain{top};
    for (int i = 0; i < many; ++i) chain.push_back(with_cancel(chain.back()).ctx);
    const weft::recv_chan<void> done = chain.back().done();
    cancel();
    EXPECT_TRUE(is_closed(done));
    for (const context& c : chain) ASSERT_TRUE(c.cancelled());
    while (!chain.empty()) chain.pop_back();
  });
}

TEST_F(context_life, of_many_children_is_cancelled_with_all_of_them) {
  everywhere([] {
    auto [top, cancel] = with_cancel(background());
    std::vector<context> children;
    for (int i = 0; i < many; ++i)
      children.push_back(i % 2 == 0 ? with_cancel(top).ctx : with_timeout(top, forever).ctx);
    cancel();
    for (const context& c : children) ASSERT_EQ(c.err(), weft::context_errc::canceled);
  });
}

/// While one thread cancels a parent with very many children, others make and drop children of it:
/// each is cancelled when it is made, or soon.
TEST_F(context_life, others_go_on_while_many_children_are_cancelled) {
  auto [top, cancel] = with_cancel(background());
  std::vector<context> children;
  for (int i = 0; i < many; ++i) children.push_back(with_cancel(top).ctx);
  std::atomic<bool> over{false};
  std::atomic<int> made{0};
  std::vector<std::thread> makers;
  for (int i = 0; i < 2; ++i)
    makers.emplace_back([&, parent = top] {
      while (!over) {
        auto [child, end] = with_cancel(parent);
        ++made;
        end();
      }
      const context last = with_cancel(parent).ctx;
      expect_canceled(last);
    });
  ASSERT_TRUE(eventually([&] { return made > 10; }));
  cancel();
  for (const context& c : children) ASSERT_TRUE(c.cancelled());
  over = true;
  for (std::thread& t : makers) t.join();
}

/// Handles of one tree are made, copied, cancelled and dropped everywhere at once.
TEST_F(context_life, is_shared_by_all) {
  everywhere([] {
    for (int round = 0; round < scaled(20); ++round) {
      const auto alive = make_census();
      {
        auto [top, cancel] = with_timeout(with_counted(background(), alive), forever);
        weft::wait_group wg;
        for (int i = 0; i < 16; ++i)
          wg.go([i, parent = top, stop = cancel] {
            context own = parent;
            for (int n = 0; n < 50; ++n) {
              auto [child, end] = n % 3 == 0 ? with_timeout(own, 1us * n) : with_cancel(own);
              const auto done = child.done();
              static_cast<void>(own.done());
              if (n % 5 == 0) end();
              if (n % 7 == 0) own = child;
              if (n % 11 == 0) weft::yield();
              if (i == 0 && n == 40) stop();
            }
          });
        wg.wait();
        expect_canceled(top);
      }
      EXPECT_TRUE(eventually([&] { return *alive == 0; }));
    }
  });
}

}  // namespace
