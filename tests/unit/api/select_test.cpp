// The selector: cases known at run time, used again and again.
#include <weft/select.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "elements.hpp"
#include "unit_support.hpp"

namespace {

using namespace std::chrono_literals;
using weft::on_default;
using weft::on_recv;
using weft::on_send;
using weft::on_timeout;
using weft_test::counted;
using weft_test::everywhere;
using weft_test::scaled;

class selectors : public weft_test::fixture {
 protected:
  void TearDown() override {
    fixture::TearDown();
    EXPECT_EQ(counted::alive(), 0);
    EXPECT_EQ(weft_test::move_thrower::alive(), 0);
  }
};

TEST_F(selectors, tell_what_is_ready_each_time_anew) {
  everywhere([] {
    const weft::chan<counted> c(1);
    std::optional<counted> got;
    weft::selector s;
    EXPECT_EQ(s.add(on_recv(c, got)), 0U);
    EXPECT_EQ(s.add(on_default()), 1U);
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(s.select(), 1U);
      c.send(counted(i));
      EXPECT_EQ(s.select(), 0U);
      ASSERT_TRUE(got);
      EXPECT_EQ(got->value(), i);
    }
    c.close();
    EXPECT_EQ(s.select(), 0U);
    EXPECT_FALSE(got) << "a closed channel gave the value of an earlier round";
  });
}

TEST_F(selectors, send_a_case_once) {
  everywhere([] {
    const weft::chan<counted> c(4);
    weft::selector s;
    s.add(on_send(c, counted(5)));
    s.add(on_default());
    EXPECT_EQ(s.select(), 0U);
    EXPECT_EQ(s.select(), 1U);
    EXPECT_EQ(c.size(), 1U);
    EXPECT_EQ(c.recv()->value(), 5);
  });
}

TEST_F(selectors, keep_the_value_of_a_case_that_was_not_chosen) {
  everywhere([] {
    const weft::chan<std::string> c;
    weft::selector s;
    s.add(on_send(c, std::string("a value that does not fit inside")));
    s.add(on_timeout(50us));
    for (int i = 0; i < 5; ++i) EXPECT_EQ(s.select(), 1U);
    weft::chan<std::optional<std::string>> got(1);
    weft::go([=] { got.send(c.recv()); });
    std::size_t chosen = 1;
    while (chosen == 1) chosen = s.select();
    EXPECT_EQ(got.recv().value(), "a value that does not fit inside");
  });
}

TEST_F(selectors, keep_their_channels_alive) {
  weft::selector s;
  {
    const weft::chan<counted> c(1);
    c.send(counted(3));
    s.add(on_recv(c, [](std::optional<counted> v) { EXPECT_EQ(v->value(), 3); }));
  }
  EXPECT_EQ(counted::alive(), 1);
  EXPECT_EQ(s.select(), 0U);
  s.clear();
  EXPECT_EQ(s.size(), 0U);
}

TEST_F(selectors, take_the_earliest_of_several_timeouts) {
  everywhere([] {
    weft::selector s;
    s.add(on_timeout(1h));
    s.add(on_timeout(50us));
    s.add(on_timeout(2h));
    EXPECT_EQ(s.select(), 1U);
  });
}

TEST_F(selectors, have_one_default_at_most) {
  weft::selector s;
  s.add(on_default());
  EXPECT_EQ(weft_test::what_thrown<std::logic_error>([&] { s.add(on_default()); }),
            "selector: multiple default cases");
  EXPECT_EQ(s.size(), 1U);
  EXPECT_EQ(s.select(), 0U);
}

TEST_F(selectors, give_an_exception_of_a_handler_to_the_caller_and_work_on) {
  everywhere([] {
    const weft::chan<counted> c(2);
    weft::selector s;
    s.add(on_recv(c, [](const std::optional<counted>&) { throw std::runtime_error("handled"); }));
    for (int i = 0; i < 3; ++i) {
      c.send(counted(i));
      EXPECT_EQ(weft_test::what_thrown<std::runtime_error>([&] { s.select(); }), "handled");
    }
  });
}

TEST_F(selectors, prefer_the_first_when_asked_to) {
  const weft::chan<int> a(1);
  const weft::chan<int> b(1);
  weft::selector s;
  s.add(on_recv(a));
  s.add(on_recv(b));
  for (int i = 0; i < 50; ++i) {
    a.send(1);
    b.send(1);
    EXPECT_EQ(s.select_in_order(), 0U);
    EXPECT_EQ(s.select_in_order(), 1U);
  }
}

/// Refused values that travel in a box are moved back, and that move may throw.
TEST_F(selectors, survive_elements_whose_moves_throw) {
  using weft_test::move_thrower;
  const weft::chan<move_thrower> full;
  for (int n = 1; n <= 12; ++n) {
    move_thrower::throw_at(0);
    weft::selector s;
    s.add(on_send(full, move_thrower(n)));
    s.add(on_default());
    move_thrower::throw_at(n);
    try {
      EXPECT_EQ(s.select(), 1U);
    } catch (const std::runtime_error&) {
    }
  }
  move_thrower::throw_at(0);
}

TEST_F(selectors, many_cases_on_many_channels_each_value_once) {
  everywhere([] {
    std::vector<weft::chan<int>> all(40);
    long long sum = 0;
    const int each = scaled(60);
    weft::wait_group wg;
    for (const auto& c : all)
      wg.go([c, each] {
        for (int i = 1; i <= each; ++i) c.send(i);
      });
    weft::selector s;
    for (const auto& c : all) s.add(on_recv(c, [&](std::optional<int> v) { sum += *v; }));
    for (int i = 0; i < 40 * each; ++i) s.select();
    wg.wait();
    EXPECT_EQ(sum, 40LL * each * (each + 1) / 2);
  });
}

}  // namespace
