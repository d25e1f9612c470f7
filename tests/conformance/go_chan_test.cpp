// What Go's own chan_test.go asserts, written anew from its rules.

#include <any>
#include <array>
#include <atomic>
#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include "weft_test.hpp"

namespace {

using weft::channel_status;
using weft::on_default;
using weft::on_recv;
using weft::on_send;
using weft::select;
using weft_test::eventually;
using weft_test::let_others_run;
using weft_test::on_goroutine;
using weft_test::procs_scope;
using weft_test::sanitized;
using weft_test::scaled;

using GoChanTest = weft_test::fixture;

void blocked_receivers_wait_for_a_send(int capacity) {
  const weft::chan<int> c(capacity);
  std::atomic<int> received{0};
  weft::wait_group both;
  both.go([&, c] {
    c.recv();
    ++received;
  });
  both.go([&, c] {
    EXPECT_TRUE(c.recv().has_value());
    ++received;
  });
  let_others_run();
  EXPECT_EQ(received, 0);
  EXPECT_EQ(select(on_recv(c), on_default()), 1U);
  c.send(0);
  c.send(0);
  both.wait();
}

void a_send_on_a_full_channel_waits(int capacity) {
  const weft::chan<int> c(capacity);
  EXPECT_EQ(c.size(), 0U);
  EXPECT_EQ(c.capacity(), static_cast<std::size_t>(capacity));
  for (int i = 0; i < capacity; ++i) c.send(i);
  EXPECT_EQ(c.size(), static_cast<std::size_t>(capacity));
  std::atomic<bool> sent{false};
  weft::wait_group one;
  one.go([&, c] {
    c.send(0);
    sent = true;
  });
  let_others_run();
  EXPECT_FALSE(sent);
  EXPECT_EQ(select(on_send(c, 0), on_default()), 1U);
  c.recv();
  one.wait();
}

void close_keeps_what_is_buffered(int capacity) {
  const weft::chan<int> c(capacity);
  for (int i = 0; i < capacity; ++i) c.send(i);
  c.close();
  for (int i = 0; i < capacity; ++i) ASSERT_EQ(c.recv(), i);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(c.recv(), std::nullopt);
}

void close_releases_a_blocked_receiver(int capacity) {
  const weft::chan<int> c(capacity);
  const weft::chan<bool> open(1);
  weft::go([=] { open.send(c.recv().has_value()); });
  weft::yield();
  c.close();
  EXPECT_EQ(open.recv(), false);
}

void a_hundred_arrive_in_order(int capacity) {
  const weft::chan<int> c(capacity);
  weft::go([=] {
    for (int i = 0; i < 100; ++i) c.send(i);
  });
  for (int i = 0; i < 100; ++i) ASSERT_EQ(c.recv(), i);
}

void four_senders_and_four_receivers(int capacity) {
  constexpr int pairs = 4;
  const int each = scaled(1000);
  const weft::chan<int> c(capacity);
  const weft::chan<std::vector<int>> counts(pairs);
  for (int p = 0; p < pairs; ++p) {
    weft::go([=] {
      for (int i = 0; i < each; ++i) c.send(i);
    });
    weft::go([=] {
      std::vector<int> seen(static_cast<std::size_t>(each));
      for (int i = 0; i < each; ++i) ++seen[static_cast<std::size_t>(c.recv().value())];
      counts.send(std::move(seen));
    });
  }
  std::vector<int> total(static_cast<std::size_t>(each));
  for (int p = 0; p < pairs; ++p) {
    const std::vector<int> seen = counts.recv().value();
    for (std::size_t v = 0; v < total.size(); ++v) total[v] += seen[v];
  }
  for (const int n : total) ASSERT_EQ(n, pairs);
  EXPECT_EQ(c.size(), 0U);
}

TEST_F(GoChanTest, Chan) {
  const procs_scope four(4);
  weft::run([] {
    for (int capacity = 0; capacity < 200; capacity += sanitized ? 37 : 1) {
      blocked_receivers_wait_for_a_send(capacity);
      a_send_on_a_full_channel_waits(capacity);
      close_keeps_what_is_buffered(capacity);
      close_releases_a_blocked_receiver(capacity);
      a_hundred_arrive_in_order(capacity);
      four_senders_and_four_receivers(capacity);
    }
  });
}

TEST_F(GoChanTest, NonblockRecvRace) {
  on_goroutine([] {
    for (int i = 0; i < scaled(10'000); ++i) {
      const weft::chan<int> c(1);
      const weft::chan<bool> took_default(1);
      c.send(1);
      weft::go([=] { took_default.send(select(on_recv(c), on_default()) == 1); });
      c.close();
      c.recv();
      ASSERT_EQ(took_default.recv(), false) << "an item or the end is always there";
    }
  });
}

// At every instant one of the two channels is ready.
TEST_F(GoChanTest, NonblockSelectRace) {
  on_goroutine([] {
    for (int i = 0; i < scaled(20'000); ++i) {
      const weft::chan<int> c1(1);
      const weft::chan<int> c2(1);
      const weft::chan<bool> took_default(1);
      c1.send(1);
      weft::go([=] { took_default.send(select(on_recv(c1), on_recv(c2), on_default()) == 2); });
      c2.send(1);
      static_cast<void>(select(on_recv(c1), on_default()));
      ASSERT_EQ(took_default.recv(), false);
    }
  });
}

// As above, with the second channel becoming ready by being closed.
TEST_F(GoChanTest, NonblockSelectRace2) {
  on_goroutine([] {
    for (int i = 0; i < scaled(20'000); ++i) {
      const weft::chan<int> c1(1);
      const weft::chan<int> c2;
      const weft::chan<bool> took_default(1);
      c1.send(1);
      weft::go([=] { took_default.send(select(on_recv(c1), on_recv(c2), on_default()) == 2); });
      c2.close();
      static_cast<void>(select(on_recv(c1), on_default()));
      ASSERT_EQ(took_default.recv(), false);
    }
  });
}

// Two goroutines that select on two channels in opposite roles must not lock each other up.
TEST_F(GoChanTest, SelfSelect) {
  on_goroutine([] {
    for (const int capacity : {0, 10}) {
      const weft::chan<int> c(capacity);
      weft::wait_group all;
      for (int p = 0; p < 2; ++p)
        all.go([=] {
          for (int i = 0; i < scaled(1000); ++i) {
            const auto check = [=](std::optional<int> v) {
              // Unbuffered, a goroutine cannot meet itself.
              if (capacity == 0) {
                EXPECT_NE(v, p);
              }
            };
            if (p == 0 || i % 2 == 0)
              select(on_send(c, p), on_recv(c, check));
            else
              select(on_recv(c, check), on_send(c, p));
          }
        });
      all.wait();
    }
  });
}

using four_channels = std::array<weft::chan<int>, 4>;

void select_all_sends(four_channels c, int n) {
  std::array<int, 4> sent{};
  const auto count = [&](std::size_t i) {
    return [&, i] {
      if (++sent[i] == n) c[i] = nullptr;
    };
  };
  for (int i = 0; i < 4 * n; ++i)
    select(on_send(c[3], 0, count(3)), on_send(c[2], 0, count(2)), on_send(c[0], 0, count(0)),
           on_send(c[1], 0, count(1)));
}

void select_all_receives(four_channels c, int n) {
  std::array<int, 4> received{};
  const auto count = [&](std::size_t i) {
    return [&, i](std::optional<int>) {
      if (++received[i] == n) c[i] = nullptr;
    };
  };
  for (int i = 0; i < 4 * n; ++i)
    select(on_recv(c[0], count(0)), on_recv(c[1], count(1)), on_recv(c[2], count(2)),
           on_recv(c[3], count(3)));
}

TEST_F(GoChanTest, SelectStress) {
  on_goroutine([] {
    const int n = scaled(20'000);
    const four_channels c{weft::chan<int>(), weft::chan<int>(), weft::chan<int>(2),
                          weft::chan<int>(3)};
    weft::wait_group all;
    for (const weft::chan<int>& each : c) {
      all.go([=] {
        for (int i = 0; i < n; ++i) each.send(0);
      });
      all.go([=] {
        for (int i = 0; i < n; ++i) each.recv();
      });
    }
    all.go([=] { select_all_sends(c, n); });
    all.go([=] { select_all_receives(c, n); });
    all.wait();
  });
}

TEST_F(GoChanTest, SelectFairness) {
  on_goroutine([] {
    constexpr int trials = 10'000;
    const weft::chan<std::uint8_t> c1(trials + 1);
    const weft::chan<std::uint8_t> c2(trials + 1);
    const weft::chan<std::uint8_t> c3;
    const weft::chan<std::uint8_t> c4;
    for (int i = 0; i <= trials; ++i) {
      c1.send(1);
      c2.send(2);
    }
    int first = 0;
    for (int i = 0; i < trials; ++i) {
      const std::size_t chosen = select(on_recv(c3), on_recv(c1), on_recv(c4), on_recv(c2));
      ASSERT_TRUE(chosen == 1 || chosen == 3);
      if (chosen == 1) ++first;
    }
    const double share = static_cast<double>(first) / trials;
    EXPECT_NEAR(share, 0.5, 4.891676 / (2 * std::sqrt(trials)));
  });
}

TEST_F(GoChanTest, ChanSendInterface) {
  struct thing {
    int value = 3;
  };
  on_goroutine([] {
    const weft::chan<std::any> c(1);
    c.send(std::make_shared<thing>());
    EXPECT_EQ(select(on_send(c, std::any(std::make_shared<thing>())), on_default()), 1U);
    EXPECT_EQ(select(on_send(c, std::any(1)), on_send(c, std::any(thing{})), on_default()), 2U);
    EXPECT_EQ(std::any_cast<std::shared_ptr<thing>>(c.recv().value())->value, 3);
  });
}

TEST_F(GoChanTest, PseudoRandomSend) {
  on_goroutine([] {
    constexpr int n = 100;
    for (const int capacity : {0, n}) {
      const weft::chan<int> c(capacity);
      const weft::chan<int> zeros(1);
      weft::go([=] {
        int count = 0;
        for (int i = 0; i < n; ++i) count += c.recv() == 0 ? 1 : 0;
        zeros.send(count);
      });
      for (int i = 0; i < n; ++i) select(on_send(c, 1), on_send(c, 0));
      const int count = zeros.recv().value();
      EXPECT_GT(count, n / 10);
      EXPECT_LT(count, n - n / 10);
    }
  });
}

// A goroutine that filled much of its stack blocks in a send; its value must arrive intact.
int send_from_the_depth(const weft::chan<std::array<int, 16>>& c, int depth, int value) {
  volatile char frame[512];
  frame[0] = static_cast<char>(depth);
  if (depth > 0) return send_from_the_depth(c, depth - 1, value) + (frame[0] != 0 ? 1 : 0);
  std::array<int, 16> values{};
  values.fill(value);
  c.send(values);
  return 0;
}

TEST_F(GoChanTest, ValuesOnADeepStackArriveIntact) {
  on_goroutine([] {
    const weft::chan<std::array<int, 16>> c;
    weft::go([=] {
      for (int i = 0; i < 10; ++i) EXPECT_EQ(send_from_the_depth(c, 20, i), 20);
      c.close();
    });
    int expected = 0;
    for (const auto& values : c) {
      weft::yield();
      for (const int v : values) EXPECT_EQ(v, expected);
      ++expected;
    }
    EXPECT_EQ(expected, 10);
  });
}

TEST_F(GoChanTest, SelectDuplicateChannel) {
  on_goroutine([] {
    const weft::chan<int> c;
    const weft::chan<int> d;
    const weft::chan<int> e;
    // One waits on c in several cases; when d comes, every entry on c must be gone again.
    weft::wait_group first;
    first.go([=] {
      select(on_recv(c), on_recv(c), on_recv(d));
      e.send(9);
    });
    let_others_run();
    weft::wait_group second;
    second.go([=] { EXPECT_EQ(c.recv(), 8); });
    let_others_run();
    d.send(7);
    EXPECT_EQ(e.recv(), 9);
    c.send(8);
    first.wait();
    second.wait();
  });
}

}  // namespace
