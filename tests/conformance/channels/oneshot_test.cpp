// The rules of oneshot: one value, and the send of it is the end.

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft::channel_status;
using weft::oneshot;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::scaled;
using weft_test::what_thrown;

using Oneshot = weft_test::fixture;

TEST_F(Oneshot, SendDoesNotWaitForTheReceiver) {
  everywhere([] {
    const oneshot<std::string> c;
    c.send("here");
    EXPECT_EQ(c.size(), 1U);
    EXPECT_EQ(c.recv(), "here");
  });
}

TEST_F(Oneshot, ReceiverWaitsForTheSend) {
  everywhere([] {
    const oneshot<int> c;
    weft::go([=] { c.send(3); });
    EXPECT_EQ(c.recv(), 3);
  });
}

TEST_F(Oneshot, ASecondSendFindsItClosed) {
  everywhere([] {
    const oneshot<int> c;
    c.send(1);
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { c.send(2); }), "send on closed channel");
    EXPECT_EQ(c.try_send(2), channel_status::closed);
    EXPECT_EQ(c.send_for(2, 1s), channel_status::closed);
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { c.close(); }), "close of closed channel");
    EXPECT_EQ(c.recv(), 1);
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { c.send(2); }), "send on closed channel");
  });
}

TEST_F(Oneshot, ASendThatWasTakenByAWaiterIsTheEndToo) {
  everywhere([] {
    const oneshot<int> c;
    weft::wait_group wg;
    wg.go([=] { EXPECT_EQ(c.recv(), 1); });
    let_others_run();
    c.send(1);
    wg.wait();
    EXPECT_EQ(c.try_send(2), channel_status::closed);
    EXPECT_EQ(c.recv(), std::nullopt);
  });
}

TEST_F(Oneshot, AfterTheValueReceiversSeeTheEndAtOnce) {
  everywhere([] {
    const oneshot<int> c;
    c.send(1);
    EXPECT_EQ(*c.try_recv(), 1);
    EXPECT_EQ(c.recv(), std::nullopt);
    EXPECT_EQ(c.try_recv().status(), channel_status::closed);
    int times = 0;
    for ([[maybe_unused]] const int v : c) ++times;
    EXPECT_EQ(times, 0);
  });
}

TEST_F(Oneshot, OneOfManyWaitersGetsItAndTheOthersTheEnd) {
  everywhere([] {
    for (int round = 0; round < scaled(100); ++round) {
      const oneshot<int> c;
      std::atomic<int> got{0};
      std::atomic<int> ended{0};
      weft::wait_group all;
      for (int i = 0; i < 5; ++i)
        all.go([&, c, i] {
          if (i % 2 == 0)
            ++(c.recv() ? got : ended);
          else
            weft::select(weft::on_recv(c, [&](std::optional<int> v) { ++(v ? got : ended); }));
        });
      if (round % 2 == 0) weft::yield();
      c.send(1);
      all.wait();
      ASSERT_EQ(got, 1);
      ASSERT_EQ(ended, 4);
    }
  });
}

TEST_F(Oneshot, OneOfManySendersWins) {
  everywhere([] {
    for (int round = 0; round < scaled(100); ++round) {
      const oneshot<int> c;
      std::atomic<int> won{0};
      weft::wait_group all;
      for (int i = 0; i < 4; ++i)
        all.go([&, c, i] {
          if (i == 0) {
            try {
              weft::select(weft::on_send(c, i));
              ++won;
            } catch (const weft::closed_channel&) {
            }
          } else if (c.try_send(i) == channel_status::ok) {
            ++won;
          }
        });
      EXPECT_TRUE(c.recv().has_value());
      all.wait();
      ASSERT_EQ(won, 1);
      ASSERT_EQ(c.recv(), std::nullopt);
    }
  });
}

TEST_F(Oneshot, CloseWithoutAValueEndsIt) {
  everywhere([] {
    const oneshot<int> c;
    weft::wait_group all;
    for (int i = 0; i < 3; ++i) all.go([=] { EXPECT_EQ(c.recv(), std::nullopt); });
    let_others_run();
    c.close();
    all.wait();
    EXPECT_EQ(c.try_send(1), channel_status::closed);
  });
}

TEST_F(Oneshot, CarriesWhatCanOnlyBeMovedAndNothing) {
  everywhere([] {
    const oneshot<std::unique_ptr<int>> c;
    c.send(std::make_unique<int>(8));
    EXPECT_EQ(**c.recv(), 8);
    const oneshot<void> event;
    event.send();
    EXPECT_TRUE(event.recv());
    EXPECT_FALSE(event.recv());
    EXPECT_THROW(event.send(), weft::closed_channel);
  });
}

TEST_F(Oneshot, AValueNobodyTookEndsWithIt) {
  everywhere([] { oneshot<weft_test::counted>().send(weft_test::counted(1)); });
  EXPECT_EQ(weft_test::counted::alive(), 0);
}

TEST_F(Oneshot, NilBlocksForEver) {
  everywhere([] {
    const oneshot<int> nil(nullptr);
    EXPECT_EQ(nil.try_send(1), channel_status::would_block);
    EXPECT_EQ(nil.recv_for(100us).status(), channel_status::timeout);
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { nil.close(); }), "close of nil channel");
  });
}

TEST_F(Oneshot, ConvertsToItsTwoEnds) {
  everywhere([] {
    const oneshot<int> c;
    const weft::send_chan<int> in = c;
    const weft::recv_chan<int> out = c;
    in.send(6);
    EXPECT_EQ(out.recv(), 6);
    EXPECT_EQ(out.recv(), std::nullopt);
  });
}

TEST_F(Oneshot, ABoundThatPassedLeavesItUsable) {
  everywhere([] {
    const oneshot<int> c;
    EXPECT_EQ(c.recv_for(100us).status(), channel_status::timeout);
    std::stop_source stop;
    stop.request_stop();
    EXPECT_EQ(c.send(stop.get_token(), 1), channel_status::cancelled);
    c.send(2);
    EXPECT_EQ(c.recv(), 2);
  });
}

}  // namespace
