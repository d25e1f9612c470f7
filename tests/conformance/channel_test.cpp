// The rules of channels: order, rendezvous, buffering, close, range, nil, direction, handles.

#include <array>
#include <atomic>
#include <optional>
#include <thread>
#include <type_traits>
#include <vector>

#include "weft_test.hpp"

namespace {

using weft_test::eventually;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::on_one_processor;
using weft_test::scaled;
using weft_test::what_thrown;

using Chan = weft_test::fixture;

TEST_F(Chan, ValuesArriveInSendOrder) {
  everywhere([] {
    for (const int capacity : {0, 1, 3, 100}) {
      weft::chan<int> c(capacity);
      const int count = scaled(2000);
      weft::go([=] {
        for (int i = 0; i < count; ++i) c.send(i);
        c.close();
      });
      int expected = 0;
      for (const int v : c) ASSERT_EQ(v, expected++);
      EXPECT_EQ(expected, count);
    }
  });
}

TEST_F(Chan, OrderIsKeptPerSenderWhenManySend) {
  everywhere([] {
    constexpr int senders = 4;
    const int each = scaled(1000);
    for (const int capacity : {0, 2}) {
      weft::chan<std::pair<int, int>> c(capacity);
      for (int s = 0; s < senders; ++s)
        weft::go([=] {
          for (int i = 0; i < each; ++i) c.send({s, i});
        });
      std::array<int, senders> next{};
      for (int i = 0; i < senders * each; ++i) {
        const auto [sender, value] = c.recv().value();
        ASSERT_EQ(value, next[static_cast<std::size_t>(sender)]++);
      }
    }
  });
}

TEST_F(Chan, UnbufferedSendWaitsForItsReceiver) {
  everywhere([] {
    weft::chan<int> c;
    std::atomic<bool> sent{false};
    weft::go([&, c] {
      c.send(7);
      sent = true;
    });
    let_others_run();
    EXPECT_FALSE(sent);
    EXPECT_EQ(c.recv(), 7);
    EXPECT_TRUE(eventually([&] { return sent.load(); }));
  });
}

TEST_F(Chan, ReceiveWaitsForASender) {
  everywhere([] {
    for (const int capacity : {0, 1}) {
      weft::chan<int> c(capacity);
      weft::chan<int> received(1);
      weft::go([=] { received.send(c.recv().value()); });
      let_others_run();
      EXPECT_EQ(received.size(), 0U);
      c.send(5);
      EXPECT_EQ(received.recv(), 5);
    }
  });
}

TEST_F(Chan, BufferedSendWaitsOnlyWhenFull) {
  everywhere([] {
    for (const int capacity : {1, 3, 64}) {
      weft::chan<int> c(capacity);
      for (int i = 0; i < capacity; ++i) c.send(i);  // would hang if it waited
      weft::chan<void> last_sent(1);
      weft::go([=] {
        c.send(capacity);
        last_sent.send();
      });
      let_others_run();
      EXPECT_EQ(last_sent.size(), 0U);
      for (int i = 0; i <= capacity; ++i) EXPECT_EQ(c.recv(), i);
      EXPECT_TRUE(last_sent.recv());
    }
  });
}

TEST_F(Chan, WaitingReceiversAreServedFirstComeFirstServed) {
  on_one_processor([] {
    constexpr int receivers = 20;
    weft::chan<int> c;
    weft::wait_group all;
    std::atomic<int> waiting{0};
    std::array<int, receivers> got_by_rank{};
    for (int r = 0; r < receivers; ++r)
      all.go([&, c] {
        const int rank = waiting++;
        got_by_rank[static_cast<std::size_t>(rank)] = c.recv().value_or(-1);
      });
    EXPECT_TRUE(eventually([&] { return waiting == receivers; }));
    for (int v = 0; v < receivers; ++v) c.send(v);
    all.wait();
    for (int r = 0; r < receivers; ++r) EXPECT_EQ(got_by_rank[static_cast<std::size_t>(r)], r);
  });
}

TEST_F(Chan, WaitingSendersAreServedFirstComeFirstServed) {
  on_one_processor([] {
    for (const int capacity : {0, 1}) {
      constexpr int senders = 20;
      weft::chan<int> c(capacity);
      weft::wait_group all;
      std::atomic<int> waiting{0};
      for (int s = 0; s < senders; ++s) all.go([&, c] { c.send(waiting++); });
      EXPECT_TRUE(eventually([&] { return waiting == senders; }));
      for (int v = 0; v < senders; ++v) EXPECT_EQ(c.recv(), v);
      all.wait();
    }
  });
}

TEST_F(Chan, FullBufferTakesAWaitingSendersValueAtItsTail) {
  everywhere([] {
    weft::chan<int> c(2);
    c.send(1);
    c.send(2);
    weft::go([=] { c.send(3); });
    let_others_run();
    EXPECT_EQ(c.recv(), 1);
    EXPECT_EQ(c.recv(), 2);
    EXPECT_EQ(c.recv(), 3);
  });
}

TEST_F(Chan, SizeAndCapacityTellQueuedAndRoom) {
  everywhere([] {
    weft::chan<int> c(3);
    EXPECT_EQ(c.size(), 0U);
    EXPECT_EQ(c.capacity(), 3U);
    for (std::size_t i = 1; i <= 3; ++i) {
      c.send(0);
      EXPECT_EQ(c.size(), i);
    }
    c.close();
    EXPECT_EQ(c.size(), 3U);
    c.recv();
    EXPECT_EQ(c.size(), 2U);
    EXPECT_EQ(c.capacity(), 3U);
    const weft::chan<int> unbuffered(0);
    EXPECT_TRUE(unbuffered);
    EXPECT_EQ(unbuffered.size(), 0U);
    EXPECT_EQ(unbuffered.capacity(), 0U);
  });
}

TEST_F(Chan, ClosedDrainsItsBufferThenEndsForEver) {
  everywhere([] {
    weft::chan<int> c(4);
    for (int i = 0; i < 3; ++i) c.send(i);
    c.close();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(c.recv(), i);
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(c.recv(), std::nullopt);
      EXPECT_EQ(c.try_recv().status(), weft::channel_status::closed);
    }
  });
}

