// Orders that locks, groups and gates give.
#include "litmus.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <vector>

using namespace std::chrono_literals;
using litmus::planted_add;
using litmus::planted_read;
using litmus::planted_write;
using litmus::require;

// Contended: with parking, handing over and looking again.
LITMUS(clean, mutex) {
  int x = 0;
  weft::mutex m;
  weft::wait_group all;
  for (int i = 0; i < 8; ++i)
    all.go([&, i] {
      for (int k = 0; k < 50; ++k) {
        const std::lock_guard lock(m);
        planted_add(x);
        if ((k + i) % 5 == 0) weft::yield();
      }
    });
  all.wait();
  require(planted_read(x) == 400, "nothing was lost");
}

LITMUS(clean, mutex_try_lock) {
  int x = 0;
  weft::mutex m;
  weft::wait_group all;
  for (int i = 0; i < 4; ++i)
    all.go([&] {
      for (int k = 0; k < 30; ++k) {
        while (!m.try_lock_for(1ms)) weft::yield();
        planted_add(x);
        m.unlock();
        weft::yield();
      }
    });
  all.wait();
  require(planted_read(x) == 120, "nothing was lost");
}

LITMUS(clean, mutex_between_threads_and_goroutines) {
  int x = 0;
  weft::mutex m;
  const auto work = [&] {
    for (int k = 0; k < 50; ++k) {
      const std::lock_guard lock(m);
      planted_add(x);
    }
  };
  std::thread thread(work);
  weft::wait_group all;
  for (int i = 0; i < 3; ++i) all.go(work);
  all.wait();
  thread.join();
  require(planted_read(x) == 200, "nothing was lost");
}

LITMUS(clean, shared_mutex) {
  int x = 0;
  weft::shared_mutex m;
  weft::wait_group all;
  for (int i = 0; i < 6; ++i)
    all.go([&, i] {
      for (int k = 0; k < 30; ++k) {
        if (i < 2) {
          const std::unique_lock lock(m);
          planted_add(x);
          if (k % 5 == 0) weft::yield();
        } else {
          const std::shared_lock lock(m);
          static_cast<void>(planted_read(x));
          if (k % 5 == 0) weft::yield();
        }
      }
    });
  all.wait();
  require(planted_read(x) == 60, "nothing was lost");
}

LITMUS(clean, once) {
  int x = 0;
  weft::once first;
  weft::wait_group all;
  for (int i = 0; i < 10; ++i)
    all.go([&] {
      first.call([&] {
        weft::yield();
        planted_write(x, 1);
      });
      require(planted_read(x) == 1, "it was run");
    });
  all.wait();
}

LITMUS(clean, wait_group) {
  for (int round = 0; round < 20; ++round) {
    std::vector<int> results(10);
    weft::wait_group all;
    for (int& result : results) {
      all.add(1);
      weft::go([&result, all, round] {
        if (round % 2 == 0) weft::yield();
        planted_write(result, 1);
        all.done();
      });
    }
    if (round % 3 == 0)
      for (int i = 0; i < 10; ++i) weft::yield();
    all.wait();
    for (const int& result : results) require(planted_read(result) == 1, "it was done");
  }
}

LITMUS(clean, condition_variable) {
  int x = 0;
  weft::mutex m;
  weft::condition_variable changed;
  weft::wait_group all;
  for (int i = 0; i < 5; ++i)
    all.go([&] {
      std::unique_lock lock(m);
      changed.wait(lock, [&] { return planted_read(x) > 0; });
    });
  all.go([&] {
    weft::yield();
    {
      const std::lock_guard lock(m);
      planted_write(x, 1);
    }
    changed.notify_all();
  });
  all.wait();
}

// A notification happens before the return of the wait that it ends, whatever the lock does.
LITMUS(clean, notify_before_wait_returns) {
  for (int round = 0; round < 20; ++round) {
    int x = 0;
    int waiting = 0;
    weft::mutex m;
    weft::condition_variable changed;
    weft::wait_group all;
    all.go([&] {
      std::unique_lock lock(m);
      waiting = 1;
      changed.wait(lock);
      require(planted_read(x) == 1, "it was notified after the write");
    });
    for (bool told = false; !told;) {
      weft::yield();
      std::unique_lock lock(m);
      if (waiting == 0) continue;
      lock.unlock();
      planted_write(x, 1);
      changed.notify_one();
      told = true;
    }
    all.wait();
  }
}

