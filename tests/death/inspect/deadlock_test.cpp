// Deadlocks that must be found, and what the report says: who waits for what since when, and where
// it was started.
#include "fresh_process.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

#include <weft/weft.hpp>

namespace {

using namespace std::chrono_literals;
using death::all_is_well;
using ::testing::ExitedWithCode;
using ::testing::KilledBySignal;

using deadlock = death::in_a_fresh_process;
WEFT_DEATHS_AT_COUNTS(deadlock);

constexpr char words_of_go[] = "fatal error: all goroutines are asleep - deadlock!";

void receive_alone() {
  const weft::chan<int> c;
  c.recv();
}

TEST_P(deadlock, of_main_alone_without_any_goroutine) {
  EXPECT_EXIT(receive_alone(), ExitedWithCode(2), words_of_go);
  EXPECT_EXIT(receive_alone(), ExitedWithCode(2), "thread [0-9]+ \\[chan receive");
}

TEST_P(deadlock, of_the_main_goroutine) {
  EXPECT_EXIT(weft::run(receive_alone), ExitedWithCode(2),
              "goroutine [0-9]+ 'main' \\[chan receive");
}

void wait_for_one_that_is_never_done() {
  const weft::wait_group wg;
  const weft::chan<int> c(4);
  wg.go([c] {
    c.send(1);
    c.recv();
    c.recv();
  });
  wg.wait();
}

/// What io_uring, or the thread that does without it, has done does not count as somebody who could
/// still act.
void wait_for_nobody_after_writing_a_file() {
  std::string name = (std::filesystem::temp_directory_path() / "weft-deadlock-XXXXXX").string();
  weft::io::file f(::mkstemp(name.data()));
  ::unlink(name.c_str());
  f.write_at(0, std::string_view("on the disk"));
  f.sync();
  receive_alone();
}

TEST_P(deadlock, after_writing_a_file) {
  EXPECT_EXIT(weft::run(wait_for_nobody_after_writing_a_file), ExitedWithCode(2), words_of_go);
  EXPECT_EXIT(wait_for_nobody_after_writing_a_file(), ExitedWithCode(2), words_of_go);
  ::setenv("WEFT_IO_URING", "0", 1);
  EXPECT_EXIT(weft::run(wait_for_nobody_after_writing_a_file), ExitedWithCode(2), words_of_go);
  EXPECT_EXIT(wait_for_nobody_after_writing_a_file(), ExitedWithCode(2), words_of_go);
  ::unsetenv("WEFT_IO_URING");
}

TEST_P(deadlock, names_what_each_waits_on) {
  EXPECT_EXIT(wait_for_one_that_is_never_done(), ExitedWithCode(2),
              "waits on: channel 0x[0-9a-f]+ with capacity 4, 0 inside");
  EXPECT_EXIT(wait_for_one_that_is_never_done(), ExitedWithCode(2),
              "waits on: wait group 0x[0-9a-f]+, 1 is not done");
}

TEST_P(deadlock, names_the_goroutine_and_where_it_was_started) {
  const auto named = [] {
    weft::go(weft::named("reader"), receive_alone);
    receive_alone();
  };
  EXPECT_EXIT(named(), ExitedWithCode(2), "goroutine [0-9]+ 'reader' \\[chan receive");
  EXPECT_EXIT(named(), ExitedWithCode(2), "deadlock_test.cpp:[0-9]+");
}

TEST_P(deadlock, names_the_goroutine_that_started_it) {
  const auto grandchild = [] {
    weft::run([] {
      weft::go(weft::named("child"), [] { receive_alone(); });
      receive_alone();
    });
  };
  EXPECT_EXIT(grandchild(), ExitedWithCode(2), "created by .* in goroutine 1");
}

TEST_P(deadlock, in_every_kind_of_wait) {
  EXPECT_EXIT(weft::chan<int>().send(1), ExitedWithCode(2), "chan send");
  EXPECT_EXIT(weft::chan<int>(nullptr).recv(), ExitedWithCode(2), "chan receive \\(nil chan\\)");
  EXPECT_EXIT(weft::select(), ExitedWithCode(2), "select \\(no cases\\)");
  EXPECT_EXIT(weft::select(weft::on_recv(weft::chan<int>()), weft::on_send(weft::chan<int>(), 1)),
              ExitedWithCode(2), "receive from channel .* send to channel");
  const auto lock_twice = [] {
    weft::mutex m;
    const std::lock_guard first(m);
    m.lock();
  };
  EXPECT_EXIT(weft::run(lock_twice), ExitedWithCode(2), "sync.Mutex.Lock");
  EXPECT_EXIT(weft::semaphore(1).acquire(2), ExitedWithCode(2), "semacquire");
  EXPECT_EXIT(weft::latch(1).wait(), ExitedWithCode(2), "latch");
  EXPECT_EXIT(weft::event().wait(), ExitedWithCode(2), "event");
  EXPECT_EXIT(weft::spawn(receive_alone).join(), ExitedWithCode(2), "task join");
}

TEST_P(deadlock, names_who_holds_a_lock) {
  const auto crossed = [] {
    static weft::mutex a, b;
    const weft::wait_group both;
    both.add(2);
    const auto take = [both](weft::mutex& first, weft::mutex& second) {
      first.lock();
      both.done();
      both.wait();
      second.lock();
    };
    weft::go(weft::named("left"), take, std::ref(a), std::ref(b));
    weft::go(weft::named("right"), take, std::ref(b), std::ref(a));
    receive_alone();
  };
  EXPECT_EXIT(crossed(), ExitedWithCode(2), "locked by goroutine [0-9]+ 'left'");
  EXPECT_EXIT(crossed(), ExitedWithCode(2), "locked by goroutine [0-9]+ 'right'");
  const auto by_main = [] {
    static weft::mutex m;
    m.lock();
    weft::wait_group wg;
    wg.go([] { m.lock(); });
    wg.wait();
  };
  EXPECT_EXIT(by_main(), ExitedWithCode(2), "locked by thread [0-9]+");
  const auto for_writing = [] {
    weft::shared_mutex m;
    m.lock();
    weft::run(weft::named("reader"), [&m] { m.lock_shared(); });
  };
  EXPECT_EXIT(for_writing(), ExitedWithCode(2), "shared_mutex 0x.*locked by thread [0-9]+");
}

TEST_P(deadlock, prints_where_each_is) {
  // Its line, too, where there is debug information.
  EXPECT_EXIT(receive_alone(), ExitedWithCode(2), "thread [0-9]+(.|\n)*receive_alone");
  EXPECT_EXIT(weft::run(receive_alone), ExitedWithCode(2), "'main'(.|\n)*receive_alone");
}

TEST_P(deadlock, after_the_last_timer_has_fired) {
  const auto sleepers = [] {
    for (int i = 0; i < 20; ++i)
      weft::go([i] {
        weft::sleep_for(std::chrono::milliseconds(i));
        receive_alone();
      });
    receive_alone();
  };
  EXPECT_EXIT(sleepers(), ExitedWithCode(2), words_of_go);
}

TEST_P(deadlock, after_a_blocking_call_and_a_tied_goroutine) {
  const auto blocked = [] {
    weft::go([] {
      weft::blocking([] { ::usleep(20'000); });
      receive_alone();
    });
    weft::go([] {
      weft::lock_os_thread();
      ::usleep(30'000);
      receive_alone();
    });
    receive_alone();
  };
  EXPECT_EXIT(blocked(), ExitedWithCode(2), "locked to thread");
}

TEST_P(deadlock, after_a_thread_that_weft_does_not_know_has_ended) {
  const auto forgetful = [] {
    std::thread([] { ::usleep(50'000); }).detach();
    receive_alone();
  };
  EXPECT_EXIT(forgetful(), ExitedWithCode(2), words_of_go);
}

TEST_P(deadlock, of_plain_threads_with_each_other) {
  const auto threads = [] {
    for (int i = 0; i < 3; ++i) std::thread(receive_alone).detach();
    weft::chan<int>().recv();
  };
  EXPECT_EXIT(threads(), ExitedWithCode(2), words_of_go);
}

TEST_P(deadlock, when_nobody_is_left_to_cancel) {
  const auto waits = [] {
    const auto [ctx, cancel] = weft::with_cancel(weft::background());
    static_cast<void>(weft::chan<int>().recv(ctx));
  };
  EXPECT_EXIT(waits(), ExitedWithCode(2), words_of_go);
}

TEST_P(deadlock, of_a_thousand) {
  const auto crowd = [] {
    const weft::wait_group wg;
    for (int i = 0; i < 1000; ++i) wg.go(receive_alone);
    wg.wait();
  };
  EXPECT_EXIT(crowd(), ExitedWithCode(2), "1000 are not done");
}

TEST_P(deadlock, calls_the_handler_once_and_goes_on_if_it_wakes_somebody) {
  const auto rescued = [] {
    static weft::chan<int> c;
    static int calls = 0;
    weft::set_deadlock_handler([](std::string_view report) {
      if (report.find("asleep - deadlock") == std::string_view::npos) std::_Exit(3);
      ++calls;
      static_cast<void>(c.try_send(7));
    });
    weft::go([] {});
    const bool right = c.recv() == 7 && calls == 1;
    weft::set_deadlock_handler(nullptr);
    if (right) all_is_well();
  };
  EXPECT_EXIT(rescued(), ExitedWithCode(0), "");
}

TEST_P(deadlock, is_not_reported_when_the_detector_is_off) {
  const auto by_call = [] {
    weft::set_deadlock_detection(false);
    ::alarm(1);
    receive_alone();
  };
  EXPECT_EXIT(by_call(), KilledBySignal(SIGALRM), "");
  const auto by_environment = [] {
    ::alarm(1);
    receive_alone();
  };
  ::setenv("WEFT_DEADLOCK", "0", 1);
  EXPECT_EXIT(by_environment(), KilledBySignal(SIGALRM), "");
  ::unsetenv("WEFT_DEADLOCK");
}

}  // namespace
