// The rules of parallel_invoke.
#include <weft/tasks/parallel.hpp>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

using weft_test::everywhere;
using weft_test::on_goroutine;
using weft_test::on_one_processor;
using weft_test::what_thrown;

using ParallelInvoke = weft_test::fixture;

TEST_F(ParallelInvoke, CallsEachOnce) {
  everywhere([] {
    int a = 0;
    int b = 0;
    int c = 0;
    weft::parallel_invoke([&] { ++a; }, [&] { ++b; }, [&] { return ++c; });
    EXPECT_EQ(a + b * 10 + c * 100, 111);
    weft::parallel_invoke([&] { ++a; });
    EXPECT_EQ(a, 2);
  });
}

int plain_calls = 0;
void plain_function() { ++plain_calls; }

TEST_F(ParallelInvoke, CallsPlainFunctions) {
  everywhere([] {
    plain_calls = 0;
    void (*const pointer)() = plain_function;
    weft::parallel_invoke(plain_function);
    weft::parallel_invoke(pointer, [] {});
    EXPECT_EQ(plain_calls, 2);
  });
}

TEST_F(ParallelInvoke, InOrderOnOneProcessor) {
  on_one_processor([] {
    std::string order;
    weft::parallel_invoke([&] { order += 'a'; }, [&] { order += 'b'; }, [&] { order += 'c'; });
    EXPECT_EQ(order, "abc");
  });
}

TEST_F(ParallelInvoke, TheFunctionsMayWaitForEachOther) {
  everywhere([] {
    const weft::chan<int> there;
    const weft::chan<int> back;
    int got = 0;
    weft::parallel_invoke([&] { got = *back.recv(); }, [&] { back.send(*there.recv() + 1); },
                          [&] { there.send(1); });
    EXPECT_EQ(got, 2);
  });
}

TEST_F(ParallelInvoke, TheFunctionsAreNotCopied) {
  everywhere([] {
    struct only_here {
      int calls = 0;
      only_here() = default;
      only_here(const only_here&) = delete;
      void operator()() { ++calls; }
    } f;
    weft::parallel_invoke(f, [] {});
    EXPECT_EQ(f.calls, 1);
  });
}

TEST_F(ParallelInvoke, ThrowsTheFirstInOrderWhenAllHaveEnded) {
  everywhere([] {
    std::atomic<int> ended{0};
    const auto fails = [&](const char* words) {
      return [&ended, words] {
        weft::yield();
        ++ended;
        throw std::runtime_error(words);
      };
    };
    const auto slow = [&] {
      weft_test::let_others_run();
      ++ended;
    };
    EXPECT_EQ(what_thrown<std::runtime_error>(
                  [&] { weft::parallel_invoke(slow, fails("a"), fails("b"), slow); }),
              "a");
    EXPECT_EQ(ended, 4);
    EXPECT_EQ(what_thrown<std::runtime_error>(
                  [&] { weft::parallel_invoke(fails("own"), fails("other")); }),
              "own");
  });
}

TEST_F(ParallelInvoke, ExitGoroutineIsATaskThatExited) {
  on_goroutine([] {
    EXPECT_THROW(weft::parallel_invoke([] { weft::exit_goroutine(); }, [] {}), weft::task_exited);
    EXPECT_THROW(weft::parallel_invoke([] {}, [] { weft::exit_goroutine(); }), weft::task_exited);
  });
}

int sum(int from, int to) {
  if (to - from == 1) return from;
  int left = 0;
  int right = 0;
  const int middle = from + (to - from) / 2;
  weft::parallel_invoke([&] { left = sum(from, middle); }, [&] { right = sum(middle, to); });
  return left + right;
}

TEST_F(ParallelInvoke, Nests) {
  everywhere([] { EXPECT_EQ(sum(0, 1'000), 499'500); });
}

}  // namespace
