// The rules of once, and what Go's own once_test asserts.

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "weft_test.hpp"

namespace {

using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::scaled;
using weft_test::what_thrown;

using Once = weft_test::fixture;
using GoOnceTest = weft_test::fixture;
using MemoryModel = weft_test::fixture;

constinit weft::once at_load_time;

TEST_F(Once, IsMadeByTheCompiler) {
  bool ran = false;
  at_load_time.call([&] { ran = true; });
  EXPECT_TRUE(ran);
}

TEST_F(Once, TheOthersReturnWhenTheFirstHasEnded) {
  everywhere([] {
    weft::once once;
    weft::event begun;
    weft::event end;
    std::atomic<int> returned{0};
    const weft::wait_group wg;
    wg.go([&] {
      once.call([&] {
        begun.set();
        end.wait();
      });
    });
    begun.wait();
    for (int i = 0; i < 5; ++i)
      wg.go([&] {
        once.call([] { ADD_FAILURE() << "ran twice"; });
        ++returned;
      });
    std::thread plain([&] {
      once.call([] { ADD_FAILURE() << "ran twice"; });
      ++returned;
    });
    let_others_run();
    EXPECT_EQ(returned, 0);
    end.set();
    wg.wait();
    plain.join();
    EXPECT_EQ(returned, 6);
  });
}

TEST_F(Once, AnExceptionGoesToTheCallerThatRanItAndToNobodyElse) {
  everywhere([] {
    weft::once once;
    weft::event begun;
    weft::event end;
    const weft::wait_group wg;
    wg.go([&] {
      EXPECT_EQ(what_thrown<std::runtime_error>([&] {
                  once.call([&] {
                    begun.set();
                    end.wait();
                    throw std::runtime_error("from f");
                  });
                }),
                "from f");
    });
    begun.wait();
    wg.go([&] { EXPECT_NO_THROW(once.call([] { ADD_FAILURE() << "ran twice"; })); });
    let_others_run();
    end.set();
    wg.wait();
    once.call([] { ADD_FAILURE() << "ran twice"; });
  });
}

TEST_F(Once, ExitGoroutineCountsAsDone) {
  everywhere([] {
    weft::once once;
    const weft::wait_group wg;
    wg.go([&] {
      once.call([] { weft::exit_goroutine(); });
      ADD_FAILURE() << "came back";
    });
    wg.wait();
    once.call([] { ADD_FAILURE() << "ran twice"; });
  });
}

TEST_F(Once, BoundedCallsRunTheFunctionThemselvesIfNobodyDoes) {
  using namespace std::chrono_literals;
  everywhere([] {
    int runs = 0;
    const auto f = [&] { ++runs; };
    weft::once a;
    EXPECT_TRUE(a.call_for(-1s, f)) << "the bound is for waiting, not for running";
    EXPECT_TRUE(a.call_for(-1s, f));
    weft::once b;
    EXPECT_TRUE(b.call_until(weft::clock::now() - 1h, f));
    weft::once c;
    std::stop_source source;
    EXPECT_TRUE(c.call(source.get_token(), f));
    weft::once d;
    source.request_stop();
    EXPECT_FALSE(d.call(source.get_token(), f));
    EXPECT_EQ(runs, 3);
    d.call(f);
    EXPECT_EQ(runs, 4) << "the cancelled call has used it up";
  });
}

TEST_F(Once, TakesFunctionsAsTheyCome) {
  struct only_rvalue {
    int* runs;
    void operator()() && { ++*runs; }
  };
  int runs = 0;
  weft::once a;
  a.call(only_rvalue{&runs});
  weft::once b;
  auto lvalue = [&runs, owner = std::make_unique<int>(1)] { runs += *owner; };
  b.call(lvalue);
  lvalue();
  EXPECT_EQ(runs, 3);
}

TEST_F(GoOnceTest, Once) {
  everywhere([] {
    for (int round = 0; round < scaled(200); ++round) {
      weft::once once;
      int count = 0;
      const weft::wait_group wg;
      for (int i = 0; i < 10; ++i)
        wg.go([&] {
          once.call([&] { ++count; });
          EXPECT_EQ(count, 1);
        });
      wg.wait();
      ASSERT_EQ(count, 1);
    }
  });
}

TEST_F(GoOnceTest, OncePanic) {
  everywhere([] {
    weft::once once;
    EXPECT_EQ(what_thrown<std::runtime_error>(
                  [&] { once.call([] { throw std::runtime_error("failed"); }); }),
              "failed");
    once.call([] { ADD_FAILURE() << "once.call called twice"; });
  });
}

/// The completion of the one f of once.Do(f) is synchronized before the return of any call of Do.
/// TSan sees it if not.
TEST_F(MemoryModel, OnceFunctionBeforeEveryReturn) {
  everywhere([] {
    for (int round = 0; round < scaled(500); ++round) {
      weft::once once;
      std::string text;
      const auto set_up = [&] { text = "hello, world"; };
      const weft::wait_group wg;
      for (int i = 0; i < 3; ++i)
        wg.go([&] {
          once.call(set_up);
          ASSERT_EQ(text, "hello, world");
        });
      std::thread plain([&] {
        once.call(set_up);
        ASSERT_EQ(text, "hello, world");
      });
      wg.wait();
      plain.join();
    }
  });
}

}  // namespace
