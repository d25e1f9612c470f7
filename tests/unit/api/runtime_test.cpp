// The runtime as users see it: on goroutines, and on threads that are none.
#include <weft/runtime.hpp>

#include <filesystem>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "port/cpu_count.hpp"
#include "unit_support.hpp"

namespace {

using weft_test::eventually;

using face = weft_test::fixture;
using face_of_death = unit::in_a_fresh_process;

std::ptrdiff_t threads_of_this_process() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                       std::filesystem::directory_iterator());
}

TEST_F(face, knows_the_machine) {
  EXPECT_EQ(weft::num_cpu(), weft::detail::affinity_count());
  EXPECT_GE(weft::max_procs(), 1);
}

TEST_F(face, run_returns_what_the_function_returns) {
  weft_test::on_thread([] {
    EXPECT_EQ(weft::run([] { return std::string("answer"); }), "answer");
    EXPECT_EQ(*weft::run([] { return std::make_unique<int>(3); }), 3);
    weft::run([] {});
    EXPECT_EQ(weft::run([] { return weft::run([] { return 5; }); }), 5);
  });
}

TEST_F(face, run_throws_what_the_function_throws) {
  weft_test::on_thread([] {
    const auto fail = [] { weft::run([] { throw std::runtime_error("inside"); }); };
    EXPECT_EQ(weft_test::what_thrown<std::runtime_error>(fail), "inside");
  });
}

/// Needs about a kilobyte for each level.
int deep(int levels) {
  volatile char room[1024];
  room[0] = static_cast<char>(levels);
  return levels == 0 ? 0 : deep(levels - 1) + 1 + room[0] - static_cast<char>(levels);
}

TEST_F(face, run_gives_main_the_name_and_the_stack_that_it_asks_for) {
  weft_test::on_thread([] {
    const auto options = weft::named("principal").stack(std::size_t{16} << 20);
    const auto body = [] { return std::string(weft::this_goroutine::name()); };
    EXPECT_EQ(weft::run(options, body), "principal");
    EXPECT_EQ(weft::run(options, [] { return deep(4000); }), 4000);
    EXPECT_EQ(weft::run([] { return std::string(weft::this_goroutine::name()); }), "main");
  });
}

TEST_F(face, exit_goroutine_runs_what_the_stack_holds) {
  weft_test::everywhere([] {
    const weft::chan<int> said(3);
    weft::go([=] {
      const weft::defer last{[=] { said.send(2); }};
      const weft::defer first{[=] { said.send(1); }};
      weft::exit_goroutine();
    });
    EXPECT_EQ(said.recv(), 1);
    EXPECT_EQ(said.recv(), 2);
  });
}

TEST_F(face, exit_goroutine_passes_handlers_of_standard_exceptions) {
  weft_test::everywhere([] {
    weft::wait_group wg;
    wg.go([] {
      try {
        weft::exit_goroutine();
      } catch (const std::exception&) {
        ADD_FAILURE() << "caught as an exception";
      }
      ADD_FAILURE() << "it went on";
    });
    wg.wait();
  });
}

TEST_F(face, threads_that_are_no_goroutines_may_call_everything) {
  unit::on_threads(4, [](int) {
    weft::yield();
    weft::lock_os_thread();
    weft::unlock_os_thread();
    weft::unlock_os_thread();
    EXPECT_GE(weft::max_procs(), 1);
    EXPECT_EQ(weft::set_max_procs(0), weft::max_procs());
  });
}

TEST_F(face_of_death, exit_goroutine_on_a_thread_terminates) {
  EXPECT_DEATH(weft::exit_goroutine(), "");
}

TEST_F(face_of_death, asking_does_not_start_anything) {
  EXPECT_EXIT(
      {
        bool good = weft::num_cpu() > 0 && weft::max_procs() > 0 && weft::num_goroutines() == 0;
        weft::set_max_procs(3);
        const weft::chan<int> c(1);
        c.send(1);
        good = good && c.recv() == 1 && threads_of_this_process() == 1;
        unit::end_with(good);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
