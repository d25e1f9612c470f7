// The rules of watch: the newest value, and none of the ones it overtook.

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft::channel_status;
using weft::watch;
using weft_test::counted;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::scaled;
using weft_test::what_thrown;

using Watch = weft_test::fixture;

TEST_F(Watch, ValueIsTheLastThatWasSent) {
  everywhere([] {
    const watch<std::string> w("first");
    EXPECT_EQ(w.value(), "first");
    w.send("second");
    EXPECT_EQ(w.value(), "second");
    EXPECT_EQ(*w.shared_value(), "second");
    EXPECT_EQ(watch<int>().value(), 0);
    EXPECT_EQ(watch<long>(0).value(), 0) << "a zero is not nil";
  });
}

TEST_F(Watch, ASubscriberReceivesTheCurrentValueFirst) {
  everywhere([] {
    const watch<int> w(1);
    w.send(2);
    const auto in = w.subscribe();
    EXPECT_EQ(in.recv(), 2);
    EXPECT_EQ(in.try_recv().status(), channel_status::would_block);
  });
}

TEST_F(Watch, ValuesInBetweenAreSkipped) {
  everywhere([] {
    const watch<int> w(0);
    const auto in = w.subscribe();
    for (int i = 1; i <= 100; ++i) w.send(i);
    EXPECT_EQ(in.recv(), 100);
    EXPECT_EQ(in.missed(), 100U);
    EXPECT_EQ(in.try_recv().status(), channel_status::would_block) << "seen already";
    w.send(101);
    EXPECT_EQ(in.recv(), 101);
  });
}

TEST_F(Watch, AWaitingSubscriberIsWokenByTheNextValue) {
  everywhere([] {
    const watch<int> w(0);
    const weft::chan<int> got;
    weft::go([=, in = w.subscribe()] {
      for (const int v : in) got.send(v);
      got.close();
    });
    EXPECT_EQ(got.recv(), 0);
    w.send(7);
    EXPECT_EQ(got.recv(), 7);
    w.close();
    EXPECT_EQ(got.recv(), std::nullopt);
  });
}

TEST_F(Watch, CloseLeavesTheLastValueToBeSeen) {
  everywhere([] {
    const watch<int> w(1);
    const auto in = w.subscribe();
    w.send(2);
    w.close();
    EXPECT_EQ(in.recv(), 2);
    EXPECT_EQ(in.recv(), std::nullopt);
    EXPECT_EQ(w.value(), 2);
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { w.send(3); }), "send on closed channel");
    EXPECT_EQ(w.try_send(3), channel_status::closed);
    EXPECT_EQ(w.value(), 2) << "a refused value is not the value";
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { w.close(); }), "close of closed channel");
    const auto late = w.subscribe();
    EXPECT_EQ(late.recv(), 2);
    EXPECT_EQ(late.recv(), std::nullopt);
  });
}

TEST_F(Watch, IsACaseOfSelect) {
  everywhere([] {
    const watch<int> w(1);
    const auto in = w.subscribe();
    std::optional<int> v;
    EXPECT_EQ(weft::select(weft::on_recv(in, v), weft::on_default()), 0U);
    EXPECT_EQ(weft::select(weft::on_recv(in, v), weft::on_default()), 1U);
    weft::go([=] { w.send(2); });
    EXPECT_EQ(weft::select(weft::on_recv(in, v), weft::on_timeout(1h)), 0U);
    EXPECT_EQ(v, 2);
  });
}

TEST_F(Watch, NilIsNamed) {
  everywhere([] {
    const watch<int> nil(nullptr);
    EXPECT_FALSE(nil);
    EXPECT_EQ(nil.try_send(1), channel_status::would_block);
    EXPECT_FALSE(nil.subscribe());
    EXPECT_EQ(what_thrown<std::logic_error>([&] { static_cast<void>(nil.value()); }),
              "weft::watch: value of nil watch");
  });
}

TEST_F(Watch, OldValuesEnd) {
  everywhere([] {
    {
      const watch<counted> w(counted(0));
      const auto in = w.subscribe();
      for (int i = 1; i < 100; ++i) w.send(counted(i));
      EXPECT_EQ(counted::alive(), 2) << "the value, and one on its way to the subscriber";
      EXPECT_EQ(in.recv()->value(), 99);
      EXPECT_EQ(counted::alive(), 1);
    }
    EXPECT_EQ(counted::alive(), 0);
  });
}

TEST_F(Watch, ACopyThatThrowsChangesNothing) {
  everywhere([] {
    struct fragile {
      explicit fragile(int n, bool b = false) : number(n), breaks(b) {}
      fragile(const fragile& other) : number(other.number), breaks(other.breaks) {
        if (breaks) throw std::runtime_error("copying throws");
      }
      fragile(fragile&&) noexcept = default;
      int number;
      bool breaks;
    };
    const watch<fragile> w(fragile(1));
    const auto in = w.subscribe();
    EXPECT_EQ(in.recv()->number, 1);
    EXPECT_THROW(w.send(fragile(2, true)), std::runtime_error);
    EXPECT_EQ(w.shared_value()->number, 1);
    EXPECT_EQ(in.try_recv().status(), channel_status::would_block);
    w.send(fragile(3));
    EXPECT_EQ(in.recv()->number, 3);
  });
}

// Every subscriber ends with the last value, whenever it came, and never sees one go back.
TEST_F(Watch, ManySendersAndSubscribersThatComeAndGo) {
  everywhere([] {
    const watch<std::pair<int, int>> w(std::pair(-1, 0));
    const int each = scaled(300);
    constexpr int senders = 3;
    weft::wait_group sending;
    weft::wait_group following;
    std::array<std::pair<int, int>, 4> last_seen;
    const auto follow = [](const weft::subscription<std::pair<int, int>>& in) {
      std::array<int, senders> newest;
      newest.fill(-1);
      std::pair<int, int> last;
      while (const auto v = in.recv()) {
        last = *v;
        if (last.first < 0) continue;
        int& before = newest[static_cast<std::size_t>(last.first)];
        EXPECT_GT(last.second, before) << "an older value, or one twice";
        before = last.second;
      }
      return last;
    };
    for (auto& last : last_seen) following.go([&, in = w.subscribe()] { last = follow(in); });
    for (int s = 0; s < senders; ++s)
      sending.go([=] {
        for (int i = 0; i < each; ++i) {
          w.send(std::pair(s, i));
          if (i % 4 == 0) weft::yield();
        }
      });
    weft::wait_group late;
    const weft::chan<std::pair<int, int>> late_last(64);
    std::thread thread([&] {
      for (int i = 0; i < 16; ++i) {
        late.go([=, in = w.subscribe()] { late_last.send(follow(in)); });
        const auto brief = w.subscribe();
        EXPECT_TRUE(brief.recv().has_value());
      }
    });
    sending.wait();
    thread.join();
    w.close();
    following.wait();
    late.wait();
    const auto final_value = w.value();
    for (const auto& last : last_seen) EXPECT_EQ(last, final_value);
    late_last.close();
    for (const auto& last : late_last) EXPECT_EQ(last, final_value);
  });
}

TEST_F(Watch, ValueAndSubscriptionsAgree) {
  everywhere([] {
    const watch<int> w(0);
    weft::wait_group all;
    all.go([=, in = w.subscribe()] {
      while (const auto v = in.recv()) EXPECT_GE(w.value(), *v) << "received before it was so";
    });
    for (int i = 1; i < scaled(1000); ++i) {
      w.send(i);
      EXPECT_EQ(w.value(), i);
    }
    w.close();
    all.wait();
  });
}

}  // namespace
