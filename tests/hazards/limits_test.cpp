// The system refuses threads: by its limits in a process of its own, and here
// by a pthread_create that fails on demand, where a stand-in for a blocked
// thread is wanted. tests/unit/sched/ thread_failure_test.cpp has the workers.
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "child_program.hpp"
#include "weft_test.hpp"

namespace {

constinit std::atomic<bool> refuse{false};
constinit std::atomic<int> refused{0};

} // namespace

extern "C" int pthread_create(pthread_t *thread,
                              const pthread_attr_t *attributes,
                              void *(*run)(void *), void *argument) noexcept {
  using function =
      int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  if (refuse.load()) {
    refused.fetch_add(1);
    return EAGAIN;
  }
  // Safety: the next symbol of this name is the system's, of this type.
  static const auto real =
      reinterpret_cast<function>(::dlsym(RTLD_NEXT, "pthread_create"));
  return real(thread, attributes, run, argument);
}

namespace {

using namespace std::chrono_literals;
using hazards::ending;
using hazards::run_scenario;
using weft_test::sanitized;

class without_stand_ins : public weft_test::fixture {
protected:
  void SetUp() override {
    weft::run([] {});
    fixture::SetUp();
  }
  void TearDown() override {
    refuse.store(false);
    fixture::TearDown();
  }
};

/// A pipe that a goroutine reads from by the system's read, which blocks its
/// thread.
class pipe_pair {
public:
  pipe_pair() {
    if (::pipe(ends_) != 0)
      std::abort();
  }
  pipe_pair(const pipe_pair &) = delete;
  pipe_pair &operator=(const pipe_pair &) = delete;
  ~pipe_pair() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  void read_one() const {
    char byte = 0;
    while (::read(ends_[0], &byte, 1) != 1) {
    }
  }
  void write_one() const { EXPECT_EQ(::write(ends_[1], "x", 1), 1); }

private:
  int ends_[2];
};

/// Every thread that there is blocks; the others wait, and all is done when
/// they are let go.
TEST_F(without_stand_ins,
       goroutines_wait_for_blocked_threads_and_none_is_lost) {
  for (const bool announced : {true, false}) {
    const weft_test::procs_scope scope(2);
    const pipe_pair pipe;
    std::atomic<int> ran{0};
    const weft::wait_group wg;
    refuse.store(true);
    for (int i = 0; i < 4; ++i)
      wg.go([&] {
        if (announced)
          weft::blocking([&] { pipe.read_one(); });
        else
          pipe.read_one();
        ran.fetch_add(1);
      });
    for (int i = 0; i < 50; ++i)
      wg.go([&] {
        weft::yield();
        ran.fetch_add(1);
      });
    std::this_thread::sleep_for(
        5ms); // long enough for stand-ins to be wanted, and refused
    for (int i = 0; i < 4; ++i)
      pipe.write_one();
    wg.wait();
    EXPECT_EQ(ran.load(), 54);
    refuse.store(false);
  }
}

/// Refused while they block, threads are had again without anybody's asking.
TEST_F(without_stand_ins, stand_ins_come_when_threads_can_be_had) {
  const weft_test::procs_scope scope(1);
  const pipe_pair pipe;
  std::atomic<bool> woken{false};
  const weft::wait_group wg;
  refuse.store(true);
  wg.go([&] { pipe.read_one(); });
  wg.go([&] {
    woken.store(true);
    pipe.write_one(); // only another thread can do this: the first holds the
                      // one processor
  });
  std::this_thread::sleep_for(5ms);
  refuse.store(false);
  wg.wait();
  EXPECT_TRUE(woken.load());
}

TEST(limits, of_threads_are_told_and_survived) {
  if (sanitized)
    GTEST_SKIP() << "the sanitizer's own threads are refused, too";
  const ending e = run_scenario("threads_are_limited");
  if (e.status == 77)
    GTEST_SKIP() << "RLIMIT_NPROC cannot be tried here";
  EXPECT_EQ(e.status, 7) << e;
}

TEST(limits, of_address_space_make_goroutines_wait_for_a_stack) {
  if (sanitized)
    GTEST_SKIP() << "sanitizers need their address space";
  for (const char *setting :
       {"WEFT_GUARDS=none", "WEFT_GUARDS=mprotect", "WEFT_MAXPROCS=2"}) {
    const ending e = run_scenario("address_space_is_limited", {setting});
    EXPECT_EQ(e.status, 7) << setting << ": " << e;
    EXPECT_TRUE(e.says("no memory for a goroutine's stack")) << e;
  }
}

} // namespace
