// Workers without work: they find what comes, take what waits behind a busy one, and fall asleep.
#include <filesystem>
#include <fstream>
#include <string>

#include "sched/runtime.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::atomic;
using weft_test::eventually;
using weft_test::procs_scope;
using weft_test::scaled;
using namespace std::chrono_literals;

using idle_workers = weft_test::fixture;

/// Keeps the processor busy without a single call into weft.
template <class Predicate>
void spin_until(Predicate holds) {
  while (!holds()) std::this_thread::yield();
}

class busy_processor : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { before_ = weft::set_max_procs(GetParam()); }
  void TearDown() override {
    EXPECT_TRUE(eventually([] { return weft::num_goroutines() == 0; }));
    weft::set_max_procs(before_);
  }

 private:
  int before_ = 0;
};
INSTANTIATE_TEST_SUITE_P(processors, busy_processor, testing::Values(2, 4),
                         [](const auto& tested) { return std::to_string(tested.param); });

TEST_P(busy_processor, a_fresh_goroutine_behind_it_is_run_elsewhere) {
  for (int i = 0; i < scaled(100); ++i)
    weft::run([] {
      atomic<bool> ran{false};
      weft::go([&] { ran.store(true); });
      spin_until([&] { return ran.load(); });
    });
}

TEST_P(busy_processor, one_made_ready_behind_it_is_run_elsewhere) {
  weft::run([] {
    const weft::chan<int> c(1);
    atomic<int> got{0};
    weft::wait_group wg;
    wg.go([&] {
      for (const int i : c) got.store(i);
    });
    for (int i = 1; i <= scaled(100); ++i) {
      c.send(i);
      spin_until([&] { return got.load() == i; });
    }
    c.close();
    wg.wait();
  });
}

/// Each computes for less than a nap of the lookout before they meet again.
TEST_P(busy_processor, partners_that_compute_come_to_run_in_parallel) {
  weft::run([] {
    const weft::chan<int> there, back;
    atomic<int> computing{0};
    const auto overlaps = [&] {
      bool seen = false;
      computing.fetch_add(1);
      const auto end = std::chrono::steady_clock::now() + 15us;
      while (std::chrono::steady_clock::now() < end) seen |= computing.load() == 2;
      computing.fetch_sub(1);
      return seen;
    };
    weft::go([&] {
      for (const int i : there) {
        overlaps();
        back.send(i);
      }
      back.close();
    });
    for (int parallel = 0; parallel < scaled(10);) {
      there.send(1);
      parallel += overlaps();
      back.recv();
    }
    there.close();
    back.recv();
  });
}

TEST_P(busy_processor, the_timers_of_its_processor_fire) {
  weft::run([] {
    for (int i = 0; i < scaled(50); ++i) {
      atomic<bool> slept{false};
      weft::wait_group wg;
      wg.go([&] {
        weft::sleep_for(200us);
        slept.store(true);
      });
      weft::yield();
      spin_until([&] { return slept.load(); });
      wg.wait();
    }
  });
}

TEST_P(busy_processor, what_threads_start_is_run_elsewhere) {
  atomic<bool> stop{false};
  weft::wait_group wg;
  wg.go([&] { spin_until([&] { return stop.load(); }); });
  for (int i = 0; i < scaled(100); ++i) {
    atomic<bool> ran{false};
    weft::go([&] { ran.store(true); });
    spin_until([&] { return ran.load(); });
  }
  stop.store(true);
  wg.wait();
}

TEST_P(busy_processor, as_many_as_processors_run_at_once) {
  for (int round = 0; round < scaled(20); ++round) {
    atomic<int> running{0};
    weft::wait_group wg;
    for (int i = 0; i < GetParam(); ++i)
      wg.go([&] {
        ++running;
        spin_until([&] { return running.load() == GetParam(); });
      });
    wg.wait();
  }
}

TEST_F(idle_workers, wake_for_each_of_many_single_starts) {
  weft_test::on_thread([] {
    for (int i = 0; i < scaled(2'000); ++i) {
      const weft::chan<void> done;
      weft::go([=] { done.send(); });
      ASSERT_TRUE(done.recv());
    }
  });
}

TEST_F(idle_workers, wake_for_timers_that_threads_set) {
  weft_test::on_thread([] {
    unit::on_threads(4, [](int) {
      for (int i = 0; i < scaled(100); ++i) ASSERT_TRUE(weft::after(100us).recv());
    });
  });
}

/// Earlier than what everybody sleeps for.
TEST_F(idle_workers, wake_for_a_timer_that_is_due_before_all_others) {
  weft_test::everywhere([] {
    const weft::timer late(1h);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(weft::after(100us).recv());
    EXPECT_TRUE(late.stop());
  });
}

/// How often the worker threads of this process have gone to sleep or lost their CPU.
long switches_of_workers() {
  long sum = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "status");
    std::string word;
    bool worker = false;
    while (file >> word) {
      if (word == "Name:") worker = file >> word && word == "weft-worker";
      long count = 0;
      if (worker && word.ends_with("ctxt_switches:") && file >> count) sum += count;
    }
  }
  return sum;
}

/// Once there is nothing to do, a time comes in which no worker so much as blinks.
TEST_F(idle_workers, fall_asleep_for_good) {
  weft_test::on_thread([] {
    const weft::chan<void> never;
    for (int i = 0; i < 100; ++i) weft::go([=] { never.recv(); });
    const weft::timer late(1h);
    weft::wait_group wg;
    for (int i = 0; i < 100; ++i) wg.go([] { weft::yield(); });
    wg.wait();
    long before = -1;
    EXPECT_TRUE(eventually([&] {
      const long seen = std::exchange(before, switches_of_workers());
      std::this_thread::sleep_for(5ms);
      return seen == before;
    }));
    never.close();
  });
}

}  // namespace
