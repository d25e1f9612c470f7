// The census sees goroutines as they are, and those that move do not disturb it.
#include "sched/watch/census.hpp"

#include <algorithm>
#include <set>

#include <weft/weft.hpp>

#include "port/switch/sanitizer.hpp"
#include "unit_support.hpp"

namespace {

using namespace std::chrono_literals;
using weft::detail::atomic;
using weft::detail::copy_live_stack;
using weft::detail::goroutine_state;
using weft::detail::goroutine_view;
using weft::detail::is_as_seen;
using weft::detail::take_census;
using weft::detail::wait_reason;
using weft_test::everywhere;

using census = weft_test::fixture;

const goroutine_view* named(const std::vector<goroutine_view>& views, const std::string& name) {
  const auto found = std::find_if(views.begin(), views.end(),
                                  [&](const goroutine_view& v) { return v.name == name; });
  return found == views.end() ? nullptr : &*found;
}

/// Looks until the goroutine waits: it may not have come that far.
goroutine_view seen_waiting(const std::string& name) {
  for (;;) {
    const auto views = take_census();
    const goroutine_view* v = named(views, name);
    if (v && v->state == goroutine_state::waiting && v->stands_still()) return *v;
    weft::yield();
  }
}

TEST_F(census, tells_why_and_on_what_a_goroutine_waits) {
  everywhere([] {
    const weft::chan<int> c;
    const weft::wait_group wg;
    weft::go(weft::named("reader"), [=] {
      wg.wait();
      c.recv();
    });
    weft::go(weft::named("bounded"), [=] { static_cast<void>(c.recv_for(1h)); });
    const goroutine_view bounded = seen_waiting("bounded");
    EXPECT_TRUE(bounded.bounded);
    const goroutine_view reader = seen_waiting("reader");
    EXPECT_EQ(reader.reason, wait_reason::chan_receive);
    EXPECT_FALSE(reader.bounded);
    EXPECT_EQ(reader.waits_on, bounded.waits_on);
    EXPECT_TRUE(is_as_seen(reader));
    c.send(1);
    c.send(2);
    while (weft::num_goroutines() > (weft::this_goroutine::id() != 0 ? 1U : 0U)) weft::yield();
    EXPECT_FALSE(is_as_seen(reader));
  });
}

TEST_F(census, copies_the_live_part_of_a_stack) {
  everywhere([] {
    const weft::chan<int> c;
    weft::go(weft::named("deep"), [=] {
      volatile char mark[2048];
      for (std::size_t i = 0; i < sizeof mark; ++i) mark[i] = 'w';
      c.recv();
      mark[0] = 'x';
    });
    const goroutine_view v = seen_waiting("deep");
    const std::vector<std::byte> copy = copy_live_stack(v);
    EXPECT_GT(copy.size(), weft::detail::with_asan ? 0U : 2048U);
    const std::vector<std::byte> mark(2048, std::byte{'w'});
    if (!weft::detail::with_asan) {  // which may keep locals elsewhere
      EXPECT_NE(std::search(copy.begin(), copy.end(), mark.begin(), mark.end()), copy.end());
    }
    c.send(1);
    while (is_as_seen(v)) weft::yield();
    EXPECT_TRUE(copy_live_stack(v).empty());
  });
}

TEST_F(census, finds_each_goroutine_once_while_all_of_them_move) {
  everywhere([] {
    constexpr int count = 200;
    atomic<bool> stop{false};
    const weft::wait_group wg;
    const weft::chan<int> c;
    for (int i = 0; i < count; ++i)
      wg.go([&, i] {
        while (!stop.load()) {
          if (i % 2 == 0)
            static_cast<void>(c.try_send(i));
          else
            static_cast<void>(c.recv_for(100us));
          weft::yield();
        }
      });
    for (int look = 0; look < 50; ++look) {
      std::set<std::uint64_t> ids;
      std::size_t started_here = 0;
      for (const goroutine_view& v : take_census()) {
        EXPECT_TRUE(ids.insert(v.id).second);
        started_here += v.started || v.state == goroutine_state::runnable ? 1 : 0;
        static_cast<void>(copy_live_stack(v));
      }
      EXPECT_GE(started_here, std::size_t{count});
      weft::yield();
    }
    stop.store(true);
    wg.wait();
  });
}

TEST_F(census, reads_names_that_change) {
  everywhere([] {
    atomic<bool> stop{false};
    const weft::wait_group wg;
    for (int i = 0; i < 4; ++i)
      wg.go([&] {
        for (int n = 0; !stop.load(); ++n) {
          weft::this_goroutine::set_name(std::string(static_cast<std::size_t>(n % 60), 'n'));
          weft::yield();
        }
      });
    for (int look = 0; look < 200; ++look) {
      for (const goroutine_view& v : take_census()) EXPECT_LT(v.name.size(), 80U);
      weft::yield();
    }
    stop.store(true);
    wg.wait();
  });
}

}  // namespace
