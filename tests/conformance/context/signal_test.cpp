// Go's signal.NotifyContext: taken when asked for, given back when not.
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "context_support.hpp"

namespace {

using namespace std::chrono_literals;
using namespace context_test;
using weft::background;
using weft::notify_context;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::what_thrown;

using context_signal = weft_test::fixture;

/// What the program does at a signal, without weft.
void (*action_of(int number))(int) {
  struct sigaction now {};
  EXPECT_EQ(sigaction(number, nullptr, &now), 0);
  return now.sa_handler;
}

TEST_F(context_signal, none_is_taken_by_default) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM})
    EXPECT_EQ(action_of(number), SIG_DFL) << number;
}

TEST_F(context_signal, cancels_with_a_cause_that_names_it) {
  everywhere([] {
    auto [ctx, stop] = notify_context(background(), {SIGUSR1, SIGTERM});
    const weft::context child = weft::with_cancel(ctx).ctx;
    expect_alive(child);
    ASSERT_EQ(std::raise(SIGTERM), 0);
    EXPECT_FALSE(child.done().recv_for(60s));
    EXPECT_EQ(ctx.err(), weft::context_errc::canceled);
    EXPECT_EQ(why(ctx), "terminated signal received");
    EXPECT_EQ(why(child), "terminated signal received");
    try {
      ctx.throw_if_cancelled();
      FAIL();
    } catch (const weft::signal_received& e) {
      EXPECT_EQ(e.signal(), SIGTERM);
    }
    EXPECT_NE(action_of(SIGTERM), SIG_DFL);  // as long as stop was not called
    EXPECT_NE(action_of(SIGUSR1), SIG_DFL);
    ASSERT_EQ(std::raise(SIGTERM), 0);  // the program lives on
    stop();
    EXPECT_EQ(action_of(SIGTERM), SIG_DFL);
    EXPECT_EQ(action_of(SIGUSR1), SIG_DFL);
    stop();
  });
}

TEST_F(context_signal, words_are_those_of_go) {
  EXPECT_STREQ(weft::signal_received(SIGINT).what(), "interrupt signal received");
  EXPECT_STREQ(weft::signal_received(SIGHUP).what(), "hangup signal received");
  EXPECT_STREQ(weft::signal_received(SIGUSR2).what(), "user defined signal 2 signal received");
  EXPECT_STREQ(weft::signal_received(40).what(), "signal 40 signal received");
}

TEST_F(context_signal, stop_cancels_and_gives_back) {
  auto [ctx, stop] = notify_context(background(), {SIGUSR1});
  stop();
  expect_canceled(ctx);
  EXPECT_EQ(action_of(SIGUSR1), SIG_DFL);
}

TEST_F(context_signal, the_last_handle_of_stop_gives_back) {
  weft::context kept;
  {
    auto [ctx, stop] = notify_context(background(), {SIGUSR1});
    kept = ctx;
    const auto copy = stop;
    EXPECT_NE(action_of(SIGUSR1), SIG_DFL);
  }
  EXPECT_EQ(action_of(SIGUSR1), SIG_DFL);
  expect_alive(kept);
}

TEST_F(context_signal, is_shared_by_several) {
  everywhere([] {
    auto [a, stop_a] = notify_context(background(), {SIGUSR1});
    auto [b, stop_b] = notify_context(background(), {SIGUSR1, SIGUSR2});
    stop_a();
    EXPECT_NE(action_of(SIGUSR1), SIG_DFL);
    ASSERT_EQ(std::raise(SIGUSR1), 0);
    EXPECT_FALSE(b.done().recv_for(60s));
    EXPECT_EQ(why(a), "context canceled");
    EXPECT_EQ(why(b), "user defined signal 1 signal received");
    stop_b();
    EXPECT_EQ(action_of(SIGUSR1), SIG_DFL);
  });
}

TEST_F(context_signal, one_for_all_reaches_each) {
  everywhere([] {
    std::vector<weft::notified_context> all;
    for (int i = 0; i < 100; ++i) all.push_back(notify_context(background(), {SIGUSR2}));
    ASSERT_EQ(std::raise(SIGUSR2), 0);
    for (const auto& each : all) EXPECT_FALSE(each.ctx.done().recv_for(60s));
  });
}

