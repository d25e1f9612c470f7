// The rules of single_flight, and what the tests of golang.org/x/sync/singleflight assert.

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::let_others_run;
using weft_test::scaled;
using weft_test::what_thrown;

using SingleFlight = weft_test::fixture;
using GoSingleFlightTest = weft_test::fixture;
using flights = weft::single_flight<std::string, std::string>;

/// A function that waits inside until it is told what to do.
class slow {
 public:
  std::function<std::string()> returning(std::string value) {
    return [this, value = std::move(value)] {
      ++runs;
      begun.set();
      end.wait();
      return value;
    };
  }
  weft::event begun;
  weft::event end;
  std::atomic<int> runs{0};
};

/// Holds the exceptions that several callers share until all have ended: libstdc++ counts their
/// users where TSan does not look, and the last one destroys what the others have read.
class exceptions_kept {
 public:
  /// The text of the exception that `f` throws; "" if it throws none.
  template <class F>
  std::string what_thrown(F f) {
    try {
      f();
    } catch (const std::exception& e) {
      const std::lock_guard guard(lock_);
      all_.push_back(std::current_exception());
      return e.what();
    }
    return {};
  }

 private:
  std::mutex lock_;
  std::vector<std::exception_ptr> all_;
};

TEST_F(SingleFlight, DifferentKeysRunTogether) {
  everywhere([] {
    flights g;
    slow a;
    const weft::wait_group wg;
    wg.go([&] { EXPECT_EQ(g.call("a", a.returning("A")).value, "A"); });
    a.begun.wait();
    EXPECT_EQ(g.call("b", [] { return "B"; }).value, "B");
    a.end.set();
    wg.wait();
  });
}

TEST_F(SingleFlight, KeepsNothing) {
  everywhere([] {
    flights g;
    int runs = 0;
    for (int i = 1; i <= 3; ++i) {
      const auto r = g.call("key", [&] { return std::to_string(++runs); });
      EXPECT_EQ(r.value, std::to_string(i));
      EXPECT_FALSE(r.shared);
    }
  });
}

TEST_F(SingleFlight, ACallerThatGivesUpLeavesTheFlightToTheOthers) {
  everywhere([] {
    flights g;
    slow f;
    std::stop_source source;
    const weft::wait_group first;
    first.go([&] { EXPECT_FALSE(g.call(source.get_token(), "key", f.returning("v"))); });
    f.begun.wait();
    const weft::wait_group others;
    source.request_stop();
    first.wait();
    EXPECT_FALSE(g.call_for(1ms, "key", f.returning("another")));
    EXPECT_EQ(f.runs, 1) << "the flight that was left alone had ended";
    std::atomic<int> joined{0};
    const auto join = [&](const std::string& value) { joined += value == "v"; };
    others.go([&] { join(g.call("key", f.returning("late")).value); });
    others.go([&] { join(g.call_for(1h, "key", f.returning("late"))->value); });
    let_others_run();
    f.end.set();
    others.wait();
    EXPECT_GE(joined + f.runs, 3) << "who did not join ran its own";
  });
}

TEST_F(SingleFlight, AFlightMayOutliveItsCallersAndTheObject) {
  everywhere([] {
    const auto f = std::make_shared<slow>();
    {
      flights g;
      EXPECT_FALSE(g.call_for(1ms, "key", [f] { return f->returning("v")(); }));
    }
    f->begun.wait();
    f->end.set();
    EXPECT_TRUE(eventually([&] { return f.use_count() == 1; })) << "what it captured is gone";
  });
}

TEST_F(SingleFlight, ABoundThatIsOverStartsNothing) {
  everywhere([] {
    flights g;
    std::stop_source source;
    source.request_stop();
    const auto never = []() -> std::string {
      ADD_FAILURE() << "ran";
      return {};
    };
    EXPECT_FALSE(g.call(source.get_token(), "key", never));
    EXPECT_FALSE(g.call_for(0s, "key", never));
    EXPECT_FALSE(g.call_until(weft::clock::now() - 1h, "key", never));
    EXPECT_EQ(g.call("key", [] { return "v"; }).value, "v");
  });
}

TEST_F(SingleFlight, ABoundedCallTakesMoveOnlyFunctionsAndGivesTheirResult) {
  everywhere([] {
    weft::single_flight<int, int> g;
    const auto r = g.call_for(1h, 1, [p = std::make_unique<int>(7)] { return *p; });
    ASSERT_TRUE(r);
    EXPECT_EQ(r->value, 7);
    EXPECT_FALSE(r->shared);
    EXPECT_EQ(what_thrown<std::runtime_error>([&] {
                (void)g.call_for(1h, 1, []() -> int { throw std::runtime_error("from f"); });
              }),
              "from f");
  });
}

