// The rules of select.

#include <array>
#include <atomic>
#include <cmath>
#include <memory>
#include <optional>
#include <thread>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft::on_default;
using weft::on_recv;
using weft::on_send;
using weft::on_timeout;
using weft::select;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::scaled;
using weft_test::what_thrown;

using Select = weft_test::fixture;

/// A fair coin strays this far from one half in `n` throws less than once in a million times.
double six_nines(int n) { return 4.891676 / (2 * std::sqrt(n)); }

TEST_F(Select, ReturnsTheIndexOfItsCase) {
  everywhere([] {
    const weft::chan<int> empty(1);
    const weft::chan<int> ready(1);
    ready.send(1);
    EXPECT_EQ(select(on_recv(empty), on_recv(ready), on_timeout(1h), on_default()), 1U);
    EXPECT_EQ(select(on_recv(empty), on_recv(ready), on_timeout(1h), on_default()), 3U);
    EXPECT_EQ(select(on_default(), on_recv(empty)), 0U);
    EXPECT_EQ(select(on_recv(empty), on_timeout(1ms), on_recv(ready)), 1U);
    EXPECT_EQ(select(on_timeout(1h), on_send(empty, 5)), 1U);
    EXPECT_EQ(empty.recv(), 5);
  });
}

TEST_F(Select, HandlerGetsTheValueOrTheEnd) {
  everywhere([] {
    const weft::chan<int> c(1);
    const weft::chan<void> v(1);
    std::optional<int> got;
    bool open = false;
    c.send(8);
    v.send();
    select(on_recv(c, [&](std::optional<int> x) { got = x; }));
    EXPECT_EQ(got, 8);
    select(on_recv(v, [&](bool is_open) { open = is_open; }));
    EXPECT_TRUE(open);
    c.close();
    v.close();
    select(on_recv(c, [&](std::optional<int> x) { got = x; }));
    EXPECT_EQ(got, std::nullopt);
    select(on_recv(v, [&](bool is_open) { open = is_open; }));
    EXPECT_FALSE(open);
  });
}

TEST_F(Select, StoresIntoWithoutAHandler) {
  everywhere([] {
    const weft::chan<std::string> c(1);
    std::optional<std::string> into = "before";
    EXPECT_EQ(select(on_recv(c, into), on_default()), 1U);
    EXPECT_EQ(into, "before") << "only the chosen case stores";
    c.send("after");
    EXPECT_EQ(select(on_recv(c, into)), 0U);
    EXPECT_EQ(into, "after");
    c.close();
    EXPECT_EQ(select(on_recv(c, into)), 0U);
    EXPECT_EQ(into, std::nullopt);
  });
}

TEST_F(Select, RunsOnlyTheChosenHandlerOnce) {
  everywhere([] {
    const weft::chan<int> a(1);
    const weft::chan<int> b(1);
    for (int round = 0; round < 100; ++round) {
      a.send(1);
      std::array<int, 4> calls{};
      const std::size_t chosen = select(
          on_recv(a, [&](std::optional<int>) { ++calls[0]; }), on_send(b, 2, [&] { ++calls[1]; }),
          on_timeout(1h, [&] { ++calls[2]; }), on_default([&] { ++calls[3]; }));
      ASSERT_LE(chosen, 1U);
      for (std::size_t i = 0; i < calls.size(); ++i) ASSERT_EQ(calls[i], i == chosen ? 1 : 0);
      a.try_recv();
      b.try_recv();
    }
  });
}

TEST_F(Select, ChoosesUniformlyAmongReadyCases) {
  weft_test::on_goroutine([] {
    constexpr int picks = 10'000;
    const weft::chan<int> in(1);
    const weft::chan<int> out(1);
    int first = 0;
    for (int i = 0; i < picks; ++i) {
      in.try_send(0);
      out.try_recv();
      if (select(on_recv(in), on_send(out, 0)) == 0) ++first;
    }
    EXPECT_NEAR(static_cast<double>(first) / picks, 0.5, six_nines(picks));
  });
}

TEST_F(Select, ChoosesUniformlyOnAPlainThread) {
  constexpr int picks = 10'000;
  const weft::chan<int> closed;
  closed.close();
  std::array<int, 4> share{};
  for (int i = 0; i < picks; ++i)
    ++share[select(on_recv(closed), on_recv(closed), on_recv(closed), on_recv(closed))];
  // Each case against the other three: a coin of 1/4 strays no farther than a fair one.
  for (const int n : share) EXPECT_NEAR(static_cast<double>(n) / picks, 0.25, six_nines(picks));
}

