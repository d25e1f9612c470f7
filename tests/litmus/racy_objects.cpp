// Races in spite of channels and locks: they are used the wrong way, or order something else.
#include "litmus.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <shared_mutex>

using namespace std::chrono_literals;
using litmus::planted_add;
using litmus::planted_read;
using litmus::planted_write;
using litmus::progress;

// A receive does not happen before the send on a buffered channel completes; here it comes first.
LITMUS(racy, buffered_channel_the_wrong_way) {
  static int x = 0;
  weft::chan<int> c(1);
  weft::wait_group all;
  all.go([c] {
    planted_write(x, 1);
    static_cast<void>(c.recv());
  });
  for (int i = 0; i < 100; ++i) weft::yield();  // now it waits
  c.send(1);
  static_cast<void>(planted_read(x));
  all.wait();
}

// The sender waits, since the ring is full; the receive that wakes it is an earlier one's.
LITMUS(racy, full_channel_the_wrong_way) {
  static int x = 0;
  weft::chan<int> c(1);
  progress step;
  weft::wait_group all;
  all.go([c, &step] {
    c.send(1);
    step.reach(1);
    planted_write(x, 1);  // between two sends: the receive of the first may come before it
    c.send(2);
  });
  step.await(1);
  for (int i = 0; i < 100; ++i) weft::yield();  // now the second send waits
  static_cast<void>(c.recv());                  // the first value
  static_cast<void>(planted_read(x));
  static_cast<void>(c.recv());
  all.wait();
}

LITMUS(racy, write_after_send) {
  static int x = 0;
  weft::chan<int*> c(1);
  progress step;
  weft::wait_group all;
  all.go([c, &step] {
    int* const got = *c.recv();
    step.await(1);
    static_cast<void>(planted_read(*got));
  });
  c.send(&x);
  planted_write(x, 1);
  step.reach(1);
  all.wait();
}

LITMUS(racy, write_after_close) {
  static int x = 0;
  weft::chan<void> c;
  progress step;
  weft::wait_group all;
  all.go([c, &step] {
    c.recv();
    step.await(1);
    static_cast<void>(planted_read(x));
  });
  c.close();
  planted_write(x, 1);
  step.reach(1);
  all.wait();
}

// Two receivers of one channel know what the sender did, and nothing of each other.
LITMUS(racy, two_receivers) {
  static int x = 0;
  weft::chan<int> c;
  progress step;
  weft::wait_group all;
  for (int i = 1; i <= 2; ++i)
    all.go([c, &step, i] {
      static_cast<void>(c.recv());
      step.await(i - 1);
      planted_write(x, i);
      step.reach(i);
    });
  c.send(1);
  c.send(2);
  all.wait();
}

// Two senders: each is ordered with its receive, not with the other.
LITMUS(racy, two_senders) {
  static int x = 0;
  weft::chan<int> c(8);
  progress step;
  weft::wait_group all;
  for (int i = 1; i <= 2; ++i)
    all.go([c, &step, i] {
      step.await(i - 1);
      c.send(i);
      planted_write(x, i);
      c.send(i);
      step.reach(i);
    });
  all.wait();
}

// The case that was not chosen orders nothing, though it enqueued on the channel.
LITMUS(racy, select_that_loses) {
  static int x = 0;
  weft::chan<int> wins;
  weft::chan<int> loses(1);
  progress step;
  weft::wait_group all;
  all.go([&] {
    weft::select(weft::on_recv(wins), weft::on_recv(loses));
    step.await(2);
    static_cast<void>(planted_read(x));
  });
  for (int i = 0; i < 20; ++i) weft::yield();
  wins.send(1);
  all.go([&] {
    planted_write(x, 1);
    loses.send(1);
    step.reach(2);
  });
  all.wait();
}

LITMUS(racy, write_after_broadcast) {
  static int x = 0;
  weft::broadcast<int> news(1);
  progress step;
  weft::wait_group all;
  all.go([&step, mine = news.subscribe()] {
    static_cast<void>(mine.recv());
    step.await(1);
    static_cast<void>(planted_read(x));
  });
  news.send(1);
  planted_write(x, 1);
  step.reach(1);
  all.wait();
}

LITMUS(racy, two_locks) {
  static int x = 0;
  weft::mutex a;
  weft::mutex b;
  progress step;
  weft::wait_group all;
  all.go([&] {
    const std::lock_guard lock(a);
    planted_add(x);
    step.reach(1);
  });
  all.go([&] {
    step.await(1);
    const std::lock_guard lock(b);
    planted_add(x);
  });
  all.wait();
}

