// The guard: what it counts, what it waits for, how it tells.
#include <weft/debug/leak_check.hpp>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;

class LeakCheck : public weft_test::fixture {};

/// A goroutine that waits until this object ends.
class waiting {
 public:
  explicit waiting(const char* name) {
    weft::go(weft::named(name), [c = go_on_] { c.recv(); });
  }
  waiting(const waiting&) = delete;
  waiting& operator=(const waiting&) = delete;
  ~waiting() { go_on_.close(); }

 private:
  weft::chan<int> go_on_{0};
};

bool lists(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

const weft::leak_options impatient{.grace = 0ns};

TEST_F(LeakCheck, SaysNothingIfNothingWasStarted) {
  weft_test::everywhere([] { EXPECT_EQ(weft::leak_check().leaks(), ""); });
}

TEST_F(LeakCheck, WaitsForThoseThatEndInTime) {
  weft_test::everywhere([] {
    weft::leak_check guard({.grace = 60s});
    for (int i = 0; i < 20; ++i) weft::go([] { weft::sleep_for(2ms); });
    EXPECT_EQ(guard.leaks(), "");
  });
}

TEST_F(LeakCheck, ListsThoseThatAreLeft) {
  weft_test::everywhere([] {
    weft::leak_check guard(impatient);
    const waiting one("one"), two("two");
    const std::string list = guard.leaks();
    EXPECT_TRUE(lists(list, "2 goroutines started since weft::leak_check at")) << list;
    EXPECT_TRUE(lists(list, "leak_check_test.cpp:")) << list;
    EXPECT_TRUE(lists(list, "'one'")) << list;
    EXPECT_TRUE(lists(list, "'two'")) << list;
  });
}

TEST_F(LeakCheck, CountsNeitherItsOwnGoroutineNorThoseBeforeIt) {
  weft_test::everywhere([] {
    const waiting before("before");
    weft::leak_check guard({.grace = 60s});
    EXPECT_EQ(guard.leaks(), "");
  });
}

TEST_F(LeakCheck, CountsGrandchildren) {
  weft_test::everywhere([] {
    weft::leak_check guard(impatient);
    std::unique_ptr<waiting> grandchild;
    const weft::wait_group started;
    started.go([&] { grandchild = std::make_unique<waiting>("grandchild"); });
    started.wait();
    EXPECT_TRUE(lists(guard.leaks(), "'grandchild'"));
  });
}

TEST_F(LeakCheck, NestsAndEachCountsFromItsBeginning) {
  weft_test::everywhere([] {
    weft::leak_check outer(impatient);
    const waiting one("one");
    weft::leak_check inner(impatient);
    const waiting two("two");
    const std::string inside = inner.leaks();
    EXPECT_FALSE(lists(inside, "'one'"));
    EXPECT_TRUE(lists(inside, "'two'"));
    const std::string outside = outer.leaks();
    EXPECT_TRUE(lists(outside, "'one'"));
    EXPECT_TRUE(lists(outside, "'two'"));
  });
}

TEST_F(LeakCheck, LeavesOutWhatItIsToldTo) {
  weft_test::everywhere([] {
    weft::leak_check guard({.grace = 0ns, .ignored_names = {"service"}});
    const waiting one("service");
    EXPECT_EQ(guard.leaks(), "");
  });
}

TEST_F(LeakCheck, CheckThrowsTheList) {
  weft::leak_check guard(impatient);
  const waiting one("left over");
  const std::string what = weft_test::what_thrown<weft::goroutine_leak>([&] { guard.check(); });
  EXPECT_TRUE(lists(what, "'left over'")) << what;
}

TEST_F(LeakCheck, DestructorTellsOnce) {
  std::vector<std::string> told;
  const auto note = [&](const std::string& list) { told.push_back(list); };
  const waiting before("before");
  std::unique_ptr<waiting> inside;
  {
    const weft::leak_check guard({.grace = 0ns, .on_leak = note});
    inside = std::make_unique<waiting>("inside");
  }
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(lists(told[0], "'inside'"));
  {
    weft::leak_check guard({.grace = 0ns, .on_leak = note});
    const waiting one("seen"), two("seen");
    EXPECT_NE(guard.leaks(), "");
  }
  {
    weft::leak_check guard({.grace = 0ns, .on_leak = note});
    inside = std::make_unique<waiting>("dismissed");
    guard.dismiss();
  }
  EXPECT_EQ(told.size(), 1U);
}

TEST_F(LeakCheck, DoesNotHideAnException) {
  int told = 0;
  std::unique_ptr<waiting> inside;
  const std::string what = weft_test::what_thrown<std::runtime_error>([&] {
    const weft::leak_check guard({.grace = 0ns, .on_leak = [&](const auto&) { ++told; }});
    inside = std::make_unique<waiting>("inside");
    throw std::runtime_error("the real reason");
  });
  EXPECT_EQ(what, "the real reason");
  EXPECT_EQ(told, 0);
}

TEST_F(LeakCheck, EndsTheProgramByDefault) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        const weft::leak_check guard(impatient);
        weft::go(weft::named("left over"), [] { weft::sleep_for(1h); });
      },
      ::testing::KilledBySignal(SIGABRT), "goroutine leak: 1 goroutine started since");
}

TEST_F(LeakCheck, SaysWhoCanNeverBeWoken) {
  weft::mutex m;
  const weft::wait_group ended;
  weft::leak_check guard({.grace = 50ms});
  ended.add(1);
  weft::go(weft::named("twice"), [&] {
    m.lock();
    m.lock();
    m.unlock();
    ended.done();
  });
  const std::string list = guard.leaks();
  EXPECT_TRUE(lists(list, "It can never be woken: it waits for a mutex")) << list;
  m.unlock();  // by another, after all
  ended.wait();
}

}  // namespace