TEST_F(SingleFlight, AnExceptionReachesAllOfThem) {
  everywhere([] {
    flights g;
    slow f;
    exceptions_kept kept;
    std::atomic<int> caught{0};
    const weft::wait_group wg;
    const auto fails = [&]() -> std::string { throw std::runtime_error(f.returning("failed")()); };
    const auto expect_failure = [&](auto call) {
      EXPECT_EQ(kept.what_thrown(call), "failed");
      ++caught;
    };
    wg.go([&] { expect_failure([&] { (void)g.call("key", fails); }); });
    f.begun.wait();
    for (int i = 0; i < 3; ++i) {
      wg.go([&] { expect_failure([&] { (void)g.call("key", fails); }); });
      wg.go([&] { expect_failure([&] { (void)g.call_for(1h, "key", fails); }); });
    }
    std::thread plain([&] { expect_failure([&] { (void)g.call("key", fails); }); });
    let_others_run();
    f.end.set();
    wg.wait();
    plain.join();
    EXPECT_EQ(caught, 8);
    EXPECT_EQ(g.call("key", [] { return "v"; }).value, "v");
  });
}

TEST_F(SingleFlight, AValueWhoseCopyThrowsHurtsOnlyThoseWhoCopyIt) {
  weft::single_flight<int, weft_test::copy_thrower> g;
  EXPECT_EQ(g.call(1, [] { return weft_test::copy_thrower(3); }).value.value, 3)
      << "alone one needs no copy";
}

TEST_F(SingleFlight, KeysThatThrowLeaveItUsable) {
  struct picky {
    std::size_t operator()(int k) const { return k < 0 ? throw std::domain_error("no hash") : 1U; }
  };
  everywhere([] {
    weft::single_flight<int, int, picky> g;
    EXPECT_THROW((void)g.call(-1, [] { return 1; }), std::domain_error);
    EXPECT_THROW((void)g.call_for(1h, -1, [] { return 1; }), std::domain_error);
    EXPECT_EQ(g.call(1, [] { return 2; }).value, 2);
  });
}

