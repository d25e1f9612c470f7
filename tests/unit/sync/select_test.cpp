// The select core: choice, waiting on many channels, and that the losers' queues are left clean.
#include <weft/detail/select_core.hpp>

#include <array>
#include <optional>
#include <stdexcept>
#include <vector>

#include "port/clock.hpp"
#include "sync/channel.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::choice;
using weft::detail::direction;
using weft::detail::now_ns;
using weft::detail::select_case;
using weft::detail::select_default;
using weft::detail::select_timeout;
using weft::detail::select_wait;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::scaled;

using select_core = weft_test::fixture;
using channels = std::vector<weft::chan<int>>;

/// Offers receives on every channel; every value lands in `value`.
struct offer {
  explicit offer(const channels& from) {
    for (const auto& c : from)
      cases.push_back({c.core(), &value, direction::receive, false, nullptr});
  }
  std::size_t wait(bool has_default = false,
                   weft::detail::deadline_ns until = weft::detail::never_ns,
                   choice order = choice::uniform) {
    return select_wait({cases, has_default, until, order});
  }

  std::vector<select_case> cases;
  int value = -1;
};

bool anyone_waits(const weft::chan<int>& c) {
  c.core()->lock.lock();
  const bool any = !c.core()->receivers.empty() || !c.core()->senders.empty();
  c.core()->lock.unlock();
  return any;
}

/// As many cases as fit on the stack, and more.
constexpr std::array<std::size_t, 7> sizes = {1, 2, 4, 5, 16, 17, 300};

TEST_F(select_core, takes_the_only_case_that_is_ready_wherever_it_stands) {
  everywhere([] {
    for (const std::size_t size : sizes) {
      channels all;
      for (std::size_t i = 0; i < size; ++i) all.emplace_back(1);
      for (std::size_t ready = 0; ready < size; ready += size / 3 + 1) {
        all[ready].send(static_cast<int>(ready));
        offer o(all);
        ASSERT_EQ(o.wait(), ready);
        EXPECT_EQ(o.value, static_cast<int>(ready));
        EXPECT_TRUE(o.cases[ready].received);
      }
    }
  });
}

TEST_F(select_core, waits_on_all_and_leaves_no_trace_in_the_losers) {
  everywhere([] {
    for (const std::size_t size : sizes) {
      channels all(size);
      const std::size_t winner = size / 2;
      weft::go([c = all[winner]] {
        EXPECT_TRUE(eventually([&] { return anyone_waits(c); }));
        c.send(77);
      });
      offer o(all);
      ASSERT_EQ(o.wait(), winner);
      EXPECT_EQ(o.value, 77);
      for (const auto& c : all) EXPECT_FALSE(anyone_waits(c));
    }
  });
}

