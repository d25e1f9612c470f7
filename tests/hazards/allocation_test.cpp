// Every allocation of every operation that allocates fails once, first on the calling thread, then
// anywhere in the process: the caller gets std::bad_alloc or the operation goes through, nothing is
// half done, nothing leaks, no goroutine is lost. What tests/unit/api/allocation_failure_test.cpp
// tries (go, channels, timers, contexts) is not repeated.
#include <array>
#include <csignal>
#include <functional>
#include <memory>
#include <new>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "failing_memory.hpp"
#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using hazards::blocks_alive;
using hazards::fail_allocation;
using hazards::whose;
using weft_test::eventually;

using Out_of_memory = weft_test::fixture;

const std::string long_text(100, 'x');
struct payload {
  std::array<char, 500> bytes{};
};

/// Runs `operation` with its n-th allocation failing. Returns: whether none was left to fail.
template <class F>
bool survives(int n, whose scope, F& operation) {
  fail_allocation(n, scope);
  try {
    operation();
  } catch (const std::bad_alloc&) {
  }
  const bool failed = hazards::has_failed();
  fail_allocation(0, scope);
  return !failed;
}

bool comes_back_to(long blocks) {
  return eventually([] { return weft::num_goroutines() == 0; }) && [&] {
    for (int i = 0; i < 20; ++i) {
      if (blocks_alive() <= blocks) return true;
      weft::sleep_for(1ms);  // an end is counted before its memory is given back
    }
    return false;
  }();
}

/// The runtime takes memory for good now and then, and each processor keeps 64 small blocks: what
/// leaks does so every time.
template <class F>
bool leaks(int n, whose scope, F& operation, bool& through) {
  for (int attempt = 0; attempt < 150; ++attempt) {
    const long before = blocks_alive();
    through = survives(n, scope, operation);
    if (comes_back_to(before)) return false;
  }
  return true;
}

void expect_the_runtime_at_work() {
  std::atomic<int> ran{0};
  const weft::wait_group wg;
  for (int i = 0; i < 50; ++i)
    wg.go([&] {
      weft::yield();
      ran.fetch_add(1);
    });
  wg.wait();
  EXPECT_EQ(ran.load(), 50);
}

/// Returns: how many allocations the operation makes on its own thread.
template <class F>
int fail_everywhere(F operation) {
  int made = 0;
  for (int i = 0; i < 3; ++i) operation();
  for (const whose scope : {whose::this_thread, whose::everybody}) {
    int n = 1;
    for (bool through = false; !through && n < 400; ++n)
      EXPECT_FALSE(leaks(n, scope, operation, through)) << "when allocation " << n << " failed";
    EXPECT_LT(n, 400);
    if (scope == whose::this_thread) made = n - 2;
    expect_the_runtime_at_work();
  }
  return made;
}

TEST_F(Out_of_memory, local) {
  EXPECT_GE(fail_everywhere([] { const weft::local<int> unused; }), 0);
  static const weft::local<std::string> text([] { return long_text; });
  EXPECT_GE(fail_everywhere([] {
              try {
                EXPECT_EQ(text->size(), 100U);
              } catch (const std::bad_alloc&) {
                EXPECT_FALSE(text.has_value());
                throw;
              }
              text.reset();
            }),
            2);
  const auto in_goroutine = [] {
    const weft::wait_group wg;
    wg.go([] {
      try {
        EXPECT_EQ(text->size(), 100U);
      } catch (const std::bad_alloc&) {
        EXPECT_FALSE(text.has_value());
      }
    });
    wg.wait();
  };
  fail_everywhere(in_goroutine);
}

TEST_F(Out_of_memory, names_and_labels) {
  weft::this_goroutine::set_label("always", "there");
  const auto label = [] {
    try {
      weft::this_goroutine::set_label("request", long_text);
    } catch (const std::bad_alloc&) {
      EXPECT_FALSE(weft::this_goroutine::label("request"));
      EXPECT_EQ(weft::this_goroutine::label("always"), "there");
      throw;
    }
    const weft::wait_group wg;
    struct unlabel {
      ~unlabel() {
        for (bool done = false; !done;) try {
            weft::this_goroutine::clear_label("request");
            done = true;
          } catch (const std::bad_alloc&) {
            EXPECT_EQ(weft::this_goroutine::label("request"), long_text);
          }
      }
    } const at_end;
    wg.go([] { EXPECT_EQ(weft::this_goroutine::label("request"), long_text); });
    wg.wait();
    EXPECT_EQ(weft::this_goroutine::labels().size(), 2U);
  };
  EXPECT_GE(fail_everywhere(label), 3);
  EXPECT_GE(fail_everywhere([] { const weft::this_goroutine::with_label l("k", long_text); }), 2);
  weft::this_goroutine::clear_label("always");
}