TEST_F(Select, ChoosesUniformlyWhateverMakesACaseReady) {
  weft_test::on_goroutine([] {
    constexpr int picks = 10'000;
    const weft::chan<int> never(1);
    const weft::chan<int> full(1);
    const weft::chan<int> empty(1);
    const weft::chan<int> closed(1);
    closed.close();
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    cancel();
    std::array<int, 5> share{};
    for (int i = 0; i < picks; ++i) {
      full.try_send(0);
      empty.try_recv();
      ++share[select(on_recv(full), on_send(empty, 0), on_recv(closed), on_done(ctx),
                     on_recv(never))];
    }
    for (int n = 0; n < 4; ++n)
      EXPECT_NEAR(static_cast<double>(share[static_cast<std::size_t>(n)]) / picks, 0.25,
                  six_nines(picks));
    EXPECT_EQ(share[4], 0);
  });
}

TEST_F(Select, DefaultOnlyIfNothingIsReady) {
  everywhere([] {
    const weft::chan<int> c(1);
    EXPECT_EQ(select(on_recv(c), on_default()), 1U);
    c.send(1);
    for (int i = 0; i < 100; ++i)
      EXPECT_EQ(select(on_recv(c, [&](std::optional<int>) { c.send(1); }), on_default()), 0U);
  });
}

TEST_F(Select, WaitsUntilACaseIsReady) {
  everywhere([] {
    const weft::chan<int> a;
    const weft::chan<int> b;
    weft::go([=] {
      let_others_run();
      b.send(3);
    });
    std::optional<int> got;
    EXPECT_EQ(select(on_recv(a), on_recv(b, got)), 1U);
    EXPECT_EQ(got, 3);
    weft::go([=] {
      let_others_run();
      EXPECT_EQ(a.recv(), 4);
    });
    EXPECT_EQ(select(on_send(a, 4), on_recv(b)), 0U);
  });
}

TEST_F(Select, TimesOutNotEarly) {
  everywhere([] {
    const weft::chan<int> c;
    const auto start = weft::clock::now();
    EXPECT_EQ(select(on_recv(c), on_timeout(5ms)), 1U);
    EXPECT_GE(weft::clock::now() - start, 5ms);
    EXPECT_EQ(select(on_timeout(5ms)), 0U);
    EXPECT_GE(weft::clock::now() - start, 10ms);
  });
}

TEST_F(Select, TheEarliestTimeoutWins) {
  everywhere([] {
    const weft::chan<int> c;
    EXPECT_EQ(select(on_timeout(1h), on_recv(c), on_timeout(1ms)), 2U);
    EXPECT_EQ(select(on_timeout(1ms), on_recv(c), on_timeout(1h)), 0U);
    EXPECT_EQ(select(on_timeout(-1s), on_recv(c)), 0U);
  });
}

TEST_F(Select, WhatIsReadyWinsOverAnElapsedTimeout) {
  everywhere([] {
    const weft::chan<int> c(1);
    c.send(1);
    EXPECT_EQ(select(on_timeout(0s), on_recv(c)), 1U);
    EXPECT_EQ(select(on_timeout(-1h), on_send(c, 2)), 1U);
  });
}

TEST_F(Select, NilCaseIsNeverReady) {
  everywhere([] {
    const weft::chan<int> nil = nullptr;
    const weft::chan<int> c(1);
    EXPECT_EQ(select(on_recv(nil), on_send(nil, 1), on_default()), 2U);
    EXPECT_EQ(select(on_recv(nil), on_send(nil, 1), on_timeout(1ms)), 2U);
    c.send(1);
    EXPECT_EQ(select(on_recv(nil), on_recv(c), on_send(nil, 1)), 1U);
  });
}

TEST_F(Select, SettingAChannelToNilSwitchesItsCaseOff) {
  everywhere([] {
    weft::chan<int> a(2);
    weft::chan<int> b(2);
    for (const auto& c : {a, b}) {
      c.send(1);
      c.send(2);
      c.close();
    }
    int values = 0;
    const auto count_or_switch_off = [&](weft::chan<int>& c) {
      return [&](std::optional<int> v) { v ? void(++values) : void(c = nullptr); };
    };
    while (a || b) select(on_recv(a, count_or_switch_off(a)), on_recv(b, count_or_switch_off(b)));
    EXPECT_EQ(values, 4);
  });
}

TEST_F(Select, ReceiveFromClosedIsAlwaysReady) {
  everywhere([] {
    const weft::chan<int> closed;
    closed.close();
    for (int i = 0; i < 100; ++i) EXPECT_EQ(select(on_recv(closed), on_default()), 0U);
  });
}

TEST_F(Select, SendOnClosedThrowsIfChosen) {
  everywhere([] {
    const weft::chan<int> closed(1);
    closed.close();
    const std::string words = "send on closed channel";
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { select(on_send(closed, 1)); }), words);
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { select(on_send(closed, 1), on_default()); }),
              words);
    EXPECT_EQ(
        what_thrown<weft::closed_channel>([&] { select(on_send(closed, 1), on_timeout(1h)); }),
        words);
  });
}

