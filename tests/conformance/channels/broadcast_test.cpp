// The rules of broadcast: everyone sees everything in one order, and nobody is waited for.

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft::broadcast;
using weft::channel_status;
using weft::subscription;
using weft_test::counted;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::scaled;
using weft_test::what_thrown;

using Broadcast = weft_test::fixture;

TEST_F(Broadcast, EverySubscriberSeesEveryValueInOrder) {
  everywhere([] {
    const int count = scaled(500);
    const broadcast<int> b(count);
    weft::wait_group all;
    for (int s = 0; s < 5; ++s)
      all.go([=, in = b.subscribe()] {
        int next = 0;
        for (const int v : in) ASSERT_EQ(v, next++);
        EXPECT_EQ(next, count);
        EXPECT_EQ(in.missed(), 0U);
      });
    for (int i = 0; i < count; ++i) b.send(i);
    b.close();
    all.wait();
  });
}

TEST_F(Broadcast, ASubscriberSeesWhatIsSentAfterItSubscribed) {
  everywhere([] {
    const broadcast<int> b(4);
    b.send(1);
    const auto in = b.subscribe();
    EXPECT_EQ(in.try_recv().status(), channel_status::would_block);
    b.send(2);
    EXPECT_EQ(in.recv(), 2);
  });
}

TEST_F(Broadcast, ASlowSubscriberLosesItsOldestAndKnowsHowMany) {
  everywhere([] {
    const broadcast<std::string> b(3);
    const auto slow = b.subscribe();
    const auto quick = b.subscribe();
    for (int i = 0; i < 10; ++i) {
      b.send(std::to_string(i));
      EXPECT_EQ(quick.recv(), std::to_string(i));
    }
    EXPECT_EQ(slow.size(), 3U);
    EXPECT_EQ(slow.missed(), 7U);
    for (int i = 7; i < 10; ++i) EXPECT_EQ(slow.recv(), std::to_string(i));
    EXPECT_EQ(slow.try_recv().status(), channel_status::would_block);
    EXPECT_EQ(quick.missed(), 0U);
  });
}

TEST_F(Broadcast, SendDoesNotWaitForAnyone) {
  weft_test::on_one_processor([] {
    const broadcast<int> b(1);
    const auto never_read = b.subscribe();
    for (int i = 0; i < 1000; ++i) b.send(i);
    EXPECT_EQ(never_read.missed(), 999U);
  });
}

TEST_F(Broadcast, WithoutSubscribersAValueIsGone) {
  everywhere([] {
    const broadcast<counted> b(2);
    b.send(counted(1));
    EXPECT_EQ(counted::alive(), 0);
    EXPECT_EQ(b.subscribers(), 0U);
    EXPECT_EQ(b.capacity(), 2U);
  });
}

TEST_F(Broadcast, ClosedAndDrainedSubscribersSeeTheEnd) {
  everywhere([] {
    const broadcast<int> b(4);
    const auto in = b.subscribe();
    weft::wait_group wg;
    wg.go([waits = b.subscribe()] {
      EXPECT_EQ(waits.recv(), 1);
      EXPECT_EQ(waits.recv(), std::nullopt);
    });
    b.send(1);
    let_others_run();
    b.close();
    wg.wait();
    EXPECT_EQ(in.recv(), 1);
    EXPECT_EQ(in.recv(), std::nullopt);
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { b.send(2); }), "send on closed channel");
    EXPECT_EQ(b.try_send(2), channel_status::closed);
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { b.close(); }), "close of closed channel");
    EXPECT_EQ(b.subscribe().recv(), std::nullopt);
  });
}

