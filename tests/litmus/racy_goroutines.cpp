// Races between goroutines that nothing orders, although luck or the scheduler may.
#include "litmus.hpp"

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <vector>

using namespace std::chrono_literals;
using litmus::planted_add;
using litmus::planted_read;
using litmus::planted_write;
using litmus::progress;

// On one processor, perhaps on one stack, and one surely ends before the other begins.
LITMUS(racy, one_after_the_other) {
  static int x = 0;
  progress ended;
  weft::go([&ended] {
    planted_write(x, 1);
    ended.reach(1);
  });
  ended.await(1);
  // Started before it, it would be ordered by the go statement.
  static_cast<void>(planted_read(x));
}

// Both are started by a third that touches nothing.
LITMUS(racy, two_goroutines_one_after_the_other) {
  static int x = 0;
  progress ended;
  for (int i = 1; i <= 2; ++i)
    weft::go([&ended, i] {
      ended.await(i - 1);
      planted_write(x, i);
      ended.reach(i);
    });
  ended.await(2);
}

// The end of a goroutine orders nothing, however many have run since on the same thread.
LITMUS(racy, goroutine_exit) {
  static int x = 0;
  progress ended;
  weft::go([&ended] {
    planted_write(x, 1);
    ended.reach(1);
  });
  ended.await(1);
  for (int i = 2; i < 40; ++i) {
    weft::go([&ended, i] { ended.reach(i); });
    ended.await(i);
  }
  weft::go([&ended] {
    planted_write(x, 2);
    ended.reach(40);
  });
  ended.await(40);
}

LITMUS(racy, unsynchronised_counter) {
  static int x = 0;
  weft::wait_group all;
  for (int i = 0; i < 10; ++i)
    all.go([] {
      planted_add(x);
      weft::yield();
    });
  all.wait();
}

LITMUS(racy, after_sleep) {
  static int x = 0;
  weft::go([] { planted_write(x, 1); });
  weft::sleep_for(50ms);
  static_cast<void>(planted_read(x));
}

LITMUS(racy, after_yield) {
  static int x = 0;
  weft::go([] { planted_write(x, 1); });
  for (int i = 0; i < 2000; ++i) weft::yield();
  weft::sleep_for(1ms);
  static_cast<void>(planted_read(x));
}

LITMUS(racy, ticks) {
  static int x = 0;
  progress written;
  weft::ticker tick(1ms);
  weft::wait_group all;
  all.go([&] {
    static_cast<void>(tick.channel().recv());
    planted_write(x, 1);
    written.reach(1);
  });
  all.go([&] {
    written.await(1);
    static_cast<void>(tick.channel().recv());
    planted_write(x, 2);
  });
  all.wait();
  tick.stop();
}

// The two sleepers are woken by the same look at the clock.
LITMUS(racy, woken_by_the_clock) {
  static int x = 0;
  weft::wait_group all;
  for (int i = 0; i < 2; ++i)
    all.go([i] {
      weft::sleep_for(std::chrono::milliseconds(2 + i));
      planted_write(x, i);
      weft::sleep_for(1ms);
    });
  all.wait();
}

LITMUS(racy, relaxed_flag) {
  static int x = 0;
  progress written;
  weft::wait_group all;
  all.go([&] {
    written.await(1);
    static_cast<void>(planted_read(x));
  });
  planted_write(x, 1);
  written.reach(1);
  all.wait();
}

LITMUS(racy, shared_struct) {
  struct account {
    int balance = 0;
    int changes = 0;
  };
  std::map<int, account> accounts;
  accounts[1] = {};
  weft::wait_group all;
  for (int i = 0; i < 4; ++i)
    all.go([&accounts, i] {
      account& mine = accounts.at(1);
      planted_write(i % 2 == 0 ? mine.balance : mine.changes, i);
      weft::yield();
    });
  all.wait();
}

LITMUS(racy, loop_variable_by_reference) {
  weft::wait_group all;
  int i = 0;
  for (planted_write(i, 0); planted_read(i) < 3; planted_add(i)) {
    all.go([&i] { static_cast<void>(planted_read(i)); });
    weft::yield();
  }
  all.wait();
}

// The stack of a parked goroutine is written to by another.
LITMUS(racy, captured_stack) {
  progress step;
  weft::chan<void> end;
  weft::go([&step, end] {
    int local = 0;
    weft::go([&local, &step] {
      planted_write(local, 1);
      step.reach(1);
    });
    step.await(1);
    planted_write(local, 2);
    end.send();
  });
  end.recv();
}

LITMUS(racy, thread_and_goroutine) {
  static int x = 0;
  progress step;
  std::thread thread([&step] {
    planted_write(x, 1);
    step.reach(1);
    step.await(2);
  });
  weft::wait_group all;
  all.go([&step] {
    step.await(1);
    planted_write(x, 2);
    step.reach(2);
  });
  all.wait();
  thread.join();
}

LITMUS(racy, blocking_call) {
  static int x = 0;
  progress step;
  weft::wait_group all;
  all.go([&step] {
    weft::blocking([&step] {
      planted_write(x, 1);
      step.reach(1);
      std::this_thread::sleep_for(1ms);
    });
  });
  all.go([&step] {
    step.await(1);
    planted_write(x, 2);
  });
  all.wait();
}

LITMUS(racy, timer_function) {
  static int x = 0;
  progress step;
  auto timer = weft::after_func(1ms, [&step] {
    planted_write(x, 1);
    step.reach(1);
  });
  step.await(1);
  static_cast<void>(planted_read(x));
}

LITMUS(racy, parallel_sum) {
  static int x = 0;
  weft::parallel_for(
      0, 2,
      [&](int) {
        planted_add(x);
        weft::sleep_for(2ms);  // another helps meanwhile
      },
      1);
}

LITMUS(racy, read_before_join) {
  static int x = 0;
  progress written;
  auto task = weft::spawn(weft::named("writer"), [&written] {
    planted_write(x, 1);
    written.reach(1);
  });
  written.await(1);
  static_cast<void>(planted_read(x));
  task.join();
}