TEST_F(Select, WaitingSendThrowsWhenItsChannelIsClosed) {
  everywhere([] {
    const weft::chan<int> c;
    const weft::chan<int> other;
    const weft::chan<std::string> said(1);
    weft::go([=] {
      said.send(what_thrown<weft::closed_channel>([&] { select(on_send(c, 1), on_recv(other)); }));
    });
    let_others_run();
    c.close();
    EXPECT_EQ(said.recv(), "send on closed channel");
  });
}

TEST_F(Select, WaitingReceiveEndsWhenItsChannelIsClosed) {
  everywhere([] {
    const weft::chan<int> c;
    const weft::chan<int> other;
    const weft::chan<bool> ended(1);
    weft::go([=] {
      std::optional<int> v = 1;
      select(on_recv(other), on_recv(c, v));
      ended.send(!v.has_value());
    });
    let_others_run();
    c.close();
    EXPECT_EQ(ended.recv(), true);
  });
}

TEST_F(Select, LosersValuesAreNotMovedFrom) {
  everywhere([] {
    const weft::chan<std::unique_ptr<int>> a(1);
    const weft::chan<std::unique_ptr<int>> b(1);
    for (int round = 0; round < 50; ++round) {
      auto for_a = std::make_unique<int>(1);
      auto for_b = std::make_unique<int>(2);
      const std::size_t chosen = select(on_send(a, std::move(for_a)), on_send(b, std::move(for_b)));
      ASSERT_EQ(for_a == nullptr, chosen == 0);
      ASSERT_EQ(for_b == nullptr, chosen == 1);
      a.try_recv();
      b.try_recv();
    }
    auto kept = std::make_unique<int>(3);
    const weft::chan<std::unique_ptr<int>> closed;
    closed.close();
    EXPECT_THROW(select(on_send(closed, std::move(kept))), weft::closed_channel);
    EXPECT_NE(kept, nullptr);
    EXPECT_EQ(select(on_send(weft::chan<std::unique_ptr<int>>(), std::move(kept)), on_timeout(1ms)),
              1U);
    EXPECT_NE(kept, nullptr);
  });
}

TEST_F(Select, SameChannelMayReceiveInSeveralCases) {
  everywhere([] {
    const weft::chan<int> c;
    weft::go([=] {
      for (int i = 0; i < scaled(500); ++i) c.send(i);
      c.close();
    });
    int expected = 0;
    for (bool open = true; open;) {
      const auto take = [&](std::optional<int> v) {
        open = v.has_value();
        if (v) {
          EXPECT_EQ(*v, expected++);
        }
      };
      select(on_recv(c, take), on_recv(c, take), on_recv(c, take));
    }
    EXPECT_EQ(expected, scaled(500));
  });
}

TEST_F(Select, SameChannelMaySendInSeveralCases) {
  everywhere([] {
    const weft::chan<int> c;
    const weft::chan<void> done;
    weft::go([=] {
      for (int i = 0; i < 100; ++i) {
        const std::size_t chosen = select(on_send(c, 2 * i), on_send(c, 2 * i + 1));
        EXPECT_LT(chosen, 2U);
      }
      done.send();
    });
    for (int i = 0; i < 100; ++i) EXPECT_EQ(c.recv().value() / 2, i);
    done.recv();
  });
}

TEST_F(Select, CannotRendezvousWithItself) {
  everywhere([] {
    const weft::chan<int> c;
    EXPECT_EQ(select(on_send(c, 1), on_recv(c), on_default()), 2U);
    EXPECT_EQ(select(on_recv(c), on_send(c, 1), on_timeout(1ms)), 2U);
    const weft::chan<int> got(1);
    weft::go([=] { got.send(c.recv().value()); });
    EXPECT_EQ(select(on_recv(c), on_send(c, 1)), 1U);
    EXPECT_EQ(got.recv(), 1);
    weft::go([=] { c.send(2); });
    EXPECT_EQ(select(on_recv(c), on_send(c, 1)), 0U);
  });
}

TEST_F(Select, TwoSelectsMeetInBothDirections) {
  everywhere([] {
    const weft::chan<int> c;
    const int rounds = scaled(500);
    const auto both_ways = [=](int id) {
      int sent = 0;
      int received = 0;
      for (int i = 0; i < rounds; ++i)
        select(on_send(c, id, [&] { ++sent; }), on_recv(c, [&](std::optional<int> v) {
                 EXPECT_NE(v, id) << "met itself";
                 ++received;
               }));
      return std::pair(sent, received);
    };
    const weft::chan<std::pair<int, int>> theirs(1);
    weft::go([=] { theirs.send(both_ways(1)); });
    const auto mine = both_ways(0);
    const auto other = theirs.recv().value();
    EXPECT_EQ(mine.first, other.second);
    EXPECT_EQ(mine.second, other.first);
  });
}