TEST_F(SingleFlight, ManyCallersManyKeys) {
  everywhere([] {
    weft::single_flight<int, int> g;
    std::vector<std::atomic<int>> running(5);
    const weft::wait_group wg;
    const auto work = [&](int seed) {
      for (int i = 0; i < scaled(1'000); ++i) {
        const int key = (i * 7 + seed) % 5;
        const auto f = [&running, key] {
          auto& here = running[static_cast<std::size_t>(key)];
          EXPECT_EQ(here++, 0) << "two flights with one key";
          weft::yield();
          --here;
          return key * 10;
        };
        if (i % 3 == 0) {
          const auto r = g.call_for(std::chrono::microseconds(i % 100), key, f);
          ASSERT_TRUE(!r || r->value == key * 10);
        } else {
          ASSERT_EQ(g.call(key, f).value, key * 10);
        }
      }
    };
    for (int i = 0; i < 6; ++i) wg.go([&, i] { work(i); });
    wg.add();
    std::thread plain([&] {
      work(7);
      wg.done();
    });
    wg.wait();
    plain.join();  // not before: it needs flights that this processor runs
    EXPECT_TRUE(eventually([&] {
      for (const auto& r : running)
        if (r != 0) return false;
      return true;
    }));
    for (int key = 0; key < 5; ++key) (void)g.call(key, [] { return 0; });  // all have landed
  });
}

TEST_F(GoSingleFlightTest, Do) {
  everywhere([] {
    flights g;
    const auto r = g.call("key", [] { return "bar"; });
    EXPECT_EQ(r.value, "bar");
    EXPECT_FALSE(r.shared);
  });
}

TEST_F(GoSingleFlightTest, DoErr) {
  everywhere([] {
    flights g;
    EXPECT_EQ(what_thrown<std::runtime_error>([&] {
                (void)g.call("key",
                             []() -> std::string { throw std::runtime_error("Some error"); });
              }),
              "Some error");
  });
}

TEST_F(GoSingleFlightTest, DoDupSuppress) {
  everywhere([] {
    flights g;
    slow f;
    constexpr int n = 10;
    const weft::wait_group wg;
    std::atomic<int> shared{0};
    wg.go([&] { shared += g.call("key", f.returning("bar")).shared; });
    f.begun.wait();
    for (int i = 1; i < n; ++i)
      wg.go([&] {
        const auto r = g.call("key", f.returning("another"));
        EXPECT_TRUE(r.value == "bar" || r.value == "another");
        shared += r.shared;
      });
    let_others_run();
    f.end.set();
    wg.wait();
    EXPECT_GT(f.runs, 0);
    EXPECT_LT(f.runs, n);
    EXPECT_GE(shared, 2);
  });
}

TEST_F(GoSingleFlightTest, Forget) {
  everywhere([] {
    flights g;
    slow first;
    slow second;
    std::atomic<bool> first_returned{false};
    const weft::wait_group wg;
    wg.go([&] {
      EXPECT_EQ(g.call("key", first.returning("1")).value, "1");
      first_returned = true;
    });
    first.begun.wait();
    g.forget("key");
    g.forget("a key that is not there");
    wg.go([&] { EXPECT_EQ(g.call("key", second.returning("2")).value, "2"); });
    second.begun.wait();  // while the first still runs
    first.end.set();
    EXPECT_TRUE(eventually([&] { return first_returned.load(); }));
    EXPECT_FALSE(g.call_for(1ms, "key", first.returning("3")))
        << "the end of the first took the second one away";
    second.end.set();
    wg.wait();
    EXPECT_EQ(first.runs + second.runs, 2);
  });
}

/// Go's Do with a channel for the result: here, the call with a bound.
TEST_F(GoSingleFlightTest, DoChan) {
  everywhere([] {
    flights g;
    const auto r = g.call(std::stop_token(), "key", [] { return "bar"; });
    ASSERT_TRUE(r);
    EXPECT_EQ(r->value, "bar");
  });
}

TEST_F(GoSingleFlightTest, PanicDo) {
  everywhere([] {
    flights g;
    constexpr int n = 5;
    exceptions_kept kept;
    std::atomic<int> panicked{0};
    const weft::wait_group wg;
    const auto panics = []() -> std::string {
      weft::yield();
      throw std::logic_error("invalid memory address or nil pointer dereference");
    };
    for (int i = 0; i < n; ++i)
      wg.go([&] { panicked += !kept.what_thrown([&] { (void)g.call("key", panics); }).empty(); });
    wg.wait();
    EXPECT_EQ(panicked, n);
  });
}

/// Differs: Go ends the waiting goroutines as well; here they get an exception that says why.
TEST_F(GoSingleFlightTest, GoexitDo) {
  everywhere([] {
    flights g;
    exceptions_kept kept;
    weft::event begun;
    weft::event end;
    const auto exits = [&]() -> std::string {
      begun.set();
      end.wait();
      weft::exit_goroutine();
    };
    const std::string words =
        "weft::single_flight: the function ended its goroutine (exit_goroutine)";
    const weft::wait_group wg;
    wg.go([&] {
      (void)g.call("key", exits);
      ADD_FAILURE() << "came back";
    });
    begun.wait();
    for (int i = 0; i < 4; ++i)
      wg.go([&] { EXPECT_EQ(kept.what_thrown([&] { (void)g.call("key", exits); }), words); });
    let_others_run();
    end.set();
    // One that came too late runs it itself, and ends: then fewer have checked, none fails.
    wg.wait();
    EXPECT_EQ(g.call("key", [] { return "v"; }).value, "v");
    EXPECT_EQ(what_thrown<std::runtime_error>([&] { (void)g.call_for(1h, "key", exits); }), words);
  });
}

TEST_F(GoSingleFlightTest, PanicDoChan) {
  everywhere([] {
    flights g;
    EXPECT_EQ(what_thrown<std::runtime_error>([&] {
                (void)g.call(std::stop_token(), "key",
                             []() -> std::string { throw std::runtime_error("Panicking in Do"); });
              }),
              "Panicking in Do");
  });
}

TEST_F(GoSingleFlightTest, PanicDoSharedByDoChan) {
  everywhere([] {
    flights g;
    exceptions_kept kept;
    slow f;
    const auto fails = [&]() -> std::string { throw std::runtime_error(f.returning("failed")()); };
    const weft::wait_group wg;
    wg.go([&] { EXPECT_EQ(kept.what_thrown([&] { (void)g.call("key", fails); }), "failed"); });
    f.begun.wait();
    wg.go([&] {
      EXPECT_EQ(kept.what_thrown([&] { (void)g.call(std::stop_token(), "key", fails); }), "failed");
    });
    let_others_run();
    f.end.set();
    wg.wait();
  });
}

}  // namespace