TEST_F(Out_of_memory, once_func_and_once_value) {
  EXPECT_GE(fail_everywhere([] {
              int runs = 0;
              const auto f = weft::once_func([&] { ++runs; });
              f();
              f();
              EXPECT_EQ(runs, 1);
            }),
            1);
  EXPECT_GE(fail_everywhere([] {
              const auto f = weft::once_value([] { return std::string(long_text); });
              EXPECT_EQ(f().size(), 100U);  // it throws each time if it threw once
            }),
            2);
}

TEST_F(Out_of_memory, tasks) {
  EXPECT_GE(fail_everywhere([] { EXPECT_EQ(weft::spawn([] { return 3; }).get(), 3); }), 1);
  EXPECT_GE(fail_everywhere([] {
              auto t = weft::spawn([p = payload()] { return sizeof p; });
              EXPECT_EQ(t.get(), 500U);
            }),
            1);
  EXPECT_GE(fail_everywhere([] {
              auto t = weft::spawn([] { return std::string(long_text); });
              EXPECT_EQ(t.get().size(), 100U);
            }),
            1);
}

TEST_F(Out_of_memory, when_all_and_when_any) {
  EXPECT_GE(fail_everywhere([] {
              auto a = weft::spawn([] { return 1; });
              auto b = weft::spawn([] { return 2; });
              EXPECT_LT(weft::when_any(a, b), 2U);
              const auto [x, y] = weft::when_all(a, b);
              EXPECT_EQ(x + y, 3);
            }),
            2);
}

TEST_F(Out_of_memory, task_group) {
  EXPECT_GE(fail_everywhere([] {
              std::atomic<int> ran{0};
              int started = 0;
              weft::task_group g;
              try {
                for (; started < 4; ++started) g.go([&, p = payload()] { ran += p.bytes[0] + 1; });
              } catch (const std::bad_alloc&) {
                g.wait();
                EXPECT_EQ(ran.load(), started);
                throw;
              }
              g.wait();
              EXPECT_EQ(ran.load(), 4);
            }),
            5);
  const auto parent = weft::with_cancel(weft::background());
  EXPECT_GE(fail_everywhere([&] {
              weft::task_group g(parent.ctx);
              g.set_limit(2);
              try {
                for (int i = 0; i < 4; ++i) g.go([](const weft::context& c) { c.err(); });
                static_cast<void>(g.context());
              } catch (const std::bad_alloc&) {
                g.wait();
                throw;
              }
              g.wait();
            }),
            2);
}

