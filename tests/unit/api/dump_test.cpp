// A dump names every goroutine, its state and what it waits on, and prints where it is.
#include <weft/debug/dump.hpp>

#include <sstream>
#include <thread>

#include <weft/weft.hpp>

#include "api/inspect/report.hpp"
#include "unit_support.hpp"

namespace {

using namespace std::chrono_literals;
using weft::detail::words_for_time;
using weft_test::everywhere;

using dump = weft_test::fixture;

bool has(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

/// Dumps until the words are in it: what is dumped may not have come that far.
testing::AssertionResult dump_says(const std::string& words) {
  std::string text;
  if (weft_test::eventually([&] { return has(text = weft::dump(), words); }))
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << "not said: " << words << "\n" << text;
}

TEST_F(dump, names_goroutines_their_state_and_their_creation) {
  everywhere([] {
    const weft::chan<int> c;
    weft::go(weft::named("parser"), [=] { c.recv(); });
    EXPECT_TRUE(dump_says("'parser' [chan receive"));
    EXPECT_TRUE(dump_says("waits on: channel 0x"));
    EXPECT_TRUE(dump_says("created by "));
    EXPECT_TRUE(dump_says("dump_test.cpp:"));
    c.send(1);
  });
}

TEST_F(dump, lists_the_caller_first_and_others_that_run) {
  weft_test::procs_scope two(2);
  weft::detail::atomic<bool> stop{false};
  const weft::wait_group wg;
  wg.go([&] {
    weft::this_goroutine::set_name("hog");
    while (!stop.load()) {
    }
  });
  wg.go([&] {
    weft::this_goroutine::set_name("caller");
    EXPECT_TRUE(dump_says("'hog' [running]:\nstack: "));
    EXPECT_TRUE(dump_says("KiB touched\n\tgoroutine running on other thread; stack unavail"));
    const std::string text = weft::dump();
    EXPECT_LT(text.find("'caller' [running]"), text.find("'hog'"));
    stop.store(true);
  });
  wg.wait();
}

TEST_F(dump, lists_plain_threads_that_are_parked) {
  const weft::chan<int> c;
  std::thread thread([=] { c.recv(); });
  EXPECT_TRUE(dump_says("thread "));
  EXPECT_TRUE(dump_says("[chan receive"));
  c.send(1);
  thread.join();
}

TEST_F(dump, goes_to_a_stream) {
  const weft::wait_group wg;
  wg.go(weft::named("streamer"), [] {
    std::ostringstream out;
    weft::dump(out);
    EXPECT_TRUE(has(out.str(), "'streamer' [running]"));
  });
  wg.wait();
}

TEST_F(dump, of_many_while_they_come_and_go) {
  everywhere([] {
    weft::detail::atomic<bool> stop{false};
    const weft::wait_group wg;
    for (int i = 0; i < 50; ++i)
      wg.go([&] {
        while (!stop.load()) {  // at most one child each: a slow machine must not pile them up
          const weft::wait_group child;
          child.go([] { weft::yield(); });
          child.wait();
          weft::sleep_for(100us);
        }
      });
    for (int look = 0; look < weft_test::scaled(25); ++look)
      EXPECT_TRUE(has(weft::dump(), "goroutine "));
    stop.store(true);
    wg.wait();
  });
}

TEST(report, says_times_as_people_do) {
  EXPECT_EQ(words_for_time(0), "");
  EXPECT_EQ(words_for_time(40'000'000), "40 ms");
  EXPECT_EQ(words_for_time(12'500'000'000), "12.5 s");
  EXPECT_EQ(words_for_time(61'000'000'000), "1 minute");
  EXPECT_EQ(words_for_time(150'000'000'000), "2 minutes");
}

}  // namespace
