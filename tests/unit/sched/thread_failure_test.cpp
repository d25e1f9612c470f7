// The system refuses threads. In this executable pthread_create fails on demand: the first worker's
// failure reaches the caller, every other one is borne, and all is well once threads can be had.
#include <dlfcn.h>
#include <pthread.h>

#include <cerrno>
#include <functional>
#include <system_error>

#include <weft/detail/atomic.hpp>

#include "unit_support.hpp"

namespace {

constinit weft::detail::atomic<bool> refuse{false};
constinit weft::detail::atomic<int> refused{0};

}  // namespace

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*run)(void*), void* argument) noexcept {
  using function = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  if (refuse.load()) {
    ++refused;
    return EAGAIN;
  }
  // Safety: the next symbol of this name is the system's, of this type.
  static const auto real = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "pthread_create"));
  return real(thread, attributes, run, argument);
}

namespace {

using namespace std::chrono_literals;
using weft::detail::atomic;
using weft_test::eventually;

/// No more threads than the runtime has already, of which there is one at least.
class without_threads : public weft_test::fixture {
 protected:
  void SetUp() override {
    weft::run([] {});
    fixture::SetUp();
  }
};
class without_any_thread : public unit::in_a_fresh_process {};

/// Whether `use` says that there is no thread, with nothing started.
bool is_told(const std::function<void()>& use) {
  try {
    use();
  } catch (const std::system_error& e) {
    return e.code() == std::errc::resource_unavailable_try_again && weft::num_goroutines() == 0;
  }
  return false;
}

[[noreturn]] void use_without_threads() {
  refuse.store(true);
  bool good = true;
  for (int i = 0; i < 100; ++i) {
    good = good && is_told([] { weft::go([] { std::abort(); }); });
    good = good && is_told([] {
             weft::go(
                 weft::named("n"), [](int) { std::abort(); }, 1);
           });
    good = good && is_told([] { weft::timer(1h); });
    good = good && is_told([] { weft::ticker(1h); });
    good = good && is_told([] { weft::after_func(0s, [] { std::abort(); }); });
    const weft::wait_group wg;
    good = good && is_told([&] { wg.go([] { std::abort(); }); });
    wg.wait();  // nothing is counted that was not started
    weft::set_max_procs(1 + i % 4);
  }
  weft::chan<int> c(1);  // what needs no worker works
  c.send(1);
  good = good && c.recv() == 1 && c.recv_for(100us).status() == weft::channel_status::timeout;
  refuse.store(false);
  atomic<int> ran{0};
  const weft::wait_group wg;
  for (int i = 0; i < 100; ++i) wg.go([&] { ++ran; });
  wg.wait();
  unit::end_with(good && ran.load() == 100 && weft::after(10us).recv());
}

TEST_F(without_any_thread, the_caller_is_told_until_there_is_one) {
  EXPECT_EXIT(use_without_threads(), testing::ExitedWithCode(0), "");
}

void expect_all_runs() {
  atomic<int> ran{0};
  weft::wait_group wg;
  const weft::chan<int> c;
  for (int i = 0; i < 50; ++i) {
    wg.go([&, c] { ran += c.recv().value(); });
    wg.go([&, c] {
      weft::sleep_for(10us);
      c.send(2);
    });
  }
  wg.wait();
  EXPECT_EQ(ran.load(), 100);
}

/// Two goroutines run at the same time, or this does not end.
void expect_two_at_once() {
  atomic<int> running{0};
  weft::wait_group wg;
  for (int i = 0; i < 2; ++i)
    wg.go([&] {
      ++running;
      while (running.load() < 2) std::this_thread::yield();
    });
  wg.wait();
}

[[noreturn]] void live_with_one_thread() {
  weft::set_max_procs(4);
  weft::go([] {});
  refuse.store(true);
  // When it asks for another thread is up to the lookout.
  for (int round = 0; round < 20; ++round) expect_all_runs();
  const bool asked = eventually([] {
    expect_all_runs();
    return refused.load() > 0;
  });
  refuse.store(false);
  for (int round = 0; round < 20; ++round) {
    expect_all_runs();
    weft_test::let_others_run();
  }
  expect_two_at_once();
  unit::end_with(asked && !testing::Test::HasFailure());
}

TEST_F(without_any_thread, one_is_enough_and_more_come_when_they_can) {
  EXPECT_EXIT(live_with_one_thread(), testing::ExitedWithCode(0), "");
}

TEST_F(without_threads, tied_goroutines_run_all_the_same) {
  for (const int procs : {1, 2, 4}) {
    const weft_test::procs_scope scope(procs);
    refuse.store(true);
    weft::wait_group wg;
    atomic<int> turns{0};
    for (int i = 0; i < 4; ++i) {
      wg.go([&] {
        weft::lock_os_thread();
        for (int turn = 0; turn < 20; ++turn) {
          ++turns;
          weft::yield();
        }
        weft::unlock_os_thread();
      });
      wg.go([&] {
        for (int turn = 0; turn < 20; ++turn) {
          ++turns;
          weft::yield();
        }
      });
    }
    wg.wait();
    EXPECT_EQ(turns.load(), 160);
    refuse.store(false);
    expect_all_runs();
  }
}

TEST_F(without_threads, a_goroutine_may_end_while_it_is_tied) {
  for (int i = 0; i < 20; ++i) {
    refuse.store(true);
    weft::wait_group wg;
    wg.go([] { weft::lock_os_thread(); });
    wg.wait();
    expect_all_runs();
    refuse.store(false);
    expect_all_runs();
  }
}

}  // namespace
