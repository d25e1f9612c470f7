// Where a task runs, that nothing is left behind, and the last words of an exception nobody saw.
#include <weft/tasks/task.hpp>

#include <atomic>
#include <stdexcept>
#include <vector>

#include "elements.hpp"
#include "fiber/goroutine.hpp"
#include "sched/runtime.hpp"
#include "sched/scheduler.hpp"
#include "unit_support.hpp"

namespace {

using weft_test::counted;
using weft_test::on_goroutine;
using weft_test::on_one_processor;
using weft_test::scaled;

class tasks : public weft_test::fixture {
 protected:
  void TearDown() override {
    fixture::TearDown();
    EXPECT_EQ(counted::alive(), 0);
    EXPECT_EQ(counted::strays(), 0);
  }
};

const void* self() { return &weft::detail::this_waiter(); }

TEST_F(tasks, the_newest_is_taken_back_and_its_goroutine_is_gone) {
  on_one_processor([] {
    const std::size_t before = weft::num_goroutines();
    auto t = weft::spawn([] { return self(); });
    EXPECT_EQ(weft::num_goroutines(), before + 1);
    t.join();
    EXPECT_EQ(weft::num_goroutines(), before) << "a goroutine with nothing to do was left";
    EXPECT_EQ(t.get(), self());
  });
}

TEST_F(tasks, an_older_one_leaves_a_goroutine_that_ends_at_once) {
  on_one_processor([] {
    const std::size_t before = weft::num_goroutines();
    std::vector<weft::task<const void*>> all;
    for (int i = 0; i < 10; ++i) all.push_back(weft::spawn([] { return self(); }));
    for (auto& each : all) EXPECT_EQ(each.get(), self());
    all.clear();
    weft::yield();
    EXPECT_TRUE(weft_test::eventually([&] { return weft::num_goroutines() == before; }));
  });
}

TEST_F(tasks, a_block_that_is_in_use_again_is_not_taken_back) {
  on_one_processor([] {
    using weft::detail::goroutine;
    goroutine* block = nullptr;
    std::uint64_t id = 0;
    weft::go([&] {
      block = static_cast<goroutine*>(&weft::detail::this_waiter());
      id = block->id;
    });
    ASSERT_TRUE(weft_test::eventually([&] { return block != nullptr; }));
    bool ran = false;
    weft::go([&] { ran = true; });
    EXPECT_FALSE(weft::detail::take_back(*block, id));
    EXPECT_TRUE(weft_test::eventually([&] { return ran; }));
  });
}

TEST_F(tasks, nothing_is_taken_back_on_a_plain_thread) {
  const weft_test::procs_scope scope(1);
  const weft::chan<void> gate;
  weft::detail::goroutine_draft draft({}, 1, 1);
  weft::detail::goroutine& block = draft.block();
  const std::uint64_t id = block.id;
  draft.start([](void*) {});
  EXPECT_FALSE(weft::detail::take_back(block, id));
}

TEST_F(tasks, whoever_has_little_stack_left_runs_nothing_in_place) {
  on_one_processor([] {
    weft::wait_group done;
    done.add(1);
    weft::go(weft::goroutine_options().stack(32 * 1024), [done] {
      auto t = weft::spawn([] { return self(); });
      EXPECT_NE(t.get(), self()) << "less than 32 KiB are left";
      done.done();
    });
    done.wait();
    done.add(1);
    weft::go(weft::goroutine_options().stack(64 * 1024), [done] {
      auto t = weft::spawn([] { return self(); });
      EXPECT_EQ(t.get(), self());
      done.done();
    });
    done.wait();
  });
}

TEST_F(tasks, every_task_runs_once_whoever_gets_to_it_first) {
  on_goroutine([] {
    std::atomic<int> runs{0};
    const int count = scaled(2'000);
    std::vector<weft::task<void>> all;
    for (int i = 0; i < count; ++i) {
      all.push_back(weft::spawn([&runs] { ++runs; }));
      if (i % 7 == 0) weft::yield();
      if (i % 3 == 0) all[static_cast<std::size_t>(i) / 2].join();
    }
    for (auto& each : all) each.join();
    EXPECT_EQ(runs, count);
  });
}

TEST_F(tasks, handles_that_are_dropped_at_any_moment_leak_nothing) {
  on_goroutine([] {
    for (int i = 0; i < scaled(2'000); ++i) {
      auto t = weft::spawn([c = counted(i)] { return counted(c.value()); });
      if (i % 5 == 0) weft::yield();
      if (i % 3 == 0) t.join();
      if (i % 7 == 0) static_cast<void>(t.get());
    }
    EXPECT_TRUE(weft_test::eventually([] { return counted::alive() == 0; }));
  });
}

using unseen = unit::in_a_fresh_process;

TEST_F(unseen, an_exception_of_a_task_that_was_dropped_before_its_end) {
  EXPECT_DEATH(weft::run([] {
                 const weft::chan<void> gate;
                 {
                   const auto dropped = weft::spawn(weft::named("lost"), [gate] {
                     gate.recv();
                     throw std::runtime_error("nobody sees me");
                   });
                 }
                 gate.close();
                 weft::chan<void>().recv();
               }),
               "panic: nobody sees me \\[std::runtime_error\\]\n\ngoroutine [0-9]+ 'lost', started "
               "at .*task_test.cpp:[0-9]+.*\n\n.*dropped without a join");
}

TEST_F(unseen, an_exception_of_a_task_that_is_dropped_after_its_end) {
  EXPECT_DEATH(weft::run([] {
                 const auto dropped = weft::spawn([] { throw std::runtime_error("nobody looks"); });
                 while (!dropped.ready()) weft::yield();
               }),
               "panic: nobody looks \\[std::runtime_error\\]\n\ngoroutine [0-9]+, started at "
               ".*task_test.cpp:[0-9]+");
}

TEST_F(unseen, a_task_with_arguments_is_known_by_its_address) {
  EXPECT_DEATH(weft::run([] {
                 const auto dropped = weft::spawn([](int n) { throw n; }, 3);
                 while (!dropped.ready()) weft::yield();
               }),
               "panic: an exception of type int\n\ngoroutine [0-9]+, started at address 0x");
}

TEST_F(unseen, whoever_has_joined_may_drop_the_exception) {
  EXPECT_EXIT(
      {
        weft::run([] { weft::spawn([] { throw std::runtime_error("seen"); }).join(); });
        unit::end_with(true);
      },
      testing::ExitedWithCode(0), "^$");
}

}  // namespace