TEST_F(Broadcast, ADroppedSubscriberIsForgotten) {
  everywhere([] {
    const broadcast<counted> b(8);
    {
      const auto one = b.subscribe();
      weft::recv_chan<counted> two = b.subscribe();
      const auto same = one;  // NOLINT: the copy is the test
      EXPECT_EQ(b.subscribers(), 2U);
      b.send(counted(1));
    }
    EXPECT_EQ(b.subscribers(), 0U);
    EXPECT_EQ(counted::alive(), 0) << "its values are still there";
    b.send(counted(2));
  });
}

TEST_F(Broadcast, SubscribersOutliveTheSender) {
  everywhere([] {
    subscription<int> in;
    {
      const broadcast<int> b(4);
      in = b.subscribe();
      b.send(1);
    }
    EXPECT_EQ(in.recv(), 1);
    EXPECT_EQ(in.try_recv().status(), channel_status::would_block);
  });
}

TEST_F(Broadcast, ASubscriptionIsACaseOfSelectAndARecvChan) {
  everywhere([] {
    const broadcast<int> b(4);
    const auto first = b.subscribe();
    const weft::recv_chan<int> second = b.subscribe();
    std::optional<int> v;
    EXPECT_EQ(weft::select(weft::on_recv(first, v), weft::on_default()), 1U);
    weft::go([=] { b.send(9); });
    EXPECT_EQ(weft::select(weft::on_recv(first, v), weft::on_timeout(1h)), 0U);
    EXPECT_EQ(v, 9);
    EXPECT_EQ(second.recv(), 9);
    EXPECT_EQ(first.recv_for(100us).status(), channel_status::timeout);
    std::stop_source stop;
    stop.request_stop();
    EXPECT_EQ(first.recv(stop.get_token()).status(), channel_status::cancelled);
  });
}

TEST_F(Broadcast, NilBlocksForEver) {
  everywhere([] {
    const broadcast<int> nil(nullptr);
    EXPECT_FALSE(nil);
    EXPECT_EQ(nil.try_send(1), channel_status::would_block);
    EXPECT_FALSE(nil.subscribe());
    EXPECT_EQ(nil.subscribe().missed(), 0U);
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { nil.close(); }), "close of nil channel");
  });
}

