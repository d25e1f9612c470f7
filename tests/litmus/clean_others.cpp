// Orders that starting, tasks, contexts, timers and the runtime's own recycling give.
#include "litmus.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using litmus::planted_add;
using litmus::planted_read;
using litmus::planted_write;
using litmus::require;

// The go statement happens before the goroutine begins.
LITMUS(clean, go_statement) {
  int x = 0;
  weft::wait_group all;
  for (int i = 1; i <= 20; ++i) {
    planted_write(x, i);
    weft::chan<void> begun;
    all.go([&x, begun] {
      static_cast<void>(planted_read(x));
      begun.close();
    });
    begun.recv();
  }
  all.wait();
}

LITMUS(clean, go_from_go) {
  int x = 0;
  weft::chan<void> end;
  weft::go([&x, end] {
    planted_write(x, 1);
    weft::go([&x, end] {
      planted_add(x);
      weft::go([&x, end] {
        planted_add(x);
        end.close();
      });
    });
  });
  end.recv();
  require(planted_read(x) == 3, "each saw the one before");
}

// Blocks, closures, stacks and fibers are used again by goroutines that share nothing.
LITMUS(clean, recycling) {
  std::array<char, 200> large{};
  for (int round = 0; round < 60; ++round) {
    weft::wait_group all;
    for (int i = 0; i < 20; ++i)
      all.go([large, i] {
        std::array<int, 300> local{};
        for (int& each : local) planted_write(each, i);
        if (i % 3 == 0) weft::yield();
        std::string text(static_cast<std::size_t>(20 + i), large[0]);
        std::function<int()> f = [&] { return planted_read(local[7]) + static_cast<int>(text[0]); };
        require(f() == i, "the stack is its own");
      });
    all.wait();
  }
}

LITMUS(clean, recycling_without_order) {
  litmus::progress ended;
  for (int i = 0; i < 600; ++i) {
    weft::go([&ended, i] {
      std::array<int, 50> local{};
      planted_write(local[10], i);
      weft::yield();
      require(planted_read(local[10]) == i, "the stack is its own");
      ended.add();
    });
    if (i % 50 == 0) ended.await(i / 2);
  }
  ended.await(600);
}

LITMUS(clean, task_join) {
  for (int round = 0; round < 30; ++round) {
    int x = 0;
    auto result = weft::spawn([&x] {
      planted_write(x, 1);
      return 2;
    });
    if (round % 2 == 0) weft::yield();
    require(result.get() == 2 && planted_read(x) == 1, "it has ended");
  }
}

LITMUS(clean, tasks_of_tasks) {
  const std::function<int(int)> fib = [&](int n) -> int {
    if (n < 2) return n;
    int left = 0;
    auto half = weft::spawn([&] { planted_write(left, fib(n - 1)); });
    const int right = fib(n - 2);
    half.join();
    return planted_read(left) + right;
  };
  require(fib(9) == 34, "it is the sum");
}

LITMUS(clean, task_exception) {
  for (int i = 0; i < 20; ++i) {
    auto failing =
        weft::spawn([] { throw std::runtime_error("a text that is allocated, surely"); });
    if (i % 2 == 0) weft::yield();
    bool caught = false;
    try {
      failing.get();
    } catch (const std::runtime_error& e) {
      caught = e.what()[0] == 'a';
    }
    require(caught, "it was thrown");
  }
}

LITMUS(clean, when_any) {
  std::array<int, 3> cells{};
  std::vector<weft::task<void>> tasks;
  for (int& cell : cells)
    tasks.push_back(weft::spawn([&cell] {
      weft::yield();
      planted_write(cell, 1);
    }));
  const std::size_t first = weft::when_any(tasks);
  require(planted_read(cells.at(first)) == 1, "the first has ended");
  weft::when_all(tasks);
  for (const int& cell : cells) require(planted_read(cell) == 1, "all have ended");
}

LITMUS(clean, task_group) {
  for (int round = 0; round < 20; ++round) {
    std::array<int, 8> cells{};
    weft::task_group group;
    for (int& cell : cells)
      group.go([&cell, round] {
        if (round % 2 == 0) weft::yield();
        planted_write(cell, 1);
      });
    if (round % 3 == 0)
      for (int i = 0; i < 20; ++i) weft::yield();
    group.wait();
    for (const int& cell : cells) require(planted_read(cell) == 1, "all have ended");
  }
}

// As with errgroup's limit: the end that makes room happens before the start that uses it.
LITMUS(clean, task_group_limit) {
  int x = 0;
  weft::task_group group;
  group.set_limit(1);
  for (int i = 0; i < 30; ++i)
    group.go([&x, i] {
      planted_add(x);
      if (i % 4 == 0) weft::yield();
    });
  group.wait();
  require(planted_read(x) == 30, "one at a time");
}

LITMUS(clean, parallel_for) {
  std::vector<int> cells(2000);
  weft::parallel_for(0, 2000, [&](int i) {
    if (i % 100 == 0) weft::yield();
    planted_write(cells[static_cast<std::size_t>(i)], i);
  });
  long sum = 0;
  for (const int& cell : cells) sum += planted_read(cell);
  require(sum == 1999L * 1000, "every body was run");
  require(weft::parallel_reduce(cells, 0L) == sum, "and reduced");
  weft::parallel_sort(cells, std::greater<>{});
  require(planted_read(cells[0]) == 1999, "and sorted");
}