TEST_F(Out_of_memory, parallel_algorithms) {
  for (const int procs : {1, 4}) {
    const weft_test::procs_scope scope(procs);
    std::vector<int> numbers(20'000);
    std::atomic<long> sum{0};
    fail_everywhere([&] {
      sum.store(0);
      weft::parallel_for(
          0, 1'000, [&](int i) { sum.fetch_add(i); }, 10);
      EXPECT_EQ(sum.load(), 499'500);
    });
    fail_everywhere([&] {
      EXPECT_EQ(weft::parallel_reduce(0, 1'000, 0L, std::plus<>(), [](int i) { return long{i}; }),
                499'500);
    });
    fail_everywhere([&] {
      std::iota(numbers.rbegin(), numbers.rend(), 0);
      long total = 0;
      try {
        weft::parallel_sort(numbers);
        EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
      } catch (const std::bad_alloc&) {
        for (const int each : numbers) total += each;
        EXPECT_EQ(total, 20'000L * 19'999 / 2) << "an element was lost";
        throw;
      }
    });
    fail_everywhere([] {
      std::atomic<int> ran{0};
      weft::parallel_invoke([&] { ++ran; }, [&] { ++ran; }, [&] { ++ran; });
      EXPECT_EQ(ran.load(), 3);
    });
    fail_everywhere([&] {
      const auto squares =
          weft::parallel_map(std::span(numbers.data(), 300), [](int i) { return i; });
      EXPECT_EQ(squares.size(), 300U);
    });
  }
}

TEST_F(Out_of_memory, broadcast_and_watch) {
  EXPECT_GE(fail_everywhere([] {
              const weft::broadcast<std::string> news(4);
              const auto one = news.subscribe();
              const auto two = news.subscribe();
              try {
                news.send(long_text);
              } catch (const std::bad_alloc&) {
                EXPECT_FALSE(one.try_recv() || two.try_recv()) << "somebody got it";
                throw;
              }
              EXPECT_EQ(one.recv().value(), long_text);
              EXPECT_EQ(two.recv().value(), long_text);
            }),
            5);
  EXPECT_GE(fail_everywhere([] {
              const weft::watch<std::string> state("first");
              const auto in = state.subscribe();
              EXPECT_EQ(in.recv().value(), "first");
              try {
                state.send(long_text);
              } catch (const std::bad_alloc&) {
                EXPECT_EQ(state.value(), "first");
                throw;
              }
              EXPECT_EQ(state.value(), long_text);
            }),
            4);
}

TEST_F(Out_of_memory, unbounded_and_oneshot) {
  EXPECT_GE(fail_everywhere([] {
              const weft::unbounded_chan<std::unique_ptr<int>> c;
              int sent = 0;
              for (; sent < 100; ++sent) {
                auto v = std::make_unique<int>(sent);
                try {
                  c.send(std::move(v));
                } catch (const std::bad_alloc&) {
                  EXPECT_TRUE(v && *v == sent) << "the value is gone";
                  break;
                }
              }
              for (int i = 0; i < sent; ++i) EXPECT_EQ(*c.recv().value(), i);
            }),
            2);
  EXPECT_GE(fail_everywhere([] {
              const weft::oneshot<std::string> answer;
              answer.send(std::string(long_text));
              EXPECT_EQ(answer.recv().value().size(), 100U);
            }),
            1);
}

/// More cases than fit on the stack.
TEST_F(Out_of_memory, select_with_many_cases) {
  std::vector<weft::chan<int>> channels;
  for (int i = 0; i < 24; ++i) channels.emplace_back(1);
  EXPECT_GE(fail_everywhere([&] {
              weft::selector s;
              int got = 0;
              for (const auto& c : channels)
                s.add(weft::on_recv(c, [&](std::optional<int> v) { got = v.value_or(-1); }));
              channels[17].send(5);
              try {
                EXPECT_EQ(s.select(), 17U);
              } catch (const std::bad_alloc&) {
                EXPECT_EQ(channels[17].try_recv().value(), 5) << "the value is gone";
                throw;
              }
              EXPECT_EQ(got, 5);
            }),
            20);
  for (const auto& c : channels) static_cast<void>(c.try_recv());
}

TEST_F(Out_of_memory, timers_that_fire) {
  fail_everywhere([] {
    const weft::chan<void> called(1);
    const weft::timer t = weft::after_func(1us, [called] { called.send(); });
    called.recv();
  });
  fail_everywhere([] {
    const weft::ticker t(10us);
    t.channel().recv();
    t.channel().recv();
  });
  fail_everywhere([] { EXPECT_TRUE(weft::after(1us).recv()); });
  const auto parent = weft::with_cancel(weft::background());
  fail_everywhere([&] {
    const auto [ctx, cancel] = weft::with_timeout(parent.ctx, 1us);
    ctx.done().recv();
    EXPECT_EQ(ctx.err(), weft::context_errc::deadline_exceeded);
  });
}

TEST_F(Out_of_memory, context_values_and_calls) {
  static const weft::context_key<std::string> key;
  fail_everywhere([] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    const weft::context inner = weft::with_value(ctx, key, long_text);
    const weft::context deep = weft::with_value(weft::with_cancel(inner).ctx, key, "deep");
    EXPECT_EQ(*inner.value(key), long_text);
    const weft::chan<void> called(1);
    const auto stop = weft::after_func(inner, [called] { called.send(); });
    cancel();
    called.recv();
  });
}

TEST_F(Out_of_memory, notify_context) {
  EXPECT_GE(fail_everywhere([] {
              const auto [ctx, stop] = weft::notify_context(weft::background(), {SIGUSR2, SIGURG});
              EXPECT_FALSE(ctx.cancelled());
            }),
            2);
  struct sigaction now {};
  ::sigaction(SIGUSR2, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_DFL) << "a signal is still taken";
}

TEST_F(Out_of_memory, single_flight) {
  weft::single_flight<std::string, std::string> flights;
  EXPECT_GE(fail_everywhere([&] {
              const auto result = flights.call(long_text, [] { return std::string(long_text); });
              EXPECT_EQ(result.value.size(), 100U);
            }),
            2);
  EXPECT_GE(fail_everywhere([&] {
              const auto result =
                  flights.call_for(1h, long_text, [] { return std::string(long_text); });
              EXPECT_EQ(result->value.size(), 100U);
            }),
            3);
}

TEST_F(Out_of_memory, pool) {
  EXPECT_GE(fail_everywhere([] {
              weft::pool<std::string> strings([] { return std::string(long_text); });
              std::string one = strings.get();
              try {
                strings.put(std::move(one));
              } catch (const std::bad_alloc&) {
                EXPECT_EQ(one.size(), 100U);
                throw;
              }
              EXPECT_EQ(strings.get().size(), 100U);
            }),
            3);
}

TEST_F(Out_of_memory, dumps) {
  const weft::chan<void> gate;
  fail_everywhere([] {
    std::ostringstream out;
    weft::dump(out);
  });
}

}  // namespace