TEST_F(Broadcast, ACapacityBelowOneIsRefused) {
  for (const int capacity : {0, -1})
    EXPECT_THROW(static_cast<void>(broadcast<int>(capacity)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(broadcast<int>(std::size_t{1} << 60).subscribe()),
               std::length_error);
}

TEST_F(Broadcast, ACopyThatThrowsReachesTheSenderAndNobodyElse) {
  everywhere([] {
    struct fails_at_third {
      explicit fails_at_third(std::shared_ptr<int> n) : copies(std::move(n)) {}
      fails_at_third(const fails_at_third& other) : copies(other.copies) {
        if (++*copies == 3) throw std::runtime_error("the third copy");
      }
      std::shared_ptr<int> copies;
    };
    const broadcast<fails_at_third> b(4);
    std::vector<subscription<fails_at_third>> all;
    for (int i = 0; i < 4; ++i) all.push_back(b.subscribe());
    const fails_at_third value(std::make_shared<int>(0));
    EXPECT_EQ(what_thrown<std::runtime_error>([&] { b.send(value); }), "the third copy");
    for (const auto& in : all) EXPECT_EQ(in.size(), 0U);
    b.send(value);  // the next copies are beyond the third
    for (const auto& in : all) EXPECT_EQ(in.size(), 1U);
  });
}

// User code runs under no lock: what a value does when it ends may use the broadcast itself.
TEST_F(Broadcast, AValueThatEndsMayUseIt) {
  everywhere([] {
    const broadcast<std::shared_ptr<void>> b(1);
    const auto in = b.subscribe();
    int ended = 0;
    const auto send_one = [&] {
      b.send(std::shared_ptr<void>(nullptr, [&](void*) {
        if (++ended < 5) b.send(nullptr);
      }));
    };
    for (int i = 0; i < 10; ++i) send_one();  // each pushes the one before out
    EXPECT_GE(ended, 5);
    EXPECT_GT(in.missed(), 8U);
  });
}

/// Senders, quick and slow subscribers, and subscribers that come and go.
void race(bool threads) {
  constexpr int senders = 3;
  const int each = scaled(300);
  const broadcast<std::pair<int, int>> b(8);
  std::atomic<bool> sending{true};
  weft::wait_group work;
  std::vector<std::thread> started;
  const auto start = [&](std::function<void()> f) {
    work.add();
    auto body = [f = std::move(f), work] { f(), work.done(); };
    if (threads)
      started.emplace_back(std::move(body));
    else
      weft::go(std::move(body));
  };
  const auto drain = [each](const subscription<std::pair<int, int>>& in, std::size_t pause) {
    std::array<int, senders> last;
    last.fill(-1);
    std::size_t received = 0;
    for (const auto& [s, i] : in) {
      ASSERT_GT(i, last[static_cast<std::size_t>(s)]) << "twice, or in another order";
      ASSERT_LT(i, each);
      last[static_cast<std::size_t>(s)] = i;
      if (pause != 0 && ++received % pause == 0) weft::yield();
    }
    EXPECT_LE(received + in.missed(), static_cast<std::size_t>(senders * each));
  };
  for (const std::size_t pause : {0U, 1U, 7U}) start([=, in = b.subscribe()] { drain(in, pause); });
  std::array<std::vector<std::pair<int, int>>, 2> orders;
  for (auto& order : orders)
    start([&order, in = b.subscribe()] {
      while (auto v = in.recv()) order.push_back(*v);
      EXPECT_EQ(order.size() + in.missed(), static_cast<std::size_t>(senders * each));
    });
  for (int g = 0; g < 2; ++g)
    start([&] {
      while (sending) {
        const auto in = b.subscribe();
        static_cast<void>(in.recv_for(20us));
      }
    });
  weft::wait_group senders_done;
  for (int s = 0; s < senders; ++s) {
    senders_done.add();
    start([=] {
      for (int i = 0; i < each; ++i) {
        b.send({s, i});
        if (i % 16 == 0) weft::yield();
      }
      senders_done.done();
    });
  }
  senders_done.wait();
  sending = false;
  b.close();
  work.wait();
  for (std::thread& t : started) t.join();
  EXPECT_TRUE(eventually([&] { return b.subscribers() == 0; }));
  // What both saw, they saw in the same order.
  std::size_t at = 0;
  for (const auto& v : orders[0]) {
    const auto found =
        std::find(orders[1].begin() + static_cast<std::ptrdiff_t>(at), orders[1].end(), v);
    if (found != orders[1].end())
      at = static_cast<std::size_t>(found - orders[1].begin()) + 1;
    else
      ASSERT_EQ(std::find(orders[1].begin(), orders[1].end(), v), orders[1].end())
          << "two subscribers disagree about the order";
  }
}

TEST_F(Broadcast, ManySendersAndSubscribersThatComeAndGo) {
  everywhere([] {
    for (const bool threads : {false, true}) race(threads);
  });
}

TEST_F(Broadcast, SubscribersThatLeaveDuringASendLeakNothing) {
  everywhere([] {
    const broadcast<counted> b(2);
    std::atomic<bool> sending{true};
    weft::wait_group churn;
    for (int g = 0; g < 3; ++g)
      churn.go([&] {
        while (sending) {
          std::vector<subscription<counted>> several;
          for (int i = 0; i < 4; ++i) several.push_back(b.subscribe());
          weft::yield();
        }
      });
    for (int i = 0; i < scaled(1000); ++i) {
      b.send(counted(i));
      if (i % 8 == 0) weft::yield();
    }
    sending = false;
    churn.wait();
    EXPECT_TRUE(eventually([&] { return b.subscribers() == 0; }));
  });
  EXPECT_EQ(counted::alive(), 0);
  EXPECT_EQ(counted::strays(), 0);
}

}  // namespace
