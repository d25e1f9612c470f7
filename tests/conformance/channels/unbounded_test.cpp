// The rules of unbounded_chan: a send never waits, nothing is lost, memory comes and goes.

#include <malloc.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft::channel_status;
using weft::unbounded_chan;
using weft_test::counted;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::on_goroutine;
using weft_test::scaled;
using weft_test::what_thrown;

// Allocations of the size of a block of values, and a switch that refuses them.
constexpr std::size_t block_min = 1000;
constexpr std::size_t block_max = 1200;
std::atomic<long> blocks_alive{0};
std::atomic<bool> refused{false};

bool is_block(void* memory) {
  const std::size_t bytes = malloc_usable_size(memory);
  return bytes >= block_min && bytes <= block_max;
}

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t n) {
  void* memory = std::malloc(n);
  if (!memory) throw std::bad_alloc();
  if (!is_block(memory)) return memory;
  if (refused) {
    std::free(memory);
    throw std::bad_alloc();
  }
  ++blocks_alive;
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  if (memory && is_block(memory)) --blocks_alive;
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  operator delete(memory);
}

namespace {

using Unbounded = weft_test::fixture;

TEST_F(Unbounded, SendNeverWaits) {
  weft_test::on_one_processor([] {
    const unbounded_chan<int> c;
    for (int i = 0; i < 10'000; ++i) c.send(i);  // nobody receives
    EXPECT_EQ(c.size(), 10'000U);
    for (int i = 0; i < 10'000; ++i) ASSERT_EQ(c.recv(), i);
    EXPECT_EQ(c.size(), 0U);
    EXPECT_EQ(c.capacity(), std::numeric_limits<std::size_t>::max());
  });
}

TEST_F(Unbounded, ValuesArriveInSendOrder) {
  everywhere([] {
    const unbounded_chan<int> c;
    const int count = scaled(5000);
    weft::go([=] {
      for (int i = 0; i < count; ++i) c.send(i);
      c.close();
    });
    int next = 0;
    for (const int v : c) ASSERT_EQ(v, next++);
    EXPECT_EQ(next, count);
  });
}

TEST_F(Unbounded, NothingIsLostOrDoubledAmongMany) {
  everywhere([] {
    constexpr int senders = 4;
    const int each = scaled(2000);
    const unbounded_chan<std::pair<int, int>> c;
    weft::wait_group sending;
    for (int s = 0; s < senders; ++s)
      sending.go([=] {
        for (int i = 0; i < each; ++i) c.send({s, i});
      });
    weft::go([=] { sending.wait(), c.close(); });
    weft::wait_group receiving;
    std::array<std::vector<std::pair<int, int>>, 3> got;
    for (auto& mine : got)
      receiving.go([&mine, c] {
        std::array<int, senders> last;
        last.fill(-1);
        for (const auto& [s, i] : c) {
          ASSERT_GT(i, last[static_cast<std::size_t>(s)]) << "a sender's values changed places";
          last[static_cast<std::size_t>(s)] = i;
          mine.emplace_back(s, i);
        }
      });
    receiving.wait();
    std::vector<int> seen(static_cast<std::size_t>(senders * each), 0);
    for (const auto& mine : got)
      for (const auto& [s, i] : mine) ++seen[static_cast<std::size_t>(s * each + i)];
    for (const int n : seen) ASSERT_EQ(n, 1);
  });
}

TEST_F(Unbounded, AWaitingReceiverIsHandedTheValue) {
  everywhere([] {
    const unbounded_chan<std::unique_ptr<int>> c;
    const weft::chan<int> got;
    weft::go([=] { got.send(**c.recv()); });
    let_others_run();
    c.send(std::make_unique<int>(5));
    EXPECT_EQ(got.recv(), 5);
    EXPECT_EQ(c.size(), 0U);
  });
}

TEST_F(Unbounded, ClosedChannelDrainsThenEnds) {
  everywhere([] {
    const unbounded_chan<std::string> c;
    c.send("a");
    c.send("b");
    c.close();
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { c.send("c"); }), "send on closed channel");
    EXPECT_EQ(c.try_send("c"), channel_status::closed);
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { c.close(); }), "close of closed channel");
    EXPECT_EQ(c.recv(), "a");
    EXPECT_EQ(*c.try_recv(), "b");
    EXPECT_EQ(c.recv(), std::nullopt);
    EXPECT_EQ(c.try_recv().status(), channel_status::closed);
  });
}

