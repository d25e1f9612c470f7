// Sends and receives that wait: who is served, who times out, and that the queues are left clean.
#include <array>
#include <map>
#include <vector>

#include "elements.hpp"
#include "port/clock.hpp"
#include "sync/channel.hpp"
#include "unit_support.hpp"

namespace {

using namespace std::chrono_literals;
using weft::channel_status;
using weft::detail::atomic;
using weft::detail::channel_core;
using weft_test::counted;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::scaled;

using channel_waits = weft_test::fixture;

bool somebody_waits(channel_core* c, const weft::detail::wait_queue& queue) {
  c->lock.lock();
  const bool any = !queue.empty();
  c->lock.unlock();
  return any;
}

template <class Channel>
void expect_nobody_waits(const Channel& c) {
  EXPECT_FALSE(somebody_waits(c.core(), c.core()->receivers));
  EXPECT_FALSE(somebody_waits(c.core(), c.core()->senders));
}

template <class Channel>
void until_a_receiver_waits(const Channel& c) {
  ASSERT_TRUE(eventually([&] { return somebody_waits(c.core(), c.core()->receivers); }));
}

template <class Channel>
void until_a_sender_waits(const Channel& c) {
  ASSERT_TRUE(eventually([&] { return somebody_waits(c.core(), c.core()->senders); }));
}

TEST_F(channel_waits, that_time_out_leave_the_queues_and_take_no_value) {
  everywhere([] {
    const weft::chan<counted> c;
    counted v(3);
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(c.recv_for(100us).status(), channel_status::timeout);
      EXPECT_EQ(c.send_for(std::move(v), 100us), channel_status::timeout);
      EXPECT_EQ(v.value(), 3);
      expect_nobody_waits(c);
    }
  });
  EXPECT_EQ(counted::alive(), 0);
}

TEST_F(channel_waits, with_a_bound_that_is_over_do_not_queue) {
  everywhere([] {
    const weft::chan<int> c;
    EXPECT_EQ(c.recv_for(-1h).status(), channel_status::timeout);
    EXPECT_EQ(c.send_until(1, weft::time_point{}), channel_status::timeout);
    expect_nobody_waits(c);
  });
}

TEST_F(channel_waits, with_a_bound_take_what_is_ready_even_when_it_is_over) {
  everywhere([] {
    const weft::chan<int> c(1);
    EXPECT_EQ(c.send_for(4, -1s), channel_status::ok);
    EXPECT_EQ(*c.recv_for(-1s), 4);
  });
}

TEST_F(channel_waits, on_nil_end_only_by_their_bound) {
  everywhere([] {
    const weft::chan<int> nil(nullptr);
    EXPECT_EQ(nil.recv_for(200us).status(), channel_status::timeout);
    EXPECT_EQ(nil.send_for(1, 200us), channel_status::timeout);
    EXPECT_EQ(nil.try_recv().status(), channel_status::would_block);
    EXPECT_EQ(nil.try_send(1), channel_status::would_block);
  });
}

TEST_F(channel_waits, end_by_close_and_say_so) {
  everywhere([] {
    const weft::chan<int> c;
    weft::wait_group wg;
    wg.go([=] { EXPECT_EQ(c.recv(), std::nullopt); });
    wg.go([=] { EXPECT_EQ(c.recv_for(1h).status(), channel_status::closed); });
    until_a_receiver_waits(c);
    c.close();
    wg.wait();
    const weft::chan<int> full;
    wg.go([=] { EXPECT_THROW(full.send(1), weft::closed_channel); });
    until_a_sender_waits(full);
    full.close();
    wg.wait();
    expect_nobody_waits(c);
    expect_nobody_waits(full);
  });
}

TEST_F(channel_waits, are_served_first_come_first_served) {
  weft_test::on_goroutine([] {
    const weft::chan<int> c;
    const weft::chan<int> got(8);
    weft::wait_group wg;
    for (int i = 0; i < 8; ++i) {
      wg.go([=] { got.send(i * 100 + c.recv().value()); });
      // The next may come only when this one waits.
      ASSERT_TRUE(eventually([&] {
        c.core()->lock.lock();
        int waiting = 0;
        std::vector<weft::detail::wait_node*> out;
        while (auto* node = c.core()->receivers.pop_claimed_locked()) out.push_back(node);
        for (auto* node : out) c.core()->receivers.push_locked(*node), ++waiting;
        c.core()->lock.unlock();
        return waiting == i + 1;
      }));
    }
    for (int i = 0; i < 8; ++i) c.send(i);
    wg.wait();
    got.close();
    for (const int g : got) EXPECT_EQ(g / 100, g % 100);
  });
}

/// Bounded operations on both sides race each other's deadlines: what a send calls sent must be
/// received, once, and nothing else.
void race_deadlines(bool threads, std::size_t capacity) {
  const weft::chan<int> c(capacity);
  const int rounds = scaled(1'500);
  std::vector<int> sent_by[2];
  std::vector<int> got_by[2];
  const auto send_all = [&](int me) {
    unit::sequence s(static_cast<unsigned>(me));
    for (int i = 0; i < rounds; ++i) {
      const auto bound = std::chrono::nanoseconds(unit::below(s, 30'000));
      if (c.send_for(me * rounds + i, bound) == channel_status::ok)
        sent_by[me].push_back(me * rounds + i);
    }
  };
  atomic<bool> done{false};
  const auto recv_all = [&](int me) {
    unit::sequence s(static_cast<unsigned>(me + 9));
    const auto take = [&](auto&& r) {
      if (r) got_by[me].push_back(*r);
    };
    while (!done.load()) take(c.recv_for(std::chrono::nanoseconds(unit::below(s, 30'000))));
    while (const auto r = c.try_recv()) take(r);
  };
  weft::wait_group senders;
  weft::wait_group receivers;
  std::vector<std::thread> started;
  for (int me = 0; me < 2; ++me) {
    senders.add();
    receivers.add();
    const auto s = [&, me] { send_all(me), senders.done(); };
    const auto r = [&, me] { recv_all(me), receivers.done(); };
    if (threads) {
      started.emplace_back(s);
      started.emplace_back(r);
    } else {
      weft::go(s);
      weft::go(r);
    }
  }
  senders.wait();
  done.store(true);
  receivers.wait();
  for (std::thread& t : started) t.join();
  std::map<int, int> balance;
  for (int me = 0; me < 2; ++me) {
    for (const int v : sent_by[me]) ++balance[v];
    for (const int v : got_by[me]) --balance[v];
  }
  for (const auto& [value, left] : balance) ASSERT_EQ(left, 0) << "value " << value;
  expect_nobody_waits(c);
}

TEST_F(channel_waits, that_race_their_deadlines_lose_and_double_nothing) {
  everywhere([] {
    for (const std::size_t capacity : {0U, 1U, 3U})
      for (const bool threads : {false, true}) race_deadlines(threads, capacity);
  });
}

TEST_F(channel_waits, keep_every_senders_order) {
  everywhere([] {
    for (const int capacity : {0, 1, 5}) {
      const weft::chan<std::array<int, 2>> c(capacity);
      weft::wait_group wg;
      for (int me = 0; me < 4; ++me)
        wg.go([=] {
          for (int i = 0; i < scaled(500); ++i) c.send({me, i});
        });
      weft::go([=] { wg.wait(), c.close(); });
      std::array<int, 4> next{};
      for (const auto& [from, number] : c)
        ASSERT_EQ(number, next.at(static_cast<std::size_t>(from))++);
      for (const int n : next) EXPECT_EQ(n, scaled(500));
    }
  });
}

}  // namespace