TEST_F(Chan, CloseReleasesEveryWaitingReceiver) {
  everywhere([] {
    for (const int capacity : {0, 2}) {
      weft::chan<int> c(capacity);
      weft::chan<bool> ended(16);
      for (int i = 0; i < 16; ++i) weft::go([=] { ended.send(!c.recv().has_value()); });
      let_others_run();
      c.close();
      for (int i = 0; i < 16; ++i) EXPECT_EQ(ended.recv(), true);
    }
  });
}

TEST_F(Chan, CloseMakesEveryWaitingSenderThrow) {
  everywhere([] {
    for (const int capacity : {0, 2}) {
      weft::chan<int> c(capacity);
      for (int i = 0; i < capacity; ++i) c.send(100 + i);
      weft::chan<std::string> said(16);
      std::atomic<int> started{0};
      for (int i = 0; i < 16; ++i)
        weft::go([=, &started] {
          ++started;
          said.send(what_thrown<weft::closed_channel>([&] { c.send(i); }));
        });
      EXPECT_TRUE(eventually([&] { return started == 16; }));
      let_others_run();
      c.close();
      for (int i = 0; i < 16; ++i) EXPECT_EQ(said.recv(), "send on closed channel");
      for (int i = 0; i < capacity; ++i) EXPECT_EQ(c.recv(), 100 + i);
      EXPECT_EQ(c.recv(), std::nullopt);
    }
  });
}

TEST_F(Chan, SendOnClosedThrowsGosWords) {
  everywhere([] {
    for (const int capacity : {0, 1}) {
      weft::chan<int> c(capacity);
      c.close();
      EXPECT_EQ(what_thrown<weft::closed_channel>([&] { c.send(1); }), "send on closed channel");
      EXPECT_EQ(what_thrown<std::logic_error>([&] { c.send(1); }), "send on closed channel");
    }
  });
}

