// weft::no_park_scope: a park while something of the thread's is held ends the
// program and says who and where; what does not park goes through.
#include <mutex>
#include <string>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;

class No_park_scope : public weft_test::fixture {
protected:
  void SetUp() override {
    fixture::SetUp();
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }
};

/// Ends when the program does.
void in_a_goroutine(void (*f)()) {
  weft::go(weft::named("holder"), f);
  weft::sleep_for(30s);
}

void parks() {
  static std::mutex cache;
  const std::lock_guard lock(cache);
  const weft::no_park_scope here("the cache's lock");
  weft::chan<int>().recv();
}
void yields() {
  const weft::no_park_scope here;
  weft::yield();
}
void sleeps() {
  const weft::no_park_scope here("outer");
  const weft::no_park_scope inner("inner");
  weft::sleep_for(1ms);
}
void parks_under_a_lock() {
  static std::mutex m;
  const weft::no_park_lock lock(m);
  const weft::chan<int> c;
  weft::select(weft::on_recv(c), weft::on_timeout(1h, [] {}));
}
void parks_after_an_inner_scope() {
  const weft::no_park_scope here("outer");
  { const weft::no_park_scope inner("inner"); }
  weft::yield();
}

TEST_F(No_park_scope, names_the_goroutine_the_wait_and_the_scope) {
  EXPECT_DEATH(in_a_goroutine(parks),
               "must not park waits \\(chan receive\\)(.|\n)*'holder'(.|\n)*"
               "the cache's lock(.|\n)*no_park_test.cpp:[0-9]+ \\(.*parks");
}
TEST_F(No_park_scope, forbids_every_kind_of_park) {
  EXPECT_DEATH(in_a_goroutine(yields), "must not park yields(.|\n)*'holder'");
  EXPECT_DEATH(in_a_goroutine(sleeps),
               "must not park waits \\(sleep\\)(.|\n)*inner");
  EXPECT_DEATH(in_a_goroutine(parks_under_a_lock),
               "must not park waits \\(select\\)(.|\n)*lock");
}
TEST_F(No_park_scope, nests) {
  EXPECT_DEATH(in_a_goroutine(parks_after_an_inner_scope),
               "must not park yields(.|\n)*outer");
}

TEST_F(No_park_scope, lets_everything_else_through) {
  weft_test::on_goroutine([] {
    std::mutex m;
    const weft::chan<int> c(1);
    for (int i = 0; i < 100; ++i) {
      {
        const weft::no_park_lock lock(m);
        EXPECT_TRUE(weft::no_park_scope::active());
        c.send(i);
        EXPECT_EQ(c.try_recv().value(), i);
        weft::go([] {});
        weft::mutex free;
        const std::lock_guard held(free);
      }
      EXPECT_FALSE(weft::no_park_scope::active());
      weft::yield();
    }
  });
}

TEST_F(No_park_scope, is_the_goroutines_own) {
  weft_test::on_one_processor([] {
    const weft::wait_group wg;
    for (int i = 0; i < 10; ++i)
      wg.go([] {
        {
          const weft::no_park_scope here;
          weft::go([] { EXPECT_FALSE(weft::no_park_scope::active()); });
        }
        weft::yield();
        EXPECT_FALSE(weft::no_park_scope::active());
      });
    wg.wait();
  });
}

TEST_F(No_park_scope, ends_by_an_exception) {
  weft_test::on_goroutine([] {
    try {
      const weft::no_park_scope here;
      throw 1;
    } catch (int) {
      EXPECT_FALSE(weft::no_park_scope::active());
      weft::yield();
    }
  });
}

TEST_F(No_park_scope, means_nothing_on_a_plain_thread) {
  const weft::no_park_scope here;
  EXPECT_FALSE(weft::no_park_scope::active());
  weft::sleep_for(10us);
}

/// Taken off its processor for computing long, it is not made to yield by what
/// does not park.
TEST_F(No_park_scope, survives_a_detached_processor) {
  const weft_test::procs_scope scope(1);
  const weft::wait_group wg;
  std::atomic<bool> other_ran{false};
  wg.go([&] {
    weft::go([&] { other_ran.store(true); });
    const weft::no_park_scope here("computing");
    while (!other_ran.load()) {
    }
    weft::mutex m;
    const std::lock_guard lock(m);
    const weft::chan<int> c(1);
    c.send(1);
    weft::blocking([] {});
  });
  wg.wait();
}

} // namespace