LITMUS(clean, semaphore) {
  int x = 0;
  weft::semaphore turn(1);
  weft::wait_group all;
  for (int i = 0; i < 6; ++i)
    all.go([&] {
      for (int k = 0; k < 30; ++k) {
        turn.acquire();
        planted_add(x);
        if (k % 4 == 0) weft::yield();
        turn.release();
      }
    });
  all.wait();
  require(planted_read(x) == 180, "nothing was lost");
}

LITMUS(clean, latch) {
  std::vector<int> parts(6);
  weft::latch ready(6);
  for (int& part : parts)
    weft::go([&] {
      planted_write(part, 1);
      ready.count_down();
    });
  ready.wait();
  for (const int& part : parts) require(planted_read(part) == 1, "it was counted");
}

LITMUS(clean, barrier) {
  constexpr int count = 4;
  int cells[count] = {};
  int phases = 0;
  const auto completion = [&]() noexcept {
    int sum = 0;
    for (const int& cell : cells) sum += planted_read(cell);
    planted_write(phases, planted_read(phases) + (sum > 0 ? 1 : 0));
  };
  weft::barrier sync(count, completion);
  weft::wait_group all;
  for (int i = 0; i < count; ++i)
    all.go([&, i] {
      for (int k = 1; k <= 10; ++k) {
        planted_write(cells[i], k);
        sync.arrive_and_wait();
        static_cast<void>(planted_read(cells[(i + 1) % count]));
        sync.arrive_and_wait();
      }
    });
  all.wait();
  require(planted_read(phases) == 20, "every phase was completed");
}

LITMUS(clean, event) {
  for (int round = 0; round < 20; ++round) {
    int x = 0;
    weft::event happened;
    weft::wait_group all;
    for (int i = 0; i < 3; ++i)
      all.go([&] {
        happened.wait();
        require(planted_read(x) == 1, "it was set after the write");
      });
    if (round % 2 == 0) weft::yield();
    planted_write(x, 1);
    happened.set();
    all.wait();
  }
}

LITMUS(clean, pool) {
  weft::pool<std::vector<int>> buffers;
  weft::wait_group all;
  for (int i = 0; i < 6; ++i)
    all.go([&] {
      for (int k = 0; k < 50; ++k) {
        auto mine = buffers.borrow();
        mine->assign(8, 0);
        planted_write((*mine)[0], k);
        if (k % 7 == 0) weft::yield();
        static_cast<void>(planted_read((*mine)[0]));
      }
    });
  all.wait();
}

LITMUS(clean, single_flight) {
  weft::single_flight<int, std::shared_ptr<int>> flights;
  weft::wait_group all;
  for (int i = 0; i < 8; ++i)
    all.go([&] {
      for (int k = 0; k < 10; ++k) {
        const auto got = flights.call(k, [k] {
          weft::yield();
          auto made = std::make_shared<int>(0);
          planted_write(*made, k);
          return made;
        });
        static_cast<void>(planted_read(*got.value));
      }
    });
  all.wait();
}

// The standard's mutex and atomics order as they always do.
LITMUS(clean, standard_mutex) {
  int x = 0;
  std::mutex m;
  weft::wait_group all;
  for (int i = 0; i < 6; ++i)
    all.go([&] {
      for (int k = 0; k < 30; ++k) {
        {
          const std::lock_guard lock(m);
          planted_add(x);
        }
        weft::yield();
      }
    });
  all.wait();
  require(planted_read(x) == 180, "nothing was lost");
}

LITMUS(clean, standard_atomic) {
  int x = 0;
  std::atomic<bool> written{false};
  weft::wait_group all;
  all.go([&] {
    while (!written.load(std::memory_order_acquire)) weft::yield();
    require(planted_read(x) == 1, "it was written");
  });
  planted_write(x, 1);
  written.store(true, std::memory_order_release);
  all.wait();
}
