// Go's context tests: cancelling, and what it reaches.
#include <array>
#include <random>
#include <stop_token>
#include <thread>

#include "context_support.hpp"

namespace {

using namespace std::chrono_literals;
using namespace context_test;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::scaled;
using weft_test::what_thrown;

using context_cancel = weft_test::fixture;

inline const weft::context_key<int> number;

TEST_F(context_cancel, Background) {
  const weft::context c = weft::background();
  EXPECT_TRUE(c);
  expect_alive(c);
  EXPECT_FALSE(c.done());  // a nil channel: never ready
  EXPECT_FALSE(c.stop_token().stop_possible());
  EXPECT_EQ(weft::to_string(c), "context.Background");
  EXPECT_EQ(weft::background(), weft::background());
}

TEST_F(context_cancel, TODO_) {
  const weft::context c = weft::todo();
  expect_alive(c);
  EXPECT_FALSE(c.done());
  EXPECT_EQ(weft::to_string(c), std::string("context.TO") + "DO");
  EXPECT_NE(weft::todo(), weft::background());
}

TEST_F(context_cancel, WithCancel) {
  everywhere([] {
    auto [c1, cancel] = weft::with_cancel(weft::background());
    EXPECT_EQ(weft::to_string(c1), "context.Background.WithCancel");
    const weft::context o = weft::with_value(c1, number, 1);
    auto [c2, cancel2] = weft::with_cancel(o);
    for (const weft::context& each : {c1, o, c2}) expect_alive(each);
    EXPECT_EQ(c1.done(), o.done());
    EXPECT_NE(c1.done(), c2.done());
    cancel();  // no waiting: it reaches all of them before it returns
    for (const weft::context& each : {c1, o, c2}) expect_canceled(each);
    cancel();
    cancel2();
    for (const weft::context& each : {c1, o, c2}) expect_canceled(each);
  });
}

TEST_F(context_cancel, names_are_those_of_the_functions) {
  const auto timed = weft::with_timeout(weft::with_value(weft::todo(), number, 1), forever);
  EXPECT_EQ(weft::to_string(weft::without_cancel(timed.ctx)),
            std::string("context.TO") + "DO.WithValue.WithDeadline.WithoutCancel");
  EXPECT_EQ(weft::to_string(weft::context()), "<nil>");
}

TEST_F(context_cancel, done_is_made_once) {
  auto [ctx, cancel] = weft::with_cancel(weft::background());
  const weft::recv_chan<void> before = ctx.done();
  EXPECT_EQ(before, ctx.done());
  cancel();
  EXPECT_EQ(before, ctx.done());
  EXPECT_TRUE(is_closed(before));
  auto [late, cancel_late] = weft::with_cancel(weft::background());
  cancel_late();
  EXPECT_TRUE(is_closed(late.done()));
  EXPECT_EQ(late.done(), late.done());
}

TEST_F(context_cancel, ParentFinishesChild) {
  everywhere([] {
    // Below the parent: a plain child, a value, a timer below the value, and a late comer.
    auto [parent, cancel] = weft::with_cancel(weft::background());
    auto [child, stop] = weft::with_cancel(parent);
    const weft::context value = weft::with_value(parent, number, 7);
    auto [timer, stop_timer] = weft::with_timeout(value, forever);
    auto [after, stop_after] = weft::with_stop_token(timer, std::stop_token());
    const std::vector<weft::context> all{parent, child, value, timer, after};
    for (const weft::context& c : all) expect_alive(c);
    cancel();
    for (const weft::context& c : all) expect_canceled(c);
    const weft::context precancelled = weft::with_value(parent, number, 8);
    expect_canceled(precancelled);
    expect_canceled(weft::with_cancel(precancelled).ctx);
    expect_canceled(weft::with_timeout(precancelled, forever).ctx);
    expect_canceled(weft::with_timeout(precancelled, -1s).ctx);
  });
}

TEST_F(context_cancel, ChildFinishesFirst) {
  everywhere([] {
    auto [top, stop] = weft::with_cancel(weft::background());
    for (const weft::context& parent : {weft::background(), top}) {
      auto [child, cancel] = weft::with_cancel(parent);
      expect_alive(parent);
      expect_alive(child);
      cancel();
      expect_canceled(child);
      expect_alive(parent);
      cancel();
      expect_alive(parent);
    }
  });
}

TEST_F(context_cancel, WithCancelCanceledParent) {
  auto [parent, cancel_parent] = weft::with_cancel_cause(weft::background());
  cancel_parent(std::runtime_error("because!"));
  auto [c, cancel] = weft::with_cancel(parent);
  expect_ended(c, weft::context_errc::canceled, "because!");
  cancel();
  EXPECT_EQ(why(c), "because!");
}

TEST_F(context_cancel, WithCancelSimultaneouslyCanceledParent) {
  everywhere([] {
    for (int i = 0; i < scaled(500); ++i) {
      auto [parent, cancel] = weft::with_cancel_cause(weft::background());
      weft::go([c = cancel] { c(std::runtime_error("because!")); });
      auto [child, stop] = weft::with_cancel(parent);
      child.done().recv();
      expect_ended(child, weft::context_errc::canceled, "because!");
    }
  });
}

struct tree {
  weft::context root;
  std::vector<weft::context> contexts;
  std::vector<weft::cancel_function> cancels;
};

tree make_tree(int nodes) {
  tree t;
  t.root = weft::background();
  for (int i = 0; i < nodes; ++i) {
    const weft::context& above =
        i == 0 ? t.root : t.contexts[static_cast<std::size_t>((i - 1) / 3)];
    auto made = i % 4 == 3 ? weft::with_timeout(above, forever) : weft::with_cancel(above);
    t.contexts.push_back(made.ctx);
    t.cancels.push_back(made.cancel);
  }
  return t;
}

TEST_F(context_cancel, SimultaneousCancels) {
  everywhere([] {
    for (int round = 0; round < scaled(20); ++round) {
      const tree t = make_tree(100);
      weft::wait_group wg;
      for (const weft::cancel_function& cancel : t.cancels) wg.go([cancel] { cancel(); });
      for (const weft::context& c : t.contexts)
        wg.go([c] { EXPECT_FALSE(c.done().recv_for(60s)); });
      wg.wait();
      for (const weft::context& c : t.contexts) expect_canceled(c);
    }
  });
}

/// Whoever calls cancel, also as the second of two, finds everything below cancelled afterwards.
TEST_F(context_cancel, every_cancel_returns_when_all_descendants_are_cancelled) {
  for (int round = 0; round < scaled(300); ++round) {
    const tree t = make_tree(60);
    std::vector<std::thread> threads;
    for (const std::size_t at : {0U, 1U, 0U, 4U})
      threads.emplace_back([&, at] {
        t.cancels[at]();
        for (std::size_t i = 0; i < t.contexts.size(); ++i) {
          std::size_t above = i;
          while (above > at) above = (above - 1) / 3;
          EXPECT_TRUE(above != at || t.contexts[i].cancelled());
        }
      });
    for (std::thread& th : threads) th.join();
  }
}

TEST_F(context_cancel, InterlockedCancels) {
  everywhere([] {
    auto [parent, cancel_parent] = weft::with_cancel(weft::background());
    auto [child, cancel_child] = weft::with_cancel(parent);
    weft::wait_group wg;
    wg.go([p = parent, c = cancel_child] {
      p.done().recv();
      c();
    });
    cancel_parent();
    EXPECT_FALSE(child.done().recv_for(60s));
    wg.wait();
  });
}

/// Layers of all kinds, cancelled at a place of their own choice; values pass through all.
void test_layers(unsigned seed, bool by_timeout) {
  constexpr int layers = 40;
  static const std::array<weft::context_key<int>, layers> keys{};
  std::minstd_rand random(seed);
  weft::context ctx = weft::background();
  std::vector<std::size_t> bound;
  std::vector<weft::cancel_function> cancels;
  int timers = 0;
  for (std::size_t i = 0; i < layers; ++i) {
    switch (random() % 3) {
      case 0:
        ctx = weft::with_value(ctx, keys[i], static_cast<int>(i));
        bound.push_back(i);
        break;
      case 1: {
        auto made = weft::with_cancel(ctx);
        ctx = made.ctx;
        cancels.push_back(made.cancel);
        break;
      }
      default: {
        auto made = weft::with_timeout(ctx, by_timeout ? 2ms : forever);
        ctx = made.ctx;
        cancels.push_back(made.cancel);
        ++timers;
      }
    }
  }
  if (cancels.empty() || (by_timeout && timers == 0)) return;
  const auto check_values = [&] {
    for (const std::size_t i : bound) {
      ASSERT_NE(ctx.value(keys[i]), nullptr);
      EXPECT_EQ(*ctx.value(keys[i]), static_cast<int>(i));
    }
  };
  check_values();
  if (by_timeout) {
    EXPECT_FALSE(ctx.done().recv_for(60s));
    EXPECT_EQ(ctx.err(), weft::context_errc::deadline_exceeded);
  } else {
    expect_alive(ctx);
    cancels[random() % cancels.size()]();
    expect_canceled(ctx);
  }
  check_values();
}

TEST_F(context_cancel, LayersCancel) {
  everywhere([] {
    for (unsigned seed = 1; seed < 30; ++seed) test_layers(seed, false);
  });
}

TEST_F(context_cancel, LayersTimeout) {
  everywhere([] {
    for (unsigned seed = 1; seed < 10; ++seed) test_layers(seed, true);
  });
}

TEST_F(context_cancel, InvalidDerivedFail) {
  const std::string words = "cannot create context from nil parent";
  const weft::context nil;
  const auto thrown = [](auto f) { return what_thrown<std::invalid_argument>(f); };
  EXPECT_EQ(thrown([&] { static_cast<void>(weft::with_cancel(nil)); }), words);
  EXPECT_EQ(thrown([&] { static_cast<void>(weft::with_cancel(nullptr)); }), words);
  EXPECT_EQ(thrown([&] { static_cast<void>(weft::with_cancel_cause(nil)); }), words);
  EXPECT_EQ(thrown([&] { static_cast<void>(weft::with_timeout(nil, 1s)); }), words);
  EXPECT_EQ(thrown([&] { static_cast<void>(weft::with_deadline(nil, weft::clock::now())); }),
            words);
  EXPECT_EQ(thrown([&] { static_cast<void>(weft::with_value(nil, number, 1)); }), words);
  EXPECT_EQ(thrown([&] { static_cast<void>(weft::without_cancel(nil)); }), words);
  EXPECT_EQ(thrown([&] { static_cast<void>(weft::with_stop_token(nil, {})); }), words);
}

TEST_F(context_cancel, what_is_asked_of_a_nil_context_throws) {
  const weft::context nil;
  const auto thrown = [](auto f) { return what_thrown<std::invalid_argument>(f); };
  EXPECT_FALSE(nil);
  EXPECT_EQ(thrown([&] { static_cast<void>(nil.done()); }), "nil context");
  EXPECT_EQ(thrown([&] { static_cast<void>(nil.err()); }), "nil context");
  EXPECT_EQ(thrown([&] { static_cast<void>(nil.cancelled()); }), "nil context");
  EXPECT_EQ(thrown([&] { static_cast<void>(nil.cause()); }), "nil context");
  EXPECT_EQ(thrown([&] { static_cast<void>(nil.deadline()); }), "nil context");
  EXPECT_EQ(thrown([&] { static_cast<void>(nil.value(number)); }), "nil context");
  EXPECT_EQ(thrown([&] { static_cast<void>(nil.stop_token()); }), "nil context");
  EXPECT_EQ(thrown([&] { weft::after_func(nil, [] {}); }), "nil context");
  EXPECT_EQ(thrown([&] { weft::chan<int>(1).recv(nil); }), "nil context");
  weft::context moved = weft::with_cancel(weft::background()).ctx;
  const weft::context taken = std::move(moved);
  EXPECT_EQ(thrown([&] { static_cast<void>(moved.err()); }), "nil context");
  expect_alive(taken);
}

/// Go issue 75533: an error seen means a channel closed, for whoever looks after.
TEST_F(context_cancel, ContextErrDoneRace) {
  everywhere([] {
    for (int i = 0; i < scaled(500); ++i) {
      auto [ctx, cancel] = weft::with_cancel(weft::background());
      const weft::recv_chan<void> done = ctx.done();
      weft::wait_group wg;
      wg.go([c = cancel] { c(); });
      wg.go([c = ctx, done] {
        while (!c.err()) weft::yield();
        EXPECT_TRUE(is_closed(done));
      });
      wg.go([c = ctx] {
        while (!c.cancelled()) weft::yield();
        EXPECT_TRUE(is_closed(c.done()));
      });
      wg.wait();
    }
  });
}

TEST_F(context_cancel, no_goroutine_is_started_for_any_of_them) {  // Go: CustomContextGoroutines
  const std::size_t before = weft::num_goroutines();
  auto [root, cancel] = weft::with_cancel(weft::background());
  auto [timed, stop] = weft::with_timeout(weft::with_value(root, number, 1), forever);
  std::stop_source source;
  auto [tokened, drop] = weft::with_stop_token(timed, source.get_token());
  static_cast<void>(tokened.done());
  static_cast<void>(tokened.stop_token());
  EXPECT_EQ(weft::num_goroutines(), before);
  cancel();
  expect_canceled(tokened);
  EXPECT_EQ(weft::num_goroutines(), before);
}

TEST_F(context_cancel, errors_compare_with_those_of_the_standard) {
  using weft::context_errc;
  const std::error_code canceled = context_errc::canceled;
  const std::error_code late = context_errc::deadline_exceeded;
  EXPECT_STREQ(canceled.category().name(), "weft.context");
  EXPECT_EQ(canceled.message(), "context canceled");
  EXPECT_EQ(late.message(), "context deadline exceeded");
  EXPECT_EQ(canceled, std::errc::operation_canceled);
  EXPECT_EQ(late, std::errc::timed_out);  // Go: DeadlineExceededSupportsTimeout
  EXPECT_NE(canceled, std::errc::timed_out);
  EXPECT_NE(late, std::errc::operation_canceled);
  EXPECT_STREQ(weft::context_canceled().what(), "context canceled");
  EXPECT_EQ(weft::context_deadline_exceeded().code(), late);
}

}  // namespace
