// The rules of the select whose cases are known only at run time.

#include <memory>
#include <optional>
#include <vector>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft::on_default;
using weft::on_recv;
using weft::on_send;
using weft::on_timeout;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::what_thrown;

using Selector = weft_test::fixture;

TEST_F(Selector, AddReturnsTheIndexThatSelectReturns) {
  everywhere([] {
    std::vector<weft::chan<int>> channels;
    weft::selector s;
    for (std::size_t i = 0; i < 10; ++i) {
      channels.emplace_back(1);
      EXPECT_EQ(s.add(on_recv(channels[i])), i);
    }
    EXPECT_EQ(s.size(), 10U);
    for (const std::size_t i : {7U, 0U, 9U}) {
      channels[i].send(1);
      EXPECT_EQ(s.select(), i);
    }
  });
}

TEST_F(Selector, IsReusedRoundAfterRound) {
  everywhere([] {
    const weft::chan<int> a;
    const weft::chan<int> b;
    int sum = 0;
    bool open = true;
    weft::selector s;
    s.add(on_recv(a, [&](std::optional<int> v) { v ? void(sum += *v) : void(open = false); }));
    s.add(on_recv(b, [&](std::optional<int> v) { sum += v.value_or(0); }));
    weft::go([=] {
      for (int i = 1; i <= 100; ++i) (i % 2 ? a : b).send(i);
      a.close();
    });
    while (open) s.select();
    EXPECT_EQ(sum, 5050);
  });
}

TEST_F(Selector, ReusedCaseSeesTheEndAfterItsLastValue) {
  everywhere([] {
    const weft::chan<int> c(1);
    const weft::chan<void> v(1);
    std::optional<int> got;
    bool open = false;
    weft::selector s;
    s.add(on_recv(c, got));
    s.add(on_recv(v, [&](bool is_open) { open = is_open; }));
    c.send(7);
    EXPECT_EQ(s.select(), 0U);
    EXPECT_EQ(got, 7);
    v.send();
    EXPECT_EQ(s.select(), 1U);
    EXPECT_TRUE(open);
    c.close();
    EXPECT_EQ(s.select(), 0U);
    EXPECT_EQ(got, std::nullopt) << "the last value came again";
    v.close();
    EXPECT_TRUE(weft_test::eventually([&] { return s.select() == 1; }));
    EXPECT_FALSE(open);
  });
}

TEST_F(Selector, ClearForgetsEveryCase) {
  everywhere([] {
    const weft::chan<int> ready(1);
    ready.send(1);
    weft::selector s;
    s.add(on_recv(ready));
    s.add(on_default());
    s.clear();
    EXPECT_EQ(s.size(), 0U);
    EXPECT_EQ(s.add(on_default()), 0U);
    EXPECT_EQ(s.select(), 0U);
    EXPECT_EQ(ready.size(), 1U);
  });
}

TEST_F(Selector, KnowsEveryKindOfCase) {
  everywhere([] {
    const weft::chan<int> c(1);
    const weft::chan<void> v(1);
    int calls = 0;
    weft::selector s;
    s.add(on_send(c, 4, [&] { ++calls; }));
    s.add(on_send(v, [&] { ++calls; }));
    s.add(on_timeout(1ms, [&] { ++calls; }));
    EXPECT_LT(s.select(), 2U);
    EXPECT_LT(s.select(), 2U);
    EXPECT_EQ(s.select(), 2U);
    EXPECT_EQ(calls, 3);
    EXPECT_EQ(c.recv(), 4);
    EXPECT_TRUE(v.recv());
  });
}

TEST_F(Selector, SendCaseIsSpentOnceItProceeded) {
  everywhere([] {
    const weft::chan<int> c(2);
    weft::selector s;
    s.add(on_send(c, 4));
    s.add(on_default());
    EXPECT_EQ(s.select(), 0U);
    EXPECT_EQ(s.select(), 1U);
    EXPECT_EQ(c.size(), 1U);
  });
}

TEST_F(Selector, SendCaseThatLostKeepsItsValue) {
  everywhere([] {
    const weft::chan<std::unique_ptr<int>> c;
    weft::selector s;
    s.add(on_send(c, std::make_unique<int>(6)));
    s.add(on_default());
    for (int i = 0; i < 5; ++i) EXPECT_EQ(s.select(), 1U);
    const weft::chan<int> got(1);
    weft::go([=] { got.send(*c.recv().value()); });
    EXPECT_TRUE(weft_test::eventually([&] { return s.select() == 0U; }));
    EXPECT_EQ(got.recv(), 6);
  });
}

TEST_F(Selector, RefusesASecondDefault) {
  weft::selector s;
  s.add(on_default());
  EXPECT_NE(
      what_thrown<std::logic_error>([&] { s.add(on_default()); }).find("multiple default cases"),
      std::string::npos);
  EXPECT_EQ(s.size(), 1U);
}

TEST_F(Selector, RefusesMoreThan65536Cases) {
  const weft::chan<int> c(1);
  weft::selector s;
  for (int i = 0; i < 65'537; ++i) s.add(on_recv(c));
  c.send(1);
  EXPECT_THROW(s.select(), std::length_error);
  EXPECT_EQ(c.size(), 1U);
}

TEST_F(Selector, Takes65536Cases) {
  weft_test::on_one_processor([] {
    const weft::chan<int> never;
    const weft::chan<int> last;
    weft::selector s;
    for (int i = 0; i < 65'535; ++i) s.add(on_recv(never));
    s.add(on_recv(last));
    weft::go([=] {
      let_others_run();
      last.send(1);
    });
    EXPECT_EQ(s.select(), 65'535U);
  });
}

TEST_F(Selector, KeepsTheChannelsOfItsCasesAlive) {
  everywhere([] {
    weft::selector s;
    s.add(on_recv(weft::after(1ms)));
    EXPECT_EQ(s.select(), 0U);
  });
}

TEST_F(Selector, DestroysWhatItStillHolds) {
  everywhere([] {
    {
      const weft::chan<weft_test::counted> c;
      weft::selector s;
      s.add(on_send(c, weft_test::counted(1)));
      s.add(on_default());
      EXPECT_EQ(s.select(), 1U);
      EXPECT_EQ(weft_test::counted::alive(), 1);
    }
    EXPECT_EQ(weft_test::counted::alive(), 0);
  });
}

TEST_F(Selector, InOrderPrefersTheCaseAddedFirst) {
  everywhere([] {
    const weft::chan<int> closed;
    closed.close();
    weft::selector s;
    for (int i = 0; i < 3; ++i) s.add(on_recv(closed));
    for (int i = 0; i < 50; ++i) EXPECT_EQ(s.select_in_order(), 0U);
    bool other = false;
    for (int i = 0; i < 200 && !other; ++i) other = s.select() != 0;
    EXPECT_TRUE(other) << "select() does not choose at random";
  });
}

TEST_F(Selector, NilAndClosedCasesBehaveAsInSelect) {
  everywhere([] {
    const weft::chan<int> nil = nullptr;
    const weft::chan<int> closed(1);
    closed.close();
    weft::selector s;
    s.add(on_recv(nil));
    s.add(on_send(nil, 1));
    s.add(on_timeout(1ms));
    EXPECT_EQ(s.select(), 2U);
    s.add(on_send(closed, 1));
    EXPECT_EQ(what_thrown<weft::closed_channel>([&] { s.select(); }), "send on closed channel");
  });
}

}  // namespace
