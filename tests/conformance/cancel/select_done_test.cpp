// The case of a select that proceeds when something is cancelled.
#include <memory>
#include <stop_token>

#include <weft_test.hpp>

namespace {

using namespace std::chrono_literals;
using weft_test::everywhere;

using on_done = weft_test::fixture;

TEST_F(on_done, wakes_a_waiting_select) {
  everywhere([] {
    const weft::chan<int> a, b;
    std::stop_source source;
    weft::go([source]() mutable { source.request_stop(); });
    bool called = false;
    EXPECT_EQ(weft::select(weft::on_recv(a), weft::on_send(b, 1),
                           weft::on_done(source.get_token(), [&] { called = true; })),
              2U);
    EXPECT_TRUE(called);
    EXPECT_EQ(a.try_send(1), weft::channel_status::would_block);
    EXPECT_EQ(b.try_recv().status(), weft::channel_status::would_block);
  });
}

TEST_F(on_done, is_not_ready_before_it_is_cancelled) {
  everywhere([] {
    const weft::chan<int> c(1);
    const std::stop_source source;
    for (int i = 0; i < 50; ++i) {
      c.send(i);
      EXPECT_EQ(weft::select(weft::on_recv(c), weft::on_done(source.get_token())), 0U);
    }
    EXPECT_EQ(weft::select(weft::on_done(source.get_token()), weft::on_default()), 1U);
    EXPECT_EQ(weft::select(weft::on_done(std::stop_token()), weft::on_timeout(1us)), 1U);
  });
}

TEST_F(on_done, is_chosen_uniformly_with_the_ready_cases) {
  everywhere([] {
    const weft::chan<int> c(1);
    c.send(1);
    std::stop_source source;
    source.request_stop();
    int chosen = 0;
    constexpr int times = 4000;
    for (int i = 0; i < times; ++i) {
      if (weft::select(weft::on_recv(c), weft::on_done(source.get_token())) == 1)
        ++chosen;
      else
        c.send(1);
    }
    EXPECT_NEAR(chosen, times / 2, times / 10);
  });
}

TEST_F(on_done, stands_where_it_is_put_in_order) {
  everywhere([] {
    const weft::chan<int> c(1);
    c.send(1);
    std::stop_source source;
    source.request_stop();
    const auto token = source.get_token();
    for (int i = 0; i < 20; ++i)
      EXPECT_EQ(weft::select_in_order(weft::on_done(token), weft::on_recv(c)), 0U);
    EXPECT_EQ(weft::select_in_order(weft::on_recv(c), weft::on_done(token)), 0U);
  });
}

TEST_F(on_done, works_without_any_channel_and_with_several_sources) {
  everywhere([] {
    std::stop_source first, second;
    weft::go([second]() mutable { second.request_stop(); });
    EXPECT_EQ(weft::select(weft::on_done(first.get_token()), weft::on_done(second.get_token()),
                           weft::on_done(first.get_token())),
              1U);
    EXPECT_EQ(weft::select(weft::on_done(first.get_token()), weft::on_timeout(1us)), 1U);
  });
}

TEST_F(on_done, in_a_selector_keeps_its_source_and_can_be_used_again) {
  everywhere([] {
    const weft::chan<int> c(4);
    weft::selector s;
    auto source = std::make_unique<std::stop_source>();
    int received = 0;
    s.add(weft::on_recv(c, [&](std::optional<int> v) { received += *v; }));
    const std::size_t done = s.add(weft::on_done(source->get_token()));
    c.send(1);
    c.send(2);
    EXPECT_EQ(s.select(), 0U);
    EXPECT_EQ(s.select(), 0U);
    weft::go([moved = std::move(source)] { moved->request_stop(); });
    EXPECT_EQ(s.select(), done);
    EXPECT_EQ(s.select(), done);
    EXPECT_EQ(received, 3);
  });
}

// Selects of both directions, each with a token that stops at some moment: what was sent is what
// was received.
TEST_F(on_done, loses_no_message_when_it_races) {
  everywhere([] {
    for (int round = 0; round < weft_test::scaled(200); ++round) {
      constexpr int pairs = 4;
      const weft::chan<int> a, b(1);
      std::stop_source source;
      const weft::wait_group wg;
      const weft::chan<int> sent(2 * pairs), received(2 * pairs);
      for (int i = 1; i <= pairs; ++i) {
        wg.go([=, token = source.get_token()] {
          if (weft::select(weft::on_send(a, i), weft::on_send(b, i), weft::on_done(token)) < 2)
            sent.send(i);
        });
        wg.go([=, token = source.get_token()] {
          std::optional<int> got;
          if (weft::select(weft::on_recv(a, got), weft::on_recv(b, got), weft::on_done(token)) < 2)
            received.send(*got);
        });
      }
      weft::go([source]() mutable { source.request_stop(); });
      wg.wait();
      sent.close();
      received.close();
      int balance = 0;
      for (const int v : sent) balance += v;
      for (const int v : received) balance -= v;
      if (const auto left = b.try_recv()) balance -= *left;
      ASSERT_EQ(balance, 0);
      ASSERT_EQ(a.try_recv().status(), weft::channel_status::would_block);
      ASSERT_EQ(a.try_send(1), weft::channel_status::would_block);
    }
  });
}

}  // namespace
