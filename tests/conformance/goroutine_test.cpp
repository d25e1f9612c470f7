// The rules of `go`: where arguments are evaluated, who owns them, how a goroutine ends, and defer.

#include <atomic>
#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

using weft_test::counted;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::scaled;

using Go = weft_test::fixture;
using ExitGoroutine = weft_test::fixture;
using Defer = weft_test::fixture;
using Errno = weft_test::fixture;

void send_sum(weft::chan<int> to, int a, int b) { to.send(a + b); }

struct adder {
  weft::chan<int> to;
  void add(int a, int b) const { to.send(a + b); }
};

TEST_F(Go, StartsAFunctionWithItsArguments) {
  everywhere([] {
    const weft::chan<int> c;
    weft::go(send_sum, c, 2, 3);
    EXPECT_EQ(c.recv(), 5);
    weft::go(&send_sum, c, 1, 1);
    EXPECT_EQ(c.recv(), 2);
    weft::go(&adder::add, adder{c}, 4, 5);
    EXPECT_EQ(c.recv(), 9);
    weft::go(weft::named("sum").stack(64 * 1024), send_sum, c, 7, 8);
    EXPECT_EQ(c.recv(), 15);
    weft::go(weft::goroutine_options().stack(16 * 1024), [=] { c.send(1); });
    EXPECT_EQ(c.recv(), 1);
    const std::function<void()> wrapped = [=] { c.send(11); };
    weft::go(wrapped);
    EXPECT_EQ(c.recv(), 11);
  });
}

TEST_F(Go, EvaluatesArgumentsInTheCaller) {
  everywhere([] {
    const weft::chan<std::pair<int, std::thread::id>> c;
    int i = 0;
    const auto evaluate = [&i] { return ++i; };
    weft::go([c](int v) { c.send({v, std::this_thread::get_id()}); }, evaluate());
    EXPECT_EQ(i, 1) << "not evaluated when go returned";
    i = 100;
    EXPECT_EQ(c.recv().value().first, 1);
  });
}

TEST_F(Go, CopiesItsArgumentsUnlessToldOtherwise) {
  everywhere([] {
    const weft::chan<int> c;
    int mine = 1;
    weft::go(
        [c](int copy) {
          copy = 2;
          c.send(copy);
        },
        mine);
    EXPECT_EQ(c.recv(), 2);
    EXPECT_EQ(mine, 1);
    weft::go(
        [c](int& reference) {
          reference = 3;
          c.send(reference);
        },
        std::ref(mine));
    EXPECT_EQ(c.recv(), 3);
    EXPECT_EQ(mine, 3);
  });
}

TEST_F(Go, TakesMoveOnlyFunctionsAndArguments) {
  everywhere([] {
    const weft::chan<int> c;
    weft::go([c, p = std::make_unique<int>(4)] { c.send(*p); });
    EXPECT_EQ(c.recv(), 4);
    weft::go([c](std::unique_ptr<int> p) { c.send(*p); }, std::make_unique<int>(5));
    EXPECT_EQ(c.recv(), 5);
  });
}

TEST_F(Go, DestroysTheClosureOnceAtItsEnd) {
  everywhere([] {
    const weft::chan<int> c;
    for (int i = 0; i < 20; ++i) {
      weft::go([c, v = counted(i)] { c.send(v.value()); });
      weft::go([c](const counted& v) { c.send(v.value()); }, counted(i));
      EXPECT_EQ(c.recv().value() + c.recv().value(), 2 * i);
    }
    EXPECT_TRUE(eventually([] { return counted::alive() == 0; }));
    EXPECT_EQ(counted::strays(), 0);
  });
}

TEST_F(Go, DiscardsTheResult) {
  everywhere([] {
    const weft::chan<void> ran;
    weft::go([=] {
      ran.send();
      return 5;
    });
    EXPECT_TRUE(ran.recv());
  });
}

TEST_F(Go, ReturnsWithoutWaiting) {
  everywhere([] {
    const weft::chan<void> gate;
    const weft::chan<void> passed(10);
    for (int i = 0; i < 10; ++i)
      weft::go([=] {
        gate.recv();
        passed.send();
      });
    EXPECT_EQ(passed.size(), 0U);
    gate.close();
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(passed.recv());
  });
}

TEST_F(Go, LargeClosuresTravelWhole) {
  everywhere([] {
    const weft::chan<bool> whole;
    weft::go([whole, big = weft_test::large(9)] { whole.send(big.is(9)); });
    EXPECT_EQ(whole.recv(), true);
  });
}

TEST_F(Go, StackOfTheSizeAskedForIsUsable) {
  everywhere([] {
    const weft::chan<int> c;
    weft::go(weft::named("deep").stack(2 * 1024 * 1024), [=] {
      volatile char deep[1024 * 1024];
      for (std::size_t i = 0; i < sizeof deep; i += 1024) deep[i] = 1;
      int sum = 0;
      for (std::size_t i = 0; i < sizeof deep; i += 1024) sum += deep[i];
      c.send(sum);
    });
    EXPECT_EQ(c.recv(), 1024);
  });
}