void own_handler(int) {}
void other_handler(int) {}

TEST_F(context_signal, restores_what_was_there_before) {
  ASSERT_NE(std::signal(SIGUSR1, own_handler), SIG_ERR);
  {
    auto [ctx, stop] = notify_context(background(), {SIGUSR1});
    EXPECT_NE(action_of(SIGUSR1), own_handler);
  }
  EXPECT_EQ(action_of(SIGUSR1), own_handler);
  {
    auto [ctx, stop] = notify_context(background(), {SIGUSR1});
    ASSERT_NE(std::signal(SIGUSR1, other_handler), SIG_ERR);  // whoever takes it meanwhile keeps it
  }
  EXPECT_EQ(action_of(SIGUSR1), other_handler);
  ASSERT_NE(std::signal(SIGUSR1, SIG_DFL), SIG_ERR);
}

TEST_F(context_signal, ends_with_its_parent) {
  auto [parent, cancel] = weft::with_cancel(background());
  auto [ctx, stop] = notify_context(parent, {SIGUSR1});
  cancel();
  expect_canceled(ctx);
  EXPECT_NE(action_of(SIGUSR1), SIG_DFL);
  stop();
  EXPECT_EQ(action_of(SIGUSR1), SIG_DFL);
}

TEST_F(context_signal, bad_ones_are_refused) {
  const auto thrown = [](std::initializer_list<int> signals) {
    return what_thrown<std::invalid_argument>(
        [&] { static_cast<void>(notify_context(background(), signals)); });
  };
  EXPECT_EQ(thrown({}), "notify_context: no signals");
  EXPECT_EQ(thrown({SIGUSR1, SIGKILL}), "notify_context: signal 9 cannot be taken");
  EXPECT_EQ(thrown({SIGSEGV}), "notify_context: signal 11 cannot be taken");
  EXPECT_EQ(thrown({0}), "notify_context: signal 0 cannot be taken");
  EXPECT_EQ(thrown({-1}), "notify_context: signal -1 cannot be taken");
  EXPECT_EQ(thrown({65}), "notify_context: signal 65 cannot be taken");
  // The C library keeps 32 for itself: refused by the system, and the first is given back.
  EXPECT_THROW(static_cast<void>(notify_context(background(), {SIGUSR1, 32})), std::system_error);
  EXPECT_EQ(action_of(SIGUSR1), SIG_DFL);
  EXPECT_EQ(what_thrown<std::invalid_argument>(
                [] { static_cast<void>(notify_context(nullptr, {SIGUSR1})); }),
            "cannot create context from nil parent");
}

TEST_F(context_signal, that_came_before_stop_does_not_reach_who_comes_after) {
  for (int i = 0; i < weft_test::scaled(300); ++i) {
    const weft::context before = [] {
      auto [ctx, stop] = notify_context(background(), {SIGUSR1});
      std::raise(SIGUSR1);
      return ctx;
    }();
    EXPECT_TRUE(before.cancelled());  // and it has been served
    auto [after, stop] = notify_context(background(), {SIGUSR1});
    expect_alive(after);
  }
}

TEST_F(context_signal, storms_of_them_cancel_each_context_once) {
  for (int round = 0; round < weft_test::scaled(50); ++round) {
    auto [ctx, stop] = notify_context(background(), {SIGUSR1});
    std::thread raiser([] {
      for (int i = 0; i < 20; ++i) std::raise(SIGUSR1);
    });
    EXPECT_FALSE(ctx.done().recv_for(60s));
    raiser.join();
    for (int i = 0; i < 5; ++i) static_cast<void>(notify_context(background(), {SIGUSR1, SIGUSR2}));
  }
  EXPECT_EQ(action_of(SIGUSR1), SIG_DFL);
}

using context_signal_death = context_signal;

[[noreturn]] void be_interrupted_twice() {
  auto [ctx, stop] = notify_context(background(), {SIGTERM});
  std::raise(SIGTERM);
  ctx.done().recv();
  stop();
  std::raise(SIGTERM);
  std::_Exit(0);
}

/// Given back, the signal does what it did before: it ends the program.
TEST_F(context_signal_death, after_stop_ends_the_program) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(be_interrupted_twice(), testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