TEST_F(Unbounded, CloseWakesEveryReceiver) {
  everywhere([] {
    const unbounded_chan<int> c;
    weft::wait_group all;
    for (int i = 0; i < 5; ++i) all.go([=] { EXPECT_EQ(c.recv(), std::nullopt); });
    let_others_run();
    c.close();
    all.wait();
  });
}

TEST_F(Unbounded, BoundedReceivesGiveUp) {
  everywhere([] {
    const unbounded_chan<int> c;
    EXPECT_EQ(c.try_recv().status(), channel_status::would_block);
    EXPECT_EQ(c.recv_for(200us).status(), channel_status::timeout);
    std::stop_source stop;
    stop.request_stop();
    c.send(1);
    EXPECT_EQ(c.recv(stop.get_token()).status(), channel_status::cancelled);
    EXPECT_EQ(c.send(stop.get_token(), 2), channel_status::cancelled);
    EXPECT_EQ(c.size(), 1U);
    EXPECT_EQ(*c.recv_for(-1s), 1);
  });
}

TEST_F(Unbounded, NilBlocksForEver) {
  everywhere([] {
    const unbounded_chan<int> nil(nullptr);
    EXPECT_FALSE(nil);
    EXPECT_EQ(nil.try_send(1), channel_status::would_block);
    EXPECT_EQ(nil.send_for(1, 100us), channel_status::timeout);
    EXPECT_EQ(nil.recv_for(100us).status(), channel_status::timeout);
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { nil.close(); }), "close of nil channel");
    EXPECT_EQ(weft::select(weft::on_recv(nil), weft::on_default()), 1U);
  });
}

TEST_F(Unbounded, ConvertsToItsTwoEnds) {
  everywhere([] {
    const unbounded_chan<int> c;
    const weft::send_chan<int> in = c;
    const weft::recv_chan<int> out = c;
    for (int i = 0; i < 1000; ++i) in.send(i);  // it does not wait through this end either
    EXPECT_EQ(out.size(), 1000U);
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(out.recv(), i);
    EXPECT_TRUE(in == out);
  });
}

TEST_F(Unbounded, ValuesLeftInsideEndWithTheChannel) {
  everywhere([] {
    {
      const unbounded_chan<counted> c;
      for (int i = 0; i < 1000; ++i) c.send(counted(i));
      for (int i = 0; i < 300; ++i) EXPECT_EQ(c.recv()->value(), i);
    }
    EXPECT_EQ(counted::alive(), 0);
    EXPECT_EQ(counted::strays(), 0);
  });
}