TEST_F(select_core, that_times_out_leaves_no_trace) {
  everywhere([] {
    for (const std::size_t size : sizes) {
      const channels all(size);
      offer o(all);
      EXPECT_EQ(o.wait(false, now_ns() + 200'000), select_timeout);
      EXPECT_EQ(o.wait(false, 0), select_timeout);
      EXPECT_EQ(o.wait(true), select_default);
      for (const auto& c : all) EXPECT_FALSE(anyone_waits(c));
    }
  });
}

TEST_F(select_core, without_cases_has_default_and_time_only) {
  everywhere([] {
    EXPECT_EQ(select_wait({{}, true}), select_default);
    EXPECT_EQ(select_wait({{}, false, now_ns() + 200'000}), select_timeout);
    select_case nil{nullptr, nullptr, direction::receive, false, nullptr};
    EXPECT_EQ(select_wait({{&nil, 1}, true}), select_default);
    EXPECT_EQ(select_wait({{&nil, 1}, false, now_ns() + 200'000}), select_timeout);
  });
}

TEST_F(select_core, passes_over_nil_channels) {
  everywhere([] {
    const weft::chan<int> c(1);
    c.send(5);
    offer o({nullptr, nullptr, c, nullptr});
    EXPECT_EQ(o.wait(), 2U);
    EXPECT_EQ(o.value, 5);
  });
}

TEST_F(select_core, takes_so_many_cases_and_no_more) {
  std::vector<select_case> cases(65'536);
  EXPECT_EQ(select_wait({cases, true}), select_default);
  const weft::chan<int> c(1);
  c.send(9);
  int value = 0;
  cases.back() = {c.core(), &value, direction::receive, false, nullptr};
  EXPECT_EQ(select_wait({cases}), 65'535U);
  EXPECT_EQ(value, 9);
  cases.emplace_back();
  EXPECT_THROW(select_wait({cases, true}), std::length_error);
}

TEST_F(select_core, may_offer_one_channel_in_both_directions) {
  everywhere([] {
    const weft::chan<int> c;
    weft::wait_group wg;
    int balance = 0;
    weft::detail::spin_lock lock;
    for (int me = 0; me < 2; ++me)
      wg.go([&, c] {
        for (int i = 0; i < scaled(500); ++i) {
          int in = 0;
          int out = 1;
          std::array<select_case, 2> cases{
              select_case{c.core(), &in, direction::receive, false, nullptr},
              select_case{c.core(), &out, direction::send, false, nullptr}};
          const std::size_t won = select_wait({cases});
          lock.lock();
          balance += won == 0 ? 1 : -1;
          lock.unlock();
          ASSERT_TRUE(won == 1 || in == 1);
        }
      });
    wg.wait();
    EXPECT_EQ(balance, 0) << "a value was received that nobody sent";
    EXPECT_FALSE(anyone_waits(c));
  });
}

TEST_F(select_core, may_offer_one_channel_several_times) {
  everywhere([] {
    const weft::chan<int> c;
    weft::go([c] {
      EXPECT_TRUE(eventually([&] { return anyone_waits(c); }));
      c.send(4);
    });
    offer o({c, c, c});
    EXPECT_LT(o.wait(), 3U);
    EXPECT_EQ(o.value, 4);
    EXPECT_FALSE(anyone_waits(c));
  });
}

TEST_F(select_core, sees_close_on_either_side) {
  everywhere([] {
    for (const bool waits : {false, true}) {
      const weft::chan<int> c;
      if (!waits) c.close();
      if (waits)
        weft::go([c] {
          EXPECT_TRUE(eventually([&] { return anyone_waits(c); }));
          c.close();
        });
      offer o({c});
      EXPECT_EQ(o.wait(), 0U);
      EXPECT_FALSE(o.cases[0].received);
      const weft::chan<int> d;
      if (!waits) d.close();
      if (waits)
        weft::go([d] {
          EXPECT_TRUE(eventually([&] { return anyone_waits(d); }));
          d.close();
        });
      int value = 1;
      select_case send{d.core(), &value, direction::send, false, nullptr};
      EXPECT_THROW(select_wait({{&send, 1}}), weft::closed_channel);
    }
  });
}

TEST_F(select_core, chooses_among_ready_cases_without_favour) {
  constexpr std::size_t size = 5;
  constexpr int rounds = 20'000;
  channels all;
  for (std::size_t i = 0; i < size; ++i) all.emplace_back(1);
  std::array<int, size> chosen{};
  for (auto& c : all) c.send(0);
  for (int i = 0; i < rounds; ++i) {
    offer o(all);
    const std::size_t won = o.wait();
    ++chosen.at(won);
    all[won].send(0);
  }
  // Six standard deviations of a binomial distribution: 56.6 each.
  for (const int n : chosen) EXPECT_NEAR(n, rounds / static_cast<int>(size), 6 * 57);
}

TEST_F(select_core, in_order_takes_the_first_that_is_ready) {
  channels all;
  for (int i = 0; i < 5; ++i) all.emplace_back(1);
  all[2].send(0);
  all[4].send(0);
  offer o(all);
  EXPECT_EQ(o.wait(false, weft::detail::never_ns, choice::in_order), 2U);
  EXPECT_EQ(o.wait(false, weft::detail::never_ns, choice::in_order), 4U);
}

/// Selects on overlapping channels in different orders: every value once, and no deadlock.
TEST_F(select_core, many_selects_on_the_same_channels_lose_nothing) {
  everywhere([] {
    const channels all(4);
    constexpr int parties = 4;
    const int each = scaled(500);
    weft::wait_group wg;
    weft::detail::atomic<long long> sum{0};
    for (int me = 0; me < parties; ++me) {
      wg.go([&, me] {
        for (int i = 1; i <= each; ++i) {
          int value = i;
          std::vector<select_case> cases;
          for (std::size_t n = 0; n < 4; ++n)
            cases.push_back({all[(n + static_cast<std::size_t>(me)) % 4].core(), &value,
                             direction::send, false, nullptr});
          select_wait({cases});
        }
      });
      wg.go([&] {
        for (int i = 1; i <= each; ++i) {
          offer o(all);
          o.wait();
          sum += o.value;
        }
      });
    }
    wg.wait();
    EXPECT_EQ(sum.load(), parties * (static_cast<long long>(each) * (each + 1) / 2));
    for (const auto& c : all) EXPECT_FALSE(anyone_waits(c));
  });
}

}  // namespace
