// Everything that waits takes a context: a cancelled wait leaves nothing behind and loses nothing.
#include <algorithm>
#include <atomic>
#include <vector>

#include "context_support.hpp"

namespace {

using namespace std::chrono_literals;
using namespace context_test;
using weft::background;
using weft::channel_status;
using weft::context;
using weft::with_cancel;
using weft::with_timeout;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::scaled;

using context_wait = weft_test::fixture;

/// Cancels from elsewhere, soon.
template <class Cancel>
void cancel_soon(const weft::wait_group& wg, const Cancel& cancel) {
  wg.go([cancel] {
    let_others_run();
    cancel();
  });
}

TEST_F(context_wait, in_a_receive_or_a_send_ends) {
  everywhere([] {
    weft::wait_group wg;
    const weft::chan<int> c;
    {
      auto [ctx, cancel] = with_cancel(background());
      cancel_soon(wg, cancel);
      EXPECT_EQ(c.recv(ctx).status(), channel_status::cancelled);
    }
    {
      auto [ctx, cancel] = with_cancel(background());
      cancel_soon(wg, cancel);
      EXPECT_EQ(c.send(ctx, 1), channel_status::cancelled);
    }
    EXPECT_EQ(c.try_send(1), channel_status::would_block);  // no ghost of a receiver
    EXPECT_EQ(c.try_recv().status(), channel_status::would_block);
    auto [late, cancel] = with_timeout(background(), 1ms);
    EXPECT_EQ(c.recv(late).status(), channel_status::cancelled);
    EXPECT_EQ(late.err(), weft::context_errc::deadline_exceeded);
    wg.wait();
  });
}

TEST_F(context_wait, on_a_nil_channel_ends) {
  everywhere([] {
    auto [ctx, cancel] = with_timeout(background(), 1ms);
    EXPECT_EQ(weft::chan<int>(nullptr).recv(ctx).status(), channel_status::cancelled);
    EXPECT_EQ(weft::chan<int>(nullptr).send(ctx, 1), channel_status::cancelled);
  });
}

TEST_F(context_wait, that_begins_cancelled_does_nothing) {
  everywhere([] {
    auto [ctx, cancel] = with_cancel(background());
    cancel();
    const weft::chan<int> c(2);
    c.send(1);
    EXPECT_EQ(c.recv(ctx).status(), channel_status::cancelled);
    EXPECT_EQ(c.send(ctx, 2), channel_status::cancelled);
    EXPECT_EQ(c.size(), 1U);
    EXPECT_FALSE(weft::sleep_for(ctx, 1h));
    EXPECT_FALSE(weft::wait_group().wait(ctx));
  });
}

TEST_F(context_wait, of_a_context_that_never_ends_is_a_plain_one) {
  everywhere([] {
    const weft::chan<int> c(1);
    c.send(7);
    EXPECT_EQ(*c.recv(background()), 7);
    EXPECT_EQ(c.send(weft::todo(), 8), channel_status::ok);
    EXPECT_TRUE(weft::sleep_for(weft::without_cancel(with_timeout(background(), 0s).ctx), 1ns));
  });
}

TEST_F(context_wait, in_a_sleep_or_for_a_group_ends) {
  everywhere([] {
    weft::wait_group wg;
    auto [ctx, cancel] = with_cancel(background());
    cancel_soon(wg, cancel);
    EXPECT_FALSE(weft::sleep_for(ctx, 1h));
    wg.wait();
    weft::wait_group held;
    held.add();
    EXPECT_FALSE(held.wait(with_timeout(background(), 1ms).ctx));
    held.done();
    EXPECT_TRUE(held.wait(with_cancel(background()).ctx));
  });
}

TEST_F(context_wait, in_a_select_ends_by_its_done_channel) {
  everywhere([] {
    weft::wait_group wg;
    const weft::chan<int> in;
    const weft::chan<int> out;
    auto [ctx, cancel] = with_cancel(background());
    cancel_soon(wg, cancel);
    bool closed = false;
    const std::size_t which =
        weft::select(weft::on_recv(in), weft::on_send(out, 1),
                     weft::on_recv(ctx.done(), [&](bool open) { closed = !open; }));
    EXPECT_EQ(which, 2U);
    EXPECT_TRUE(closed);
    EXPECT_EQ(in.try_send(1), channel_status::would_block);
    EXPECT_EQ(out.try_recv().status(), channel_status::would_block);
    wg.wait();
  });
}

TEST_F(context_wait, of_many_kinds_all_end_at_once) {
  everywhere([] {
    constexpr int crowd = 40;
    auto [ctx, cancel] = with_cancel(background());
    const weft::chan<int> c;
    weft::wait_group never;
    never.add();
    weft::wait_group wg;
    std::atomic<int> over{0};
    for (int i = 0; i < crowd; ++i) {
      wg.go([&, child = with_cancel(ctx).ctx] {
        over += c.recv(child).status() == channel_status::cancelled;
      });
      wg.go([&, self = ctx] { over += !weft::sleep_for(self, 1h); });
      wg.go([&, self = ctx] { over += !never.wait(self); });
      wg.go([&, done = ctx.done()] { over += !done.recv(); });
    }
    let_others_run();
    cancel();
    wg.wait();
    EXPECT_EQ(over, 4 * crowd);
    never.done();
  });
}

/// What is received or reported as not sent, and what is left in the channel, is what was sent.
void race_cancel_against_send(std::size_t capacity, int round) {
  constexpr int values = 30;
  constexpr int pairs = 3;
  auto [ctx, cancel] = with_cancel(background());
  const weft::chan<int> c(capacity);
  std::vector<std::vector<int>> sent(pairs);
  std::vector<std::vector<int>> received(pairs);
  weft::wait_group wg;
  for (int p = 0; p < pairs; ++p) {
    const auto at = static_cast<std::size_t>(p);
    wg.go([&, p, at, self = ctx] {
      for (int i = 0; i < values; ++i) {
        const channel_status status = c.send(self, p * values + i);
        if (status == channel_status::ok) sent[at].push_back(p * values + i);
        if (status == channel_status::cancelled) break;
      }
    });
    wg.go([&, at, self = with_cancel(ctx).ctx] {
      while (auto v = c.recv(self)) received[at].push_back(*v);
    });
  }
  wg.go([&, stop = cancel] {
    for (int turns = round % 40; turns > 0; --turns) weft::yield();
    stop();
  });
  wg.wait();
  std::vector<int> in;
  std::vector<int> out;
  for (const auto& each : sent) in.insert(in.end(), each.begin(), each.end());
  for (const auto& each : received) out.insert(out.end(), each.begin(), each.end());
  while (auto v = c.try_recv()) out.push_back(*v);
  std::sort(in.begin(), in.end());
  std::sort(out.begin(), out.end());
  EXPECT_EQ(in, out);
  EXPECT_EQ(c.try_send(0) == channel_status::ok, capacity > 0);
}

TEST_F(context_wait, loses_and_doubles_no_message) {
  everywhere([] {
    for (int round = 0; round < scaled(200); ++round)
      race_cancel_against_send(static_cast<std::size_t>(round % 3), round);
  });
}

TEST_F(context_wait, in_selects_loses_no_message) {
  everywhere([] {
    for (int round = 0; round < scaled(300); ++round) {
      auto [ctx, cancel] = with_cancel(background());
      const weft::chan<int> c;
      weft::wait_group wg;
      int sent = 0;
      int received = 0;
      wg.go([&, done = ctx.done()] {
        while (weft::select(weft::on_send(c, 1), weft::on_recv(done)) == 0) ++sent;
      });
      wg.go([&, done = ctx.done()] {
        while (weft::select(weft::on_recv(c), weft::on_recv(done)) == 0) ++received;
      });
      for (int turns = round % 10; turns > 0; --turns) weft::yield();
      cancel();
      wg.wait();
      EXPECT_EQ(sent, received);
    }
  });
}

/// A deadline, a cancellation and a sender for one wait: one of them ends it.
TEST_F(context_wait, has_one_end) {
  everywhere([] {
    for (int round = 0; round < scaled(300); ++round) {
      auto [ctx, cancel] = with_timeout(background(), std::chrono::microseconds(round % 50));
      const weft::chan<int> c;
      weft::wait_group wg;
      channel_status sent{};
      wg.go([&] { sent = c.send_for(1, std::chrono::microseconds(round % 70)); });
      wg.go([stop = cancel] { stop(); });
      const channel_status received = c.recv(ctx).status();
      wg.wait();
      EXPECT_EQ(sent == channel_status::ok, received == channel_status::ok);
      EXPECT_TRUE(received == channel_status::ok || received == channel_status::cancelled);
    }
  });
}

}  // namespace