TEST_F(Chan, CloseOfClosedThrowsGosWords) {
  everywhere([] {
    weft::chan<int> c;
    c.close();
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { c.close(); }), "close of closed channel");
    EXPECT_EQ(c.recv(), std::nullopt);
  });
}

TEST_F(Chan, CloseOfNilThrowsGosWords) {
  everywhere([] {
    const weft::chan<int> nil = nullptr;
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { nil.close(); }), "close of nil channel");
    const weft::send_chan<int> nil_end = nullptr;
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { nil_end.close(); }), "close of nil channel");
    const weft::chan<void> nil_void = nullptr;
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { nil_void.close(); }), "close of nil channel");
  });
}

TEST_F(Chan, OneOfManyClosersWins) {
  everywhere([] {
    for (int round = 0; round < scaled(200); ++round) {
      weft::chan<int> c;
      weft::chan<bool> closed(4);
      for (int i = 0; i < 4; ++i)
        weft::go(
            [=] { closed.send(what_thrown<weft::closed_channel>([&] { c.close(); }).empty()); });
      int winners = 0;
      for (int i = 0; i < 4; ++i) winners += closed.recv().value() ? 1 : 0;
      ASSERT_EQ(winners, 1);
    }
  });
}

TEST_F(Chan, NilIsNeverReadyAndHasNoSize) {
  using namespace std::chrono_literals;
  everywhere([] {
    const weft::chan<int> nil = nullptr;
    EXPECT_FALSE(nil);
    EXPECT_EQ(nil.size(), 0U);
    EXPECT_EQ(nil.capacity(), 0U);
    EXPECT_EQ(nil.try_recv().status(), weft::channel_status::would_block);
    EXPECT_EQ(nil.try_send(1), weft::channel_status::would_block);
    EXPECT_EQ(nil.recv_for(1ms).status(), weft::channel_status::timeout);
    EXPECT_EQ(nil.send_for(1, 1ms), weft::channel_status::timeout);
  });
}

TEST_F(Chan, RangeEndsWhenClosedAndDrained) {
  everywhere([] {
    weft::chan<int> c(3);
    c.send(1);
    c.send(2);
    c.close();
    std::vector<int> seen;
    for (const int v : c) seen.push_back(v);
    EXPECT_EQ(seen, (std::vector<int>{1, 2}));
    for (const int v : c) ADD_FAILURE() << "drained, and yet " << v;
  });
}

TEST_F(Chan, RangeReceivesNothingAfterBreak) {
  everywhere([] {
    weft::chan<int> c(3);
    for (int i = 0; i < 3; ++i) c.send(i);
    for (const int v : c)
      if (v == 1) break;
    EXPECT_EQ(c.size(), 1U);
    EXPECT_EQ(c.recv(), 2);
  });
}

TEST_F(Chan, HandlesAreReferencesToOneChannel) {
  everywhere([] {
    const weft::chan<int> a(1);
    const weft::chan<int> b = a;  // NOLINT: the copy is the test
    b.send(1);
    EXPECT_EQ(a.recv(), 1);
    EXPECT_TRUE(a == b);
    EXPECT_FALSE(a == weft::chan<int>(1));
    EXPECT_TRUE(weft::chan<int>(nullptr) == weft::chan<int>(nullptr));
    const weft::recv_chan<int> in = a;
    const weft::send_chan<int> out = a;
    EXPECT_TRUE(in == a);
    EXPECT_TRUE(in == out);
    weft::chan<int> moved_from = b;
    const weft::chan<int> moved_to = std::move(moved_from);
    EXPECT_TRUE(moved_to == a);
    EXPECT_FALSE(moved_from);  // NOLINT: a moved-from handle is a nil channel
  });
}

TEST_F(Chan, LivesUntilItsLastHandleIsGone) {
  everywhere([] {
    weft::recv_chan<int> end;
    {
      weft::chan<int> c(1);
      end = c;
      c.send(3);
    }
    EXPECT_EQ(end.recv(), 3);
    EXPECT_EQ(end.try_recv().status(), weft::channel_status::would_block);
  });
}