TEST_F(Select, ExactlyOneCaseProceeds) {
  everywhere([] {
    const weft::chan<int> a;
    const weft::chan<int> b;
    const int count = scaled(1000);
    weft::go([=] {
      for (int i = 0; i < count; ++i) select(on_send(a, i), on_send(b, i));
      a.close();
      b.close();
    });
    long seen = 0;
    int expected = 0;
    weft::recv_chan<int> in_a = a;
    weft::recv_chan<int> in_b = b;
    const auto check_or_switch_off = [&](weft::recv_chan<int>& in) {
      return [&](std::optional<int> v) { v ? void(seen += *v == expected++) : void(in = nullptr); };
    };
    while (in_a || in_b)
      select(on_recv(in_a, check_or_switch_off(in_a)), on_recv(in_b, check_or_switch_off(in_b)));
    EXPECT_EQ(seen, count);
    EXPECT_EQ(expected, count);
  });
}

TEST_F(Select, HandlersExceptionReachesTheCaller) {
  everywhere([] {
    const weft::chan<int> c(2);
    c.send(1);
    const auto angry = [](std::optional<int>) { throw std::runtime_error("handler"); };
    EXPECT_EQ(what_thrown<std::runtime_error>([&] { select(on_recv(c, angry)); }), "handler");
    EXPECT_EQ(c.size(), 0U) << "the receive had happened";
    const auto quit = [] { throw std::runtime_error("handler"); };
    EXPECT_EQ(what_thrown<std::runtime_error>([&] { select(on_send(c, 1, quit)); }), "handler");
    EXPECT_EQ(c.size(), 1U);
    EXPECT_EQ(what_thrown<std::runtime_error>([&] { select(on_timeout(0s, quit)); }), "handler");
    EXPECT_EQ(what_thrown<std::runtime_error>([&] { select(on_default(quit)); }), "handler");
  });
}

TEST_F(Select, HandlerMayUseTheChannelsAndSelectAgain) {
  everywhere([] {
    const weft::chan<int> c(1);
    c.send(1);
    int inner = 0;
    select(on_recv(c, [&](std::optional<int> v) {
      c.send(*v + 1);
      select(on_recv(c, [&](std::optional<int> w) { inner = *w; }));
      c.close();
    }));
    EXPECT_EQ(inner, 2);
  });
}

TEST_F(Select, InOrderPrefersTheFirstReadyCase) {
  everywhere([] {
    const weft::chan<int> first(1);
    const weft::chan<int> second(1);
    for (int i = 0; i < 100; ++i) {
      first.try_send(1);
      second.try_send(1);
      EXPECT_EQ(weft::select_in_order(on_recv(first), on_recv(second)), 0U);
    }
    first.try_recv();
    EXPECT_EQ(weft::select_in_order(on_recv(first), on_recv(second), on_default()), 1U);
    EXPECT_EQ(weft::select_in_order(on_recv(first), on_recv(second), on_default()), 2U);
  });
}

TEST_F(Select, WorksBetweenPlainThreads) {
  const weft::chan<int> a;
  const weft::chan<int> b;
  const int count = scaled(2000);
  std::thread sender([=] {
    for (int i = 0; i < count; ++i) select(on_send(a, i), on_send(b, i));
    a.close();
  });
  int expected = 0;
  for (bool open = true; open;)
    select(on_recv(a, [&](std::optional<int> v) { v ? void(++expected) : void(open = false); }),
           on_recv(b, [&](std::optional<int> v) { EXPECT_EQ(v, expected++); }));
  sender.join();
  EXPECT_EQ(expected, count);
}

TEST_F(Select, DirectionalEndsAreCasesToo) {
  everywhere([] {
    const weft::chan<int> c(1);
    const weft::send_chan<int> out = c;
    const weft::recv_chan<int> in = c;
    EXPECT_EQ(select(on_send(out, 1), on_recv(in)), 0U);
    EXPECT_EQ(select(on_send(out, 1), on_recv(in)), 1U);
    const weft::chan<void> signal(1);
    EXPECT_EQ(select(on_send(weft::send_chan<void>(signal)), on_recv(in)), 0U);
    EXPECT_EQ(select(on_recv(weft::recv_chan<void>(signal)), on_recv(in)), 0U);
  });
}

TEST_F(Select, LvalueSentIsCopied) {
  everywhere([] {
    const weft::chan<std::string> c(1);
    const std::string text(50, 'q');
    select(on_send(c, text));
    EXPECT_EQ(text.size(), 50U);
    EXPECT_EQ(c.recv(), text);
    select(on_send(c, "converted"));
    EXPECT_EQ(c.recv(), "converted");
  });
}

}  // namespace