TEST_F(Go, ManyGoroutinesEachRunOnce) {
  everywhere([] {
    const int count = weft_test::sanitized ? 1000 : 20'000;
    std::vector<std::atomic<int>> runs(static_cast<std::size_t>(count));
    weft::wait_group all;
    for (std::atomic<int>& r : runs) all.go([&r] { ++r; });
    all.wait();
    for (const std::atomic<int>& r : runs) ASSERT_EQ(r, 1);
  });
}

TEST_F(Go, GoroutinesStartGoroutines) {
  everywhere([] {
    std::atomic<int> leaves{0};
    weft::wait_group all;
    std::function<void(int)> grow = [&](int depth) {
      if (depth == 0) {
        ++leaves;
        return;
      }
      for (int i = 0; i < 2; ++i) all.go([&grow, depth] { grow(depth - 1); });
    };
    grow(9);
    all.wait();
    EXPECT_EQ(leaves, 512);
  });
}

TEST_F(ExitGoroutine, RunsDestructorsAndDefersInReverse) {
  everywhere([] {
    const weft::chan<int> order(3);
    weft::go([=] {
      weft::defer first{[&] { order.send(1); }};
      weft::defer second{[&] { order.send(2); }};
      [&] {
        weft::defer third{[&] { order.send(3); }};
        weft::exit_goroutine();
      }();
      ADD_FAILURE() << "exit_goroutine returned";
    });
    for (const int expected : {3, 2, 1}) EXPECT_EQ(order.recv(), expected);
  });
}

TEST_F(ExitGoroutine, EndsOnlyTheCaller) {
  everywhere([] {
    const weft::chan<int> c;
    weft::go([=] {
      for (int i = 0; i < 3; ++i) c.send(i);
      c.close();
    });
    weft::go([] { weft::exit_goroutine(); });
    int expected = 0;
    for (const int v : c) EXPECT_EQ(v, expected++);
    EXPECT_EQ(expected, 3);
  });
}

TEST_F(ExitGoroutine, DestroysTheClosure) {
  everywhere([] {
    weft::go([v = counted(1)] { weft::exit_goroutine(); });
    EXPECT_TRUE(eventually([] { return counted::alive() == 0; }));
  });
}

TEST_F(ExitGoroutine, IsNoStandardException) {
  everywhere([] {
    const weft::chan<std::string> caught(1);
    weft::go([=] {
      weft::defer at_end{[&] { caught.try_send("nothing"); }};
      try {
        weft::exit_goroutine();
      } catch (const std::exception&) {
        caught.send("a std::exception");
      }
    });
    EXPECT_EQ(caught.recv(), "nothing");
  });
}

TEST_F(ExitGoroutine, MayParkInItsDestructors) {
  everywhere([] {
    const weft::chan<int> c;
    weft::go([=] {
      weft::defer park{[&] {
        c.send(1);
        weft::yield();
        c.send(2);
      }};
      weft::exit_goroutine();
    });
    EXPECT_EQ(c.recv(), 1);
    EXPECT_EQ(c.recv(), 2);
  });
}

TEST_F(ExitGoroutine, ExceptionHandledInADeferDoesNotCancelIt) {
  everywhere([] {
    const weft::chan<int> c(2);
    weft::go([=] {
      weft::defer end{[&] { c.send(2); }};
      weft::defer handle{[&] {
        try {
          throw 1;
        } catch (int v) {
          c.send(v);
        }
      }};
      weft::exit_goroutine();
    });
    EXPECT_EQ(c.recv(), 1);
    EXPECT_EQ(c.recv(), 2);
  });
}

TEST_F(Defer, RunsAtTheEndOfItsScopeInReverseOrder) {
  std::string order;
  {
    weft::defer a{[&] { order += 'a'; }};
    weft::defer b{[&] { order += 'b'; }};
    order += '-';
  }
  EXPECT_EQ(order, "-ba");
  try {
    weft::defer c{[&] { order += 'c'; }};
    throw 1;
  } catch (int) {
    order += '!';
  }
  EXPECT_EQ(order, "-bac!");
}

// Never inlined: the compiler may keep errno's address across a park, and the thread changes.
[[gnu::noinline]] void write_errno(int value) {
  asm volatile("" ::: "memory");
  errno = value;
}
[[gnu::noinline]] int read_errno() {
  asm volatile("" ::: "memory");
  return errno;
}

TEST_F(Errno, BelongsToTheGoroutineAcrossParks) {
  everywhere([] {
    weft::wait_group all;
    const weft::chan<int> c;
    for (int g = 1; g <= 16; ++g)
      all.go([=] {
        write_errno(g);
        for (int i = 0; i < scaled(200); ++i) {
          if (g % 2 == 0)
            weft::yield();
          else if (g % 4 == 1)
            c.send(i);
          else
            c.recv();
          ASSERT_EQ(read_errno(), g);
        }
      });
    all.wait();
  });
}

}  // namespace