TEST_F(Chan, DirectionsConvertOneWay) {
  static_assert(std::is_convertible_v<weft::chan<int>, weft::recv_chan<int>>);
  static_assert(std::is_convertible_v<weft::chan<int>, weft::send_chan<int>>);
  static_assert(!std::is_convertible_v<weft::recv_chan<int>, weft::chan<int>>);
  static_assert(!std::is_convertible_v<weft::send_chan<int>, weft::chan<int>>);
  static_assert(!std::is_convertible_v<weft::recv_chan<int>, weft::send_chan<int>>);
  static_assert(!std::is_convertible_v<weft::send_chan<int>, weft::recv_chan<int>>);
  static_assert(!std::is_constructible_v<weft::chan<int>, weft::recv_chan<int>>);
  static_assert(!std::is_constructible_v<weft::chan<int>, weft::send_chan<int>>);
  static_assert(!std::is_convertible_v<weft::chan<int>, weft::recv_chan<long>>);
  everywhere([] {
    const weft::chan<int> c(2);
    const auto produce = [](const weft::send_chan<int>& out) {
      out.send(4);
      out.close();
    };
    produce(c);
    const weft::recv_chan<int> in = c;
    int sum = 0;
    for (const int v : in) sum += v;
    EXPECT_EQ(sum, 4);
  });
}

TEST_F(Chan, ChannelsTravelThroughChannels) {
  everywhere([] {
    const weft::chan<weft::chan<int>> requests;
    weft::go([=] {
      for (const weft::chan<int>& reply : requests) reply.send(42);
    });
    for (int i = 0; i < 10; ++i) {
      const weft::chan<int> reply;
      requests.send(reply);
      EXPECT_EQ(reply.recv(), 42);
    }
    requests.close();
  });
}

TEST_F(Chan, VoidCarriesOnlyTheEvent) {
  everywhere([] {
    const weft::chan<void> c(2);
    c.send();
    EXPECT_EQ(c.try_send(), weft::channel_status::ok);
    EXPECT_EQ(c.try_send(), weft::channel_status::would_block);
    EXPECT_EQ(c.size(), 2U);
    EXPECT_TRUE(c.recv());
    EXPECT_TRUE(c.try_recv());
    EXPECT_EQ(c.try_recv().status(), weft::channel_status::would_block);
    c.close();
    EXPECT_FALSE(c.recv());
    EXPECT_EQ(c.try_recv().status(), weft::channel_status::closed);
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { c.send(); }), "send on closed channel");
  });
}

TEST_F(Chan, PlainThreadsAndGoroutinesMeet) {
  weft_test::on_thread([] {
    const int each = scaled(1000);
    for (const int capacity : {0, 3}) {
      const weft::chan<int> c(capacity);
      const weft::chan<long> sums(4);
      const auto send_all = [=] {
        for (int i = 1; i <= each; ++i) c.send(i);
      };
      const auto sum_all = [=] {
        long sum = 0;
        for (const int v : c) sum += v;
        sums.send(sum);
      };
      std::thread receiving_thread(sum_all);
      weft::go(sum_all);
      weft::wait_group senders;
      senders.go(send_all);
      std::thread sending_thread(send_all);
      senders.wait();
      sending_thread.join();
      c.close();
      receiving_thread.join();
      EXPECT_EQ(sums.recv().value() + sums.recv().value(), 2L * each * (each + 1) / 2);
    }
  });
}

TEST_F(Chan, BoolsAreValuesNotStates) {
  everywhere([] {
    const weft::chan<bool> c(2);
    c.send(false);
    c.send(true);
    c.close();
    EXPECT_EQ(c.recv(), std::optional<bool>(false));
    EXPECT_EQ(c.recv(), std::optional<bool>(true));
    EXPECT_EQ(c.recv(), std::nullopt);
  });
}

}  // namespace