TEST_F(Unbounded, MemoryIsGivenBackAsItDrains) {
  on_goroutine([] {
    const long before = blocks_alive;
    const unbounded_chan<long> c;
    for (long i = 0; i < 100'000; ++i) c.send(i);
    const long full = blocks_alive - before;
    EXPECT_GT(full, 100) << "the test does not see the blocks";
    for (long i = 0; i < 50'000; ++i) ASSERT_EQ(c.recv(), i);
    EXPECT_LT(blocks_alive - before, full * 6 / 10);
    for (long i = 50'000; i < 100'000; ++i) ASSERT_EQ(c.recv(), i);
    EXPECT_LE(blocks_alive - before, 2);
    for (long i = 0; i < 100'000; ++i) {
      c.send(i);
      ASSERT_EQ(c.recv(), i);
    }
    EXPECT_LE(blocks_alive - before, 2) << "it grows without need";
  });
}

TEST_F(Unbounded, SendWithoutMemoryThrowsAndLosesNothing) {
  on_goroutine([] {
    const unbounded_chan<counted> c;
    refused = true;
    int sent = 0;
    counted kept(-7);
    try {
      for (;; ++sent) c.send(counted(sent));
    } catch (const std::bad_alloc&) {
    }
    EXPECT_THROW(c.send(std::move(kept)), std::bad_alloc);
    EXPECT_THROW(static_cast<void>(c.try_send(std::move(kept))), std::bad_alloc);
    EXPECT_THROW(weft::select(weft::on_send(c, std::move(kept))), std::bad_alloc);
    EXPECT_EQ(kept.value(), -7) << "a value that was not sent was moved from";
    refused = false;
    c.send(std::move(kept));
    for (int i = 0; i < sent; ++i) ASSERT_EQ(c.recv()->value(), i);
    EXPECT_EQ(c.recv()->value(), -7);
    EXPECT_EQ(c.size(), 0U);
  });
  EXPECT_EQ(counted::alive(), 0);
}

// A type that travels in a box is moved back when it was not taken.
TEST_F(Unbounded, SendWithoutMemoryGivesABoxedValueBack) {
  using weft_test::move_thrower;
  on_goroutine([] {
    const unbounded_chan<move_thrower> c;
    refused = true;
    move_thrower kept(3);
    try {
      for (;;) c.send(move_thrower(1));
    } catch (const std::bad_alloc&) {
    }
    EXPECT_THROW(c.send(std::move(kept)), std::bad_alloc);
    EXPECT_EQ(kept.value(), 3);
    refused = false;
  });
  EXPECT_EQ(move_thrower::alive(), 0);
}

TEST_F(Unbounded, ElementsOfEverySize) {
  everywhere([] {
    const unbounded_chan<char> small;
    const unbounded_chan<weft_test::large> big;
    const unbounded_chan<weft_test::over_aligned> aligned;
    for (std::uint32_t i = 0; i < 40; ++i) {
      small.send(static_cast<char>(i));
      big.send(weft_test::large(i));
      aligned.send(weft_test::over_aligned(static_cast<int>(i)));
    }
    for (std::uint32_t i = 0; i < 40; ++i) {
      EXPECT_EQ(small.recv(), static_cast<char>(i));
      EXPECT_TRUE(big.recv()->is(i));
      EXPECT_TRUE(aligned.recv()->aligned);
    }
  });
}

TEST_F(Unbounded, SendIsAlwaysReadyInSelect) {
  everywhere([] {
    const unbounded_chan<int> c;
    const weft::chan<int> never;
    for (int i = 0; i < 1000; ++i)
      ASSERT_EQ(weft::select(weft::on_recv(never), weft::on_send(c, i)), 1U);
    for (int i = 0; i < 1000; ++i) {
      std::optional<int> v;
      ASSERT_EQ(weft::select(weft::on_recv(never), weft::on_recv(c, v)), 1U);
      ASSERT_EQ(v, i);
    }
    EXPECT_EQ(weft::select(weft::on_recv(c), weft::on_default()), 1U);
    c.close();
    EXPECT_THROW(weft::select(weft::on_send(c, 1)), weft::closed_channel);
    EXPECT_EQ(weft::select(weft::on_recv(c), weft::on_default()), 0U);
  });
}

TEST_F(Unbounded, SelectsAndPlainOperationsLoseNothing) {
  everywhere([] {
    const unbounded_chan<int> a;
    const unbounded_chan<int> b;
    const int each = scaled(2000);
    weft::wait_group sending;
    for (int s = 0; s < 2; ++s)
      sending.go([=] {
        for (int i = 0; i < each; ++i)
          if (i % 3 == 0)
            a.send(i);
          else
            weft::select(weft::on_send(a, i), weft::on_send(b, i));
      });
    weft::go([=] { sending.wait(), a.close(), b.close(); });
    std::vector<int> seen(static_cast<std::size_t>(each), 0);
    weft::recv_chan<int> from_a = a;
    weft::recv_chan<int> from_b = b;
    while (from_a || from_b)
      weft::select(weft::on_recv(from_a,
                                 [&](std::optional<int> v) {
                                   v ? void(++seen[static_cast<std::size_t>(*v)])
                                     : void(from_a = nullptr);
                                 }),
                   weft::on_recv(from_b, [&](std::optional<int> v) {
                     v ? void(++seen[static_cast<std::size_t>(*v)]) : void(from_b = nullptr);
                   }));
    for (const int n : seen) ASSERT_EQ(n, 2);
  });
}

}  // namespace
