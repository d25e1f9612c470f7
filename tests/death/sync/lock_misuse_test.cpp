// What ends the program: unlocking what is not locked (Go's MutexMisuse, case by case), and
// destroying what is in use. Nothing can catch it, and it says who it was.

#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include <weft/weft.hpp>

namespace {

using namespace std::chrono_literals;
using ::testing::KilledBySignal;

class in_a_fresh_process : public ::testing::Test {
 protected:
  void SetUp() override { ::testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

/// As Go's test does: where an exception could be caught, it is.
void under_recover(const std::function<void()>& misuse) {
  try {
    misuse();
  } catch (...) {
    std::puts("caught");
  }
  std::exit(0);
}

class GoMutexTestMisuse : public in_a_fresh_process {
 protected:
  static void dies(const char* words, const std::function<void()>& misuse) {
    EXPECT_EXIT(under_recover(misuse), KilledBySignal(SIGABRT), words);
    EXPECT_EXIT(weft::run([&] { under_recover(misuse); }), KilledBySignal(SIGABRT), words);
  }
};

TEST_F(GoMutexTestMisuse, MutexUnlock) {
  dies("^fatal error: sync: unlock of unlocked mutex\n", [] { weft::mutex().unlock(); });
}

TEST_F(GoMutexTestMisuse, MutexUnlock2) {
  dies("^fatal error: sync: unlock of unlocked mutex\n", [] {
    weft::mutex m;
    m.lock();
    m.unlock();
    m.unlock();
  });
}

TEST_F(GoMutexTestMisuse, RWMutexUnlock) {
  dies("^fatal error: sync: Unlock of unlocked RWMutex\n", [] { weft::shared_mutex().unlock(); });
}

TEST_F(GoMutexTestMisuse, RWMutexUnlock2) {
  dies("^fatal error: sync: Unlock of unlocked RWMutex\n", [] {
    weft::shared_mutex m;
    m.lock_shared();
    m.unlock();
  });
}

TEST_F(GoMutexTestMisuse, RWMutexUnlock3) {
  dies("^fatal error: sync: Unlock of unlocked RWMutex\n", [] {
    weft::shared_mutex m;
    m.lock();
    m.unlock();
    m.unlock();
  });
}

TEST_F(GoMutexTestMisuse, RWMutexRUnlock) {
  dies("^fatal error: sync: RUnlock of unlocked RWMutex\n",
       [] { weft::shared_mutex().unlock_shared(); });
}

TEST_F(GoMutexTestMisuse, RWMutexRUnlock2) {
  dies("^fatal error: sync: RUnlock of unlocked RWMutex\n", [] {
    weft::shared_mutex m;
    m.lock();
    m.unlock_shared();
  });
}

TEST_F(GoMutexTestMisuse, RWMutexRUnlock3) {
  dies("^fatal error: sync: RUnlock of unlocked RWMutex\n", [] {
    weft::shared_mutex m;
    m.lock_shared();
    m.unlock_shared();
    m.unlock_shared();
  });
}

using LockMisuse = in_a_fresh_process;

void unlock_in_a_named_goroutine() {
  weft::go(weft::named("careless"), [] { weft::mutex().unlock(); });
  weft::sleep_for(1h);
}

TEST_F(LockMisuse, NamesTheGoroutineAndWhereItWasStarted) {
  EXPECT_EXIT(unlock_in_a_named_goroutine(), KilledBySignal(SIGABRT),
              "unlock of unlocked mutex\n\ngoroutine [0-9]+ 'careless', started at "
              ".*lock_misuse_test.cpp:[0-9]+");
  EXPECT_EXIT(weft::mutex().unlock(), KilledBySignal(SIGABRT), "mutex\n\non a plain thread");
}

template <class Lock>
void destroy_locked() {
  Lock m;
  m.lock();
}

void destroy_read_locked() {
  weft::shared_mutex m;
  m.lock_shared();
}

/// Unlocked, but one who waited for it has not come back yet.
void destroy_waited_for() {
  weft::set_max_procs(1);
  weft::run([] {
    std::optional<weft::mutex> m(std::in_place);
    m->lock();
    bool came = false;
    weft::go([&m, &came] {
      came = true;
      m->lock();
    });
    while (!came) weft::yield();  // on one processor: when this runs again, the other one waits
    m->unlock();
    m.reset();
  });
}

void destroy_condition_waited_for() {
  weft::set_max_procs(1);
  weft::run([] {
    weft::mutex m;
    std::optional<weft::condition_variable> c(std::in_place);
    bool came = false;
    weft::go([&] {
      const std::lock_guard guard(m);
      came = true;
      c->wait(m);
    });
    while (!came) weft::yield();
    c.reset();
  });
}

TEST_F(LockMisuse, DestructionWhileInUseIsNamed) {
  EXPECT_EXIT(destroy_locked<weft::mutex>(), KilledBySignal(SIGABRT),
              "^fatal error: weft: mutex destroyed while in use\n");
  EXPECT_EXIT(destroy_waited_for(), KilledBySignal(SIGABRT),
              "^fatal error: weft: mutex destroyed while in use\n");
  EXPECT_EXIT(destroy_locked<weft::shared_mutex>(), KilledBySignal(SIGABRT),
              "^fatal error: weft: shared_mutex destroyed while in use\n");
  EXPECT_EXIT(destroy_read_locked(), KilledBySignal(SIGABRT),
              "^fatal error: weft: shared_mutex destroyed while in use\n");
  EXPECT_EXIT(destroy_condition_waited_for(), KilledBySignal(SIGABRT),
              "^fatal error: weft: condition_variable destroyed while in use\n");
}

weft::mutex kept_by_a_goroutine;
weft::shared_mutex read_by_a_goroutine;
weft::condition_variable waited_for_by_a_goroutine;

/// A static lock outlives main; the goroutine that holds it will never run again.
void exit_while_goroutines_hold_locks() {
  const weft::chan<void> all_there;
  weft::go([=] {
    kept_by_a_goroutine.lock();
    read_by_a_goroutine.lock_shared();
    all_there.send();
    waited_for_by_a_goroutine.wait(kept_by_a_goroutine);
  });
  all_there.recv();  // before the second one wants to write: no reader gets past that
  weft::go([=] {
    read_by_a_goroutine.lock_shared();
    all_there.send();
    read_by_a_goroutine.lock();
  });
  all_there.recv();
  std::exit(7);
}

TEST_F(LockMisuse, LeavingGoroutinesInsideStaticLocksAtExitIsNone) {
  EXPECT_EXIT(exit_while_goroutines_hold_locks(), ::testing::ExitedWithCode(7), "^$");
}

}  // namespace
