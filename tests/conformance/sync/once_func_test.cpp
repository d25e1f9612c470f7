// The rules of once_func and once_value, and what Go's own oncefunc_test asserts.

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>

#include "weft_test.hpp"

namespace {

using weft_test::everywhere;
using weft_test::scaled;
using weft_test::what_thrown;

using OnceFunc = weft_test::fixture;
using GoOnceFuncTest = weft_test::fixture;

TEST_F(OnceFunc, CopiesShareTheOneRun) {
  everywhere([] {
    int runs = 0;
    const auto f = weft::once_func([&] { ++runs; });
    const auto g = f;  // NOLINT: the copy is the test
    const std::function<void()> h = g;
    f();
    g();
    h();
    EXPECT_EQ(runs, 1);
  });
}

TEST_F(OnceFunc, ConcurrentCallsRunItOnceAndWait) {
  everywhere([] {
    for (int round = 0; round < scaled(200); ++round) {
      int runs = 0;
      const auto value = weft::once_value([&] {
        weft::yield();
        return std::to_string(++runs);
      });
      const weft::wait_group wg;
      for (int i = 0; i < 8; ++i) wg.go([=] { ASSERT_EQ(value(), "1"); });
      wg.wait();
    }
  });
}

TEST_F(OnceFunc, TakesMoveOnlyFunctionsAndValues) {
  const auto value =
      weft::once_value([p = std::make_unique<int>(7)]() mutable { return std::move(p); });
  EXPECT_EQ(*value(), 7);
  EXPECT_EQ(&value(), &value()) << "it is the kept one";
}

TEST_F(OnceFunc, RejectsANullFunction) {
  EXPECT_THROW(static_cast<void>(weft::once_func(std::function<void()>())), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(weft::once_value(std::function<int()>())), std::invalid_argument);
}

TEST_F(GoOnceFuncTest, OnceFunc) {
  everywhere([] {
    int calls = 0;
    const auto f = weft::once_func([&] { ++calls; });
    EXPECT_EQ(calls, 0) << "it ran before it was called";
    for (int i = 0; i < 3; ++i) f();
    EXPECT_EQ(calls, 1);
  });
}

TEST_F(GoOnceFuncTest, OnceValue) {
  everywhere([] {
    int calls = 0;
    const auto f = weft::once_value([&] { return ++calls; });
    for (int i = 0; i < 3; ++i) EXPECT_EQ(f(), 1);
    EXPECT_EQ(calls, 1);
  });
}

TEST_F(GoOnceFuncTest, OnceValues) {
  everywhere([] {
    int calls = 0;
    const auto f = weft::once_value([&] {
      ++calls;
      return std::tuple(calls, calls + 1);
    });
    for (int i = 0; i < 3; ++i) {
      const auto& [a, b] = f();
      EXPECT_EQ(a, 1);
      EXPECT_EQ(b, 2);
    }
    EXPECT_EQ(calls, 1);
  });
}

/// Every call rethrows the very same exception.
template <class F>
void expect_same_exception_each_time(F f, const int& calls) {
  const std::runtime_error* first = nullptr;
  for (int i = 0; i < 3; ++i) {
    try {
      static_cast<void>(f());
      ADD_FAILURE() << "did not throw";
    } catch (const std::runtime_error& e) {
      EXPECT_STREQ(e.what(), "x");
      if (!first) first = &e;
      EXPECT_EQ(first, &e);
    }
  }
  EXPECT_EQ(calls, 1);
}

TEST_F(GoOnceFuncTest, OnceFuncPanic) {
  everywhere([] {
    int calls = 0;
    expect_same_exception_each_time(weft::once_func([&] {
                                      ++calls;
                                      throw std::runtime_error("x");
                                    }),
                                    calls);
  });
}

TEST_F(GoOnceFuncTest, OnceValuePanic) {
  everywhere([] {
    int calls = 0;
    expect_same_exception_each_time(weft::once_value([&]() -> int {
                                      ++calls;
                                      throw std::runtime_error("x");
                                    }),
                                    calls);
  });
}

TEST_F(GoOnceFuncTest, OnceValuesPanic) {
  everywhere([] {
    int calls = 0;
    expect_same_exception_each_time(weft::once_value([&]() -> std::tuple<int, int> {
                                      ++calls;
                                      throw std::runtime_error("x");
                                    }),
                                    calls);
  });
}

/// Go: a panic with a nil value is a panic all the same. Here: any type may be thrown.
TEST_F(GoOnceFuncTest, OnceFuncPanicNil) {
  everywhere([] {
    int calls = 0;
    const auto f = weft::once_func([&] {
      ++calls;
      throw nullptr;
    });
    for (int i = 0; i < 2; ++i) EXPECT_THROW(f(), std::nullptr_t);
    EXPECT_EQ(calls, 1);
  });
}

TEST_F(GoOnceFuncTest, OnceFuncGoexit) {
  everywhere([] {
    int calls = 0;
    const auto f = weft::once_func([&] {
      ++calls;
      weft::exit_goroutine();
    });
    const weft::wait_group wg;
    wg.go([=] {
      f();
      ADD_FAILURE() << "came back";
    });
    wg.wait();
    EXPECT_EQ(what_thrown<std::runtime_error>(f),
              "weft::once_func: the function ended its goroutine (exit_goroutine)");
    EXPECT_EQ(calls, 1);
  });
}

/// Go: f can be collected after its first call, returned or panicked. Here: it is destroyed.
TEST_F(GoOnceFuncTest, OnceXGC) {
  everywhere([] {
    const auto token = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = token;
    const auto kept = [&] { return watch.use_count() > 1; };
    const auto returns = weft::once_func([owner = token] {});
    EXPECT_TRUE(kept());
    returns();
    EXPECT_FALSE(kept());
    const auto throws = weft::once_func([owner = token] { throw 1; });
    EXPECT_THROW(throws(), int);
    EXPECT_FALSE(kept());
    const auto value = weft::once_value([owner = token] { return *owner; });
    EXPECT_EQ(value(), 1);
    EXPECT_FALSE(kept());
    EXPECT_EQ(value(), 1);
  });
}

}  // namespace
