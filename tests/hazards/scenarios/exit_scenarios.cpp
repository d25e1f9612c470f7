// The ways in which a process ends, from main, from a goroutine and from a
// thread, while others run, wait, sleep, hold locks, block, and call in from
// plain threads.
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <thread>

#include <weft/weft.hpp>

#include "scenarios.hpp"

namespace hazards {
namespace {

using namespace std::chrono_literals;

/// What the others use: never freed, as exit() waits for nobody.
struct world {
  weft::chan<int> traffic{2};
  weft::chan<void> never;
  weft::mutex held;
  std::atomic<int> under_way{0};
};

world &shared() {
  static world *const all = new world;
  return *all;
}

void exchange() {
  shared().under_way.fetch_add(1);
  for (int i = 0;; ++i) {
    if (i % 2 == 0)
      static_cast<void>(shared().traffic.send_for(i, 100us));
    else
      static_cast<void>(shared().traffic.recv_for(100us));
    const std::lock_guard lock(shared().held);
  }
}

[[noreturn]] void block_in_a_read() {
  int ends[2];
  if (::pipe(ends) != 0)
    std::abort();
  char byte = 0;
  shared().under_way.fetch_add(1);
  for (;;)
    static_cast<void>(!::read(ends[0], &byte, 1));
}

[[noreturn]] void start_and_join_for_ever() {
  shared().under_way.fetch_add(1);
  for (;;) {
    const weft::wait_group wg;
    for (int i = 0; i < 8; ++i)
      wg.go([] { weft::yield(); });
    wg.wait();
  }
}

/// Goroutines of every kind, and two plain threads in the middle of weft.
void start_everything() {
  for (int i = 0; i < 4; ++i)
    weft::go(exchange);
  for (int i = 0; i < 2; ++i)
    std::thread(exchange).detach();
  std::thread(start_and_join_for_ever).detach();
  weft::go(start_and_join_for_ever);
  for (int i = 0; i < 4; ++i)
    weft::go([] { shared().never.recv(); });
  weft::go([] { weft::sleep_for(1h); });
  weft::after_func(1h, [] {});
  weft::go([] {
    weft::select(weft::on_recv(shared().never), weft::on_timeout(1h, [] {}));
  });
  weft::go([] {
    volatile int sum = 0;
    shared().under_way.fetch_add(1);
    for (;;)
      sum = sum + 1;
  });
  weft::go(block_in_a_read);
  weft::go([] { weft::blocking(block_in_a_read); });
  while (shared().under_way.load() < 11)
    weft::sleep_for(100us);
}

int main_returns() {
  start_everything();
  return 7;
}

int main_exits() {
  start_everything();
  std::exit(7);
}

/// Ends the process by `end` on a goroutine, beside everything else.
int ends_in_a_goroutine(void (*end)()) {
  start_everything();
  weft::go(weft::named("last"), [end] {
    weft::yield();
    end();
  });
  return wait_for_the_end();
}

int ends_in_a_thread(void (*end)()) {
  start_everything();
  std::thread(end).join();
  return 99;
}

int goroutine_exits() {
  return ends_in_a_goroutine([] { std::exit(7); });
}
int goroutine_quick_exits() {
  std::at_quick_exit(
      [] { static_cast<void>(!::write(STDOUT_FILENO, "quick\n", 6)); });
  return ends_in_a_goroutine([] { std::quick_exit(7); });
}
int goroutine_leaves_by_the_system() {
  return ends_in_a_goroutine([] { std::_Exit(7); });
}
int goroutine_aborts() {
  return ends_in_a_goroutine([] { std::abort(); });
}
int goroutine_ends_its_thread() {
  return ends_in_a_goroutine([] { ::pthread_exit(nullptr); });
}
int thread_exits() {
  return ends_in_a_thread([] { std::exit(7); });
}
int main_quick_exits() {
  start_everything();
  std::at_quick_exit(
      [] { static_cast<void>(!::write(STDOUT_FILENO, "quick\n", 6)); });
  std::quick_exit(7);
}
int main_leaves_by_the_system() {
  start_everything();
  std::_Exit(7);
}
int main_aborts() {
  start_everything();
  std::abort();
}

int locked_goroutine_exits() {
  start_everything();
  weft::go([] {
    weft::lock_os_thread();
    weft::sleep_for(100us);
    std::exit(7);
  });
  return wait_for_the_end();
}

int goroutine_exits_in_a_blocking_call() {
  start_everything();
  weft::go([] { weft::blocking([] { std::exit(7); }); });
  return wait_for_the_end();
}

/// The main thread is gone; the goroutines are not.
void go_on_after_main() {
  weft::go(weft::named("heir"), [] {
    int sum = 0;
    for (int i = 0; i < 100; ++i) {
      const weft::chan<int> answer;
      weft::go([=] {
        weft::sleep_for(10us);
        answer.send(i);
      });
      sum += answer.recv().value();
    }
    std::printf("sum %d\n", sum);
    std::exit(sum == 4950 ? 7 : 8);
  });
}

int main_thread_ends() {
  go_on_after_main();
  ::pthread_exit(nullptr);
}

int main_thread_ends_beside_everything() {
  start_everything();
  go_on_after_main();
  ::pthread_exit(nullptr);
}

int main_thread_ends_while_it_unwinds_weft() {
  weft::run([] {});
  const weft::local<int> mine;
  *mine = 4;
  const weft::defer wait_a_little{[] { weft::sleep_for(100us); }};
  go_on_after_main();
  ::pthread_exit(nullptr);
}

int detached_threads_and_no_goroutine() {
  for (int i = 0; i < 4; ++i)
    std::thread(exchange).detach();
  while (shared().under_way.load() < 4)
    std::this_thread::yield();
  return 7;
}

} // namespace

const scenario_table exit_scenarios{
    {"main_returns", main_returns},
    {"main_exits", main_exits},
    {"main_quick_exits", main_quick_exits},
    {"main_leaves_by_the_system", main_leaves_by_the_system},
    {"main_aborts", main_aborts},
    {"goroutine_exits", goroutine_exits},
    {"goroutine_quick_exits", goroutine_quick_exits},
    {"goroutine_leaves_by_the_system", goroutine_leaves_by_the_system},
    {"goroutine_aborts", goroutine_aborts},
    {"goroutine_ends_its_thread", goroutine_ends_its_thread},
    {"locked_goroutine_exits", locked_goroutine_exits},
    {"goroutine_exits_in_a_blocking_call", goroutine_exits_in_a_blocking_call},
    {"thread_exits", thread_exits},
    {"main_thread_ends", main_thread_ends},
    {"main_thread_ends_beside_everything", main_thread_ends_beside_everything},
    {"main_thread_ends_while_it_unwinds_weft",
     main_thread_ends_while_it_unwinds_weft},
    {"detached_threads_and_no_goroutine", detached_threads_and_no_goroutine},
};

} // namespace hazards
