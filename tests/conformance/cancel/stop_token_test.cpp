// A std::stop_token ends every wait of the core, and a wait that it ended leaves no trace.
#include <stop_token>
#include <thread>
#include <vector>

#include <weft_test.hpp>

namespace {

using namespace std::chrono_literals;
using weft::channel_status;
using weft_test::everywhere;
using weft_test::eventually;

using stop_token = weft_test::fixture;

TEST_F(stop_token, ends_a_receive) {
  everywhere([] {
    const weft::chan<int> c;
    std::stop_source source;
    weft::go([source]() mutable { source.request_stop(); });
    EXPECT_EQ(c.recv(source.get_token()).status(), channel_status::cancelled);
    EXPECT_EQ(c.try_send(1), channel_status::would_block) << "a receiver was left behind";
  });
}

TEST_F(stop_token, ends_a_send_and_leaves_the_value) {
  everywhere([] {
    const weft::chan<std::unique_ptr<int>> c;
    std::stop_source source;
    weft::go([source]() mutable { source.request_stop(); });
    auto value = std::make_unique<int>(7);
    EXPECT_EQ(c.send(source.get_token(), std::move(value)), channel_status::cancelled);
    ASSERT_NE(value, nullptr);
    EXPECT_EQ(c.try_recv().status(), channel_status::would_block) << "a sender was left behind";
  });
}

TEST_F(stop_token, ends_operations_on_a_nil_channel) {
  everywhere([] {
    const weft::chan<int> nil(nullptr);
    std::stop_source source;
    weft::go([source]() mutable { source.request_stop(); });
    EXPECT_EQ(nil.recv(source.get_token()).status(), channel_status::cancelled);
    EXPECT_EQ(nil.send(source.get_token(), 1), channel_status::cancelled);
  });
}

TEST_F(stop_token, ends_a_chan_of_void) {
  everywhere([] {
    const weft::chan<void> c;
    std::stop_source source;
    weft::go([source]() mutable { source.request_stop(); });
    EXPECT_EQ(c.recv(source.get_token()).status(), channel_status::cancelled);
    EXPECT_EQ(c.send(source.get_token()), channel_status::cancelled);
  });
}

TEST_F(stop_token, stopped_before_the_call_wins_over_a_ready_value) {
  everywhere([] {
    const weft::chan<int> c(2);
    c.send(1);
    std::stop_source source;
    source.request_stop();
    EXPECT_EQ(c.recv(source.get_token()).status(), channel_status::cancelled);
    EXPECT_EQ(c.send(source.get_token(), 2), channel_status::cancelled);
    EXPECT_EQ(c.size(), 1U);
    const weft::wait_group none;
    EXPECT_FALSE(none.wait(source.get_token()));
    EXPECT_FALSE(weft::sleep_for(source.get_token(), 0s));
  });
}

TEST_F(stop_token, that_cannot_stop_bounds_nothing) {
  everywhere([] {
    const weft::chan<int> c(1);
    EXPECT_EQ(c.send(std::stop_token(), 1), channel_status::ok);
    EXPECT_EQ(*c.recv(std::stop_token()), 1);
    EXPECT_TRUE(weft::sleep_for(std::stop_token(), 0s));
  });
}

TEST_F(stop_token, reports_closed) {
  everywhere([] {
    const weft::chan<int> c;
    const std::stop_source source;
    weft::go([c] { c.close(); });
    EXPECT_EQ(c.recv(source.get_token()).status(), channel_status::closed);
    EXPECT_EQ(c.send(source.get_token(), 1), channel_status::closed);
  });
}

TEST_F(stop_token, ends_a_wait_for_a_group) {
  everywhere([] {
    const weft::wait_group wg;
    wg.add();
    std::stop_source source;
    weft::go([source]() mutable { source.request_stop(); });
    EXPECT_FALSE(wg.wait(source.get_token()));
    wg.done();
    EXPECT_TRUE(wg.wait(std::stop_source().get_token()));
  });
}

TEST_F(stop_token, ends_a_sleep) {
  everywhere([] {
    std::stop_source source;
    weft::go([source]() mutable { source.request_stop(); });
    EXPECT_FALSE(weft::sleep_for(source.get_token(), std::chrono::hours(1000)));
    EXPECT_TRUE(weft::sleep_for(std::stop_source().get_token(), 1us));
    EXPECT_FALSE(weft::sleep_until(source.get_token(), weft::time_point::max()));
  });
}

TEST_F(stop_token, of_a_jthread_ends_its_wait) {
  weft_test::on_thread([] {
    const weft::chan<int> c;
    std::jthread waiting([c](const std::stop_token& token) {
      EXPECT_EQ(c.recv(token).status(), channel_status::cancelled);
    });
    waiting.request_stop();
  });
}

// Many receivers whose tokens stop while values arrive: each value is received exactly once, or is
// still there at the end.
TEST_F(stop_token, loses_no_message_when_it_races_a_send) {
  everywhere([] {
    for (int round = 0; round < weft_test::scaled(300); ++round) {
      constexpr int receivers = 4;
      const weft::chan<int> c;
      const weft::chan<int> received(receivers);
      std::stop_source source;
      const weft::wait_group wg;
      for (int i = 0; i < receivers; ++i)
        wg.go([c, received, token = source.get_token()] {
          if (const auto got = c.recv(token)) received.send(*got);
        });
      weft::go([source]() mutable { source.request_stop(); });
      int sent = 0;
      for (int i = 1; i <= receivers; ++i)
        if (c.send_for(i, 20us) == channel_status::ok) sent += i;
      wg.wait();
      received.close();
      int sum = 0;
      for (const int v : received) sum += v;
      ASSERT_EQ(sum, sent);
      ASSERT_EQ(c.try_send(1), channel_status::would_block);
    }
  });
}

// The same from the other side: every send that says ok was received.
TEST_F(stop_token, loses_no_message_when_it_races_a_receive) {
  everywhere([] {
    for (int round = 0; round < weft_test::scaled(300); ++round) {
      constexpr int senders = 4;
      const weft::chan<int> c;
      std::stop_source source;
      const weft::chan<int> sent(senders);
      const weft::wait_group wg;
      for (int i = 1; i <= senders; ++i)
        wg.go([=, token = source.get_token()] {
          if (c.send(token, i) == channel_status::ok) sent.send(i);
        });
      weft::go([source]() mutable { source.request_stop(); });
      int received = 0;
      for (int i = 0; i < senders; ++i)
        if (const auto got = c.recv_for(20us)) received += *got;
      source.request_stop();
      wg.wait();
      sent.close();
      int sum = 0;
      for (const int v : sent) sum += v;
      ASSERT_EQ(sum, received);
      ASSERT_EQ(c.try_recv().status(), channel_status::would_block);
    }
  });
}

// The three enders of one wait at once: a waker, the clock and the token.
TEST_F(stop_token, races_the_clock_and_a_waker) {
  everywhere([] {
    for (int round = 0; round < weft_test::scaled(500); ++round) {
      const weft::wait_group group;
      group.add();
      std::stop_source source;
      const weft::wait_group waiters;
      for (int i = 0; i < 3; ++i) {
        waiters.go([group, token = source.get_token()] { group.wait(token); });
        waiters.go([group] { group.wait_for(10us); });
        waiters.go([token = source.get_token()] { weft::sleep_for(token, 10us); });
      }
      weft::go([source]() mutable { source.request_stop(); });
      group.done();
      waiters.wait();
      ASSERT_TRUE(group.wait_for(0s));
    }
  });
}

}  // namespace