LITMUS(clean, context_cancel) {
  for (int round = 0; round < 20; ++round) {
    int x = 0;
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    weft::wait_group all;
    all.go([&x, ctx = ctx] {
      ctx.done().recv();
      require(planted_read(x) == 1, "cancelled after the write");
    });
    all.go([&x, ctx = ctx] {
      while (!ctx.err()) weft::yield();
      require(planted_read(x) == 1, "cancelled after the write");
    });
    all.go([&x, ctx = ctx] {
      static_cast<void>(weft::sleep_for(ctx, 1h));
      require(planted_read(x) == 1, "cancelled after the write");
    });
    if (round % 2 == 0) weft::yield();
    planted_write(x, 1);
    cancel();
    all.wait();
  }
}

LITMUS(clean, context_after_func) {
  for (int round = 0; round < 20; ++round) {
    int x = 0;
    int y = 0;
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    weft::chan<void> end;
    planted_write(x, 1);
    const auto stop = weft::after_func(ctx, [&x, &y, end] {
      require(planted_read(x) == 1 && planted_read(y) == 1, "after both");
      end.close();
    });
    weft::go([&y, cancel = cancel] {
      planted_write(y, 1);
      cancel();
    });
    end.recv();
  }
}

LITMUS(clean, context_timeout_after_func) {
  int x = 0;
  auto [ctx, cancel] = weft::with_timeout(weft::background(), 1ms);
  weft::chan<void> end;
  planted_write(x, 1);
  const auto stop = weft::after_func(ctx, [&x, end] {
    require(planted_read(x) == 1, "asked for after the write");
    end.close();
  });
  end.recv();
}

LITMUS(clean, context_stop_token) {
  for (int round = 0; round < 10; ++round) {
    int x = 0;
    int y = 0;
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    weft::wait_group all;
    all.go([&x, token = ctx.stop_token()] {
      while (!token.stop_requested()) weft::yield();
      require(planted_read(x) == 1, "cancelled after the write");
    });
    litmus::progress listens;
    all.go([&x, &y, &listens, token = ctx.stop_token()] {
      planted_write(y, 1);
      const std::stop_callback callback(token, [&x, &y] {
        require(planted_read(x) == 1 && planted_read(y) == 1, "after both");
      });
      listens.reach(1);
      while (!token.stop_requested()) weft::yield();
    });
    listens.await(1);
    planted_write(x, 1);
    cancel();
    all.wait();
  }
}

LITMUS(clean, context_values) {
  static const weft::context_key<std::shared_ptr<int>> key;
  auto value = std::make_shared<int>(0);
  planted_write(*value, 1);
  weft::wait_group all;
  {
    const auto ctx = weft::with_value(weft::background(), key, value);
    value.reset();
    for (int i = 0; i < 10; ++i)
      all.go([ctx] {
        weft::yield();
        require(planted_read(**ctx.value(key)) == 1, "bound after the write");
      });
  }
  all.wait();
}

// after_func happens before the function begins; what it does comes back by a channel.
LITMUS(clean, timers) {
  for (int i = 0; i < 10; ++i) {
    int x = 0;
    weft::chan<void> end;
    planted_write(x, 1);
    auto timer = weft::after_func(1ms, [&x, end] {
      planted_add(x);
      end.close();
    });
    end.recv();
    require(planted_read(x) == 2, "it was called once");
  }
  weft::ticker tick(1ms);
  weft::wait_group all;
  all.go([&] {
    for (int i = 0; i < 5; ++i) static_cast<void>(tick.channel().recv());
  });
  all.go([] {
    for (int i = 0; i < 5; ++i) weft::sleep_for(100us);
  });
  all.wait();
  tick.stop();
}

LITMUS(clean, timer_functions_end_anywhere) {
  for (int i = 0; i < 20; ++i) {
    weft::chan<void> end;
    auto big = std::make_shared<std::vector<int>>(10);
    auto timer = weft::after_func(0ms, [big, end] {
      planted_write((*big)[0], 1);
      end.send();
    });
    big.reset();
    weft::go([timer, end] { end.recv(); });
  }
  weft::sleep_for(3ms);
}

LITMUS(clean, goroutine_locals) {
  static weft::local<int> mine;
  weft::wait_group all;
  for (int i = 0; i < 20; ++i)
    all.go([i] {
      *mine = i;
      weft::yield();
      require(planted_read(*mine) == i, "it is its own");
    });
  all.wait();
}

// Goroutines on one thread use its thread-locals one after the other, which is no race.
LITMUS(clean, thread_locals) {
  static thread_local int calls = 0;
  weft::wait_group all;
  for (int i = 0; i < 20; ++i)
    all.go([] {
      planted_add(calls);
      errno = 0;
      weft::yield();
    });
  all.wait();
}

LITMUS(clean, blocking_calls) {
  int x = 0;
  weft::wait_group all;
  weft::mutex m;
  for (int i = 0; i < 6; ++i)
    all.go([&] {
      weft::blocking([] { std::this_thread::sleep_for(1ms); });
      const std::lock_guard lock(m);
      planted_add(x);
    });
  all.wait();
  require(planted_read(x) == 6, "nothing was lost");
}

// The main thread of a program, and threads of its own, start goroutines and wait for them.
LITMUS(clean, plain_threads) {
  std::array<int, 4> cells{};
  std::vector<std::thread> threads;
  for (int& cell : cells)
    threads.emplace_back([&cell] {
      weft::wait_group all;
      planted_write(cell, 1);
      all.go([&cell] { planted_add(cell); });
      all.wait();
      planted_add(cell);
    });
  for (std::thread& each : threads) each.join();
  for (const int& cell : cells) require(planted_read(cell) == 3, "each in its turn");
}