LITMUS(racy, reader_without_lock) {
  static int x = 0;
  weft::mutex m;
  progress step;
  weft::wait_group all;
  all.go([&] {
    {
      const std::lock_guard lock(m);
      planted_add(x);
    }
    step.reach(1);
  });
  all.go([&] {
    step.await(1);
    static_cast<void>(planted_read(x));
  });
  all.wait();
}

// The first access stands behind its unlock.
LITMUS(racy, access_after_unlock) {
  static int x = 0;
  weft::mutex m;
  progress step;
  weft::wait_group all;
  all.go([&] {
    m.lock();
    m.unlock();
    planted_write(x, 1);
    step.reach(1);
  });
  all.go([&] {
    step.await(1);
    const std::lock_guard lock(m);
    planted_write(x, 2);
  });
  all.wait();
}

// Both readers are inside at once.
LITMUS(racy, write_under_read_lock) {
  static int x = 0;
  weft::shared_mutex m;
  progress inside;
  weft::wait_group all;
  for (int i = 0; i < 2; ++i)
    all.go([&] {
      const std::shared_lock lock(m);
      planted_add(x);
      inside.add();
      inside.await(2);
    });
  all.wait();
}

// A try_lock that fails orders nothing.
LITMUS(racy, try_lock_that_fails) {
  static int x = 0;
  weft::mutex m;
  progress step;
  weft::wait_group all;
  all.go([&] {
    m.lock();
    planted_write(x, 1);
    step.reach(1);
    step.await(2);
    m.unlock();
  });
  all.go([&] {
    step.await(1);
    if (!m.try_lock()) planted_write(x, 2);
    step.reach(2);
  });
  all.wait();
}

LITMUS(racy, semaphore_with_two_permits) {
  static int x = 0;
  weft::semaphore permits(2);
  progress inside;
  weft::wait_group all;
  for (int i = 0; i < 2; ++i)
    all.go([&] {
      permits.acquire();
      planted_add(x);
      inside.add();
      inside.await(2);
      permits.release();
    });
  all.wait();
}

// The goroutine may not have been counted yet when the wait returns.
LITMUS(racy, add_inside_the_goroutine) {
  static int x = 0;
  progress step;
  weft::wait_group all;
  weft::go([all, &step] {
    step.await(1);
    all.add(1);
    planted_write(x, 1);
    all.done();
    step.reach(2);
  });
  all.wait();
  step.reach(1);
  step.await(2);
  static_cast<void>(planted_read(x));
}

LITMUS(racy, access_after_done) {
  static int x = 0;
  progress step;
  weft::wait_group all;
  all.add(1);
  weft::go([all, &step] {
    all.done();
    planted_write(x, 1);
    step.reach(1);
  });
  all.wait();
  step.await(1);
  static_cast<void>(planted_read(x));
}

LITMUS(racy, access_after_count_down) {
  static int x = 0;
  weft::latch ready(1);
  progress step;
  weft::go([&] {
    ready.count_down();
    planted_write(x, 1);
    step.reach(1);
  });
  ready.wait();
  step.await(1);
  static_cast<void>(planted_read(x));
}

LITMUS(racy, write_after_set) {
  static int x = 0;
  weft::event happened;
  progress step;
  weft::wait_group all;
  all.go([&] {
    happened.wait();
    step.await(1);
    static_cast<void>(planted_read(x));
  });
  happened.set();
  planted_write(x, 1);
  step.reach(1);
  all.wait();
}

LITMUS(racy, outside_once) {
  static int x = 0;
  weft::once first;
  progress step;
  weft::wait_group all;
  for (int i = 1; i <= 2; ++i)
    all.go([&, i] {
      step.await(i - 1);
      first.call([] {});
      planted_write(x, i);
      step.reach(i);
    });
  all.wait();
}

LITMUS(racy, write_after_cancel) {
  static int x = 0;
  auto [ctx, cancel] = weft::with_cancel(weft::background());
  progress step;
  weft::wait_group all;
  all.go([&step, ctx = ctx] {
    ctx.done().recv();
    step.await(1);
    static_cast<void>(planted_read(x));
  });
  cancel();
  planted_write(x, 1);
  step.reach(1);
  all.wait();
}

// Two goroutines use the same pool, each its own object, and a variable besides.
LITMUS(racy, beside_a_pool) {
  static int x = 0;
  weft::pool<int> numbers;
  progress step;
  weft::wait_group all;
  for (int i = 1; i <= 2; ++i)
    all.go([&, i] {
      const auto mine = numbers.borrow();
      step.add();
      step.await(2);
      planted_write(x, i);
    });
  all.wait();
}

LITMUS(racy, two_in_a_task_group) {
  static int x = 0;
  progress step;
  weft::task_group group;
  for (int i = 1; i <= 2; ++i)
    group.go([&, i] {
      step.await(i - 1);
      planted_write(x, i);
      step.reach(i);
    });
  group.wait();
}
