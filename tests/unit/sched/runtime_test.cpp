// The number of processors, up and down; goroutines' numbers and count; the environment.
#include "sched/runtime.hpp"

#include <climits>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "port/cpu_count.hpp"
#include "sched/scheduler.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::atomic;
using weft::detail::goroutine;
using weft::detail::runtime;
using weft_test::eventually;
using weft_test::procs_scope;
using weft_test::scaled;

using processors_in_use = weft_test::fixture;

TEST_F(processors_in_use, setting_them_returns_what_they_were) {
  const int before = weft::max_procs();
  EXPECT_EQ(weft::set_max_procs(3), before);
  EXPECT_EQ(weft::max_procs(), 3);
  EXPECT_EQ(weft::set_max_procs(before), 3);
}

TEST_F(processors_in_use, numbers_below_one_only_ask) {
  const procs_scope scope(2);
  for (const int asked : {0, -1, INT_MIN}) {
    EXPECT_EQ(weft::set_max_procs(asked), 2);
    EXPECT_EQ(weft::max_procs(), 2);
  }
}

TEST_F(processors_in_use, absurd_numbers_are_cut) {
  const procs_scope scope(1);
  for (const int asked : {runtime::processors_max, runtime::processors_max + 1, INT_MAX}) {
    weft::set_max_procs(asked);
    EXPECT_EQ(weft::max_procs(), runtime::processors_max);
  }
}

TEST_F(processors_in_use, a_goroutine_may_change_them) {
  weft_test::on_goroutine([] {
    const int before = weft::max_procs();
    for (const int procs : {1, 4, 2, 3, 1, before}) {
      weft::set_max_procs(procs);
      weft::yield();
      EXPECT_EQ(weft::max_procs(), procs);
    }
  });
}

/// Senders, receivers and spawners at work, while several threads change the number.
TEST_F(processors_in_use, changing_them_at_full_speed_loses_no_goroutine) {
  const procs_scope scope(4);
  constexpr int producers = 8;
  const int values = scaled(4'000);
  const weft::chan<int> c(3);
  weft::wait_group all;
  atomic<int> spawned{0};
  for (int i = 0; i < producers; ++i)
    all.go([&, c] {
      for (int n = 1; n <= values; ++n) {
        c.send(n);
        if (n % 16 == 0) all.go([&] { ++spawned; });
      }
    });
  atomic<long long> sum{0};
  weft::wait_group readers;
  for (int i = 0; i < 4; ++i)
    readers.go([&, c] {
      for (const int n : c) sum += n;
    });
  atomic<bool> done{false};
  std::thread changer([&] {
    unit::sequence s(8);
    while (!done.load()) weft::set_max_procs(1 + unit::below(s, 6));
  });
  all.wait();
  c.close();
  readers.wait();
  done.store(true);
  changer.join();
  EXPECT_EQ(sum.load(), producers * (static_cast<long long>(values) * (values + 1) / 2));
  EXPECT_EQ(spawned.load(), producers * (values / 16));
}

using goroutines = weft_test::fixture;

TEST_F(goroutines, are_counted_from_go_to_their_end) {
  weft_test::everywhere([] {
    const std::size_t before = weft::num_goroutines();
    const weft::chan<void> gate;
    for (int i = 0; i < 100; ++i) weft::go([=] { gate.recv(); });
    EXPECT_EQ(weft::num_goroutines(), before + 100);
    gate.close();
    EXPECT_TRUE(eventually([&] { return weft::num_goroutines() == before; }));
  });
}

TEST_F(goroutines, have_numbers_of_their_own) {
  weft_test::everywhere([] {
    constexpr int count = 3'000;
    const weft::chan<std::uint64_t> ids(count);
    weft::wait_group wg;
    const auto tell = [=] { ids.send(static_cast<goroutine&>(weft::detail::this_waiter()).id); };
    for (int i = 0; i < count / 3; ++i)
      wg.go([=] {
        tell();
        wg.go(tell);
        wg.go(tell);
      });
    wg.wait();
    ids.close();
    std::set<std::uint64_t> seen;
    for (const std::uint64_t id : ids) EXPECT_TRUE(id > 0 && seen.insert(id).second);
    EXPECT_EQ(seen.size(), std::size_t{count});
  });
}

TEST_F(goroutines, that_are_dropped_before_they_start_leave_nothing) {
  weft_test::everywhere([] {
    const std::size_t before = weft::num_goroutines();
    for (int i = 0; i < 1'000; ++i) {
      const weft::detail::goroutine_draft inside({}, 8, 8);
      const weft::detail::goroutine_draft outside({}, 1'000, 64);
    }
    EXPECT_EQ(weft::num_goroutines(), before);
  });
}

class environment : public unit::in_a_fresh_process {
 protected:
  void TearDown() override { ::unsetenv("WEFT_MAXPROCS"); }

  static void expect_procs(const char* setting, int expected) {
    ::setenv("WEFT_MAXPROCS", setting, 1);
    EXPECT_EXIT(unit::end_with(weft::max_procs() == expected), testing::ExitedWithCode(0), "")
        << "WEFT_MAXPROCS=" << setting;
  }
};

TEST_F(environment, sets_the_number_of_processors) {
  expect_procs("1", 1);
  expect_procs("7", 7);
  expect_procs("1024", 1024);
}

TEST_F(environment, nonsense_in_it_is_ignored) {
  const int usual =
      weft::detail::default_max_procs(weft::detail::affinity_count(), weft::detail::cgroup_quota());
  for (const char* setting : {"", "0", "-3", "two", "2x", " ", "0x10"})
    expect_procs(setting, usual);
}

TEST_F(environment, one_processor_runs_everything) {
  ::setenv("WEFT_MAXPROCS", "1", 1);
  EXPECT_EXIT(
      {
        atomic<int> ran{0};
        weft::wait_group wg;
        for (int i = 0; i < 1'000; ++i) wg.go([&] { ++ran; });
        wg.wait();
        unit::end_with(ran.load() == 1'000);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
