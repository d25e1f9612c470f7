// What weft says about the ways in which goroutines get stuck: each class of the GoKer collection,
// asked in three ways. The table in the guide is made of these expectations.
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <ostream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "weft_test.hpp"

namespace {

/// With WEFT_PACK_AFTER, only where stacks can be packed: else every scenario says so.
class packing_if_asked_for : public testing::Environment {
 public:
  void SetUp() override {
    if (!std::getenv("WEFT_PACK_AFTER")) return;
    if (!weft::set_pack_parked_after(std::chrono::seconds(1)))
      GTEST_SKIP() << "stacks cannot be packed here";
    weft::set_pack_parked_after(std::chrono::seconds(0));
  }
};

[[maybe_unused]] const auto* const packing =
    testing::AddGlobalTestEnvironment(new packing_if_asked_for);

struct answer {
  int status = -1;
  std::string said;
};

answer ask(const std::string& scenario, const std::string& way,
           const std::string& environment = "") {
  answer a;
  const std::string command = "timeout 60 env " + environment + " " WEFT_GOKER_SCENARIOS " " +
                              scenario + " " + way + " 2>&1";
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (!pipe) return a;
  char text[4096];
  while (const std::size_t count = std::fread(text, 1, sizeof text, pipe))
    a.said.append(text, count);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) a.status = WEXITSTATUS(status);
  return a;
}

/// One class of error, and what is found: kind and name of the goroutines.
struct error_class {
  const char* name;
  std::vector<std::string> stuck;   // by find_stuck_goroutines: these, and no others
  std::vector<std::string> leaked;  // by leak_check
};

std::ostream& operator<<(std::ostream& out, const error_class& c) { return out << c.name; }

const error_class classes[] = {
    {"double_lock", {"lock twice"}, {"twice"}},
    {"ab_ba", {"lock ab", "lock ba"}, {"ab", "ba"}},
    {"ring_of_three", {"lock ab", "lock bc", "lock ca"}, {"ab", "bc", "ca"}},
    {"forgotten_unlock", {"lock waits"}, {"waits"}},
    {"write_then_read", {"lock upgrades"}, {"upgrades"}},
    {"recursive_read", {}, {"reader", "writer"}},
    {"channel_with_lock",
     {"unreachable sends locked", "unreachable locks to receive"},
     {"sends locked", "locks to receive"}},
    {"missing_close", {"unreachable consumes"}, {"consumes"}},
    {"answer_nobody_wants", {"unreachable answers"}, {"answers"}},
    {"crossed_channels", {"unreachable a first", "unreachable b first"}, {"a first", "b first"}},
    {"select_of_forgotten", {"unreachable selects"}, {"selects"}},
    {"nil_channel", {"unreachable nil"}, {"nil"}},
    {"wait_group_misuse", {"unreachable waits for two"}, {"waits for two"}},
    {"wait_group_with_lock",
     {"unreachable waits locked", "unreachable works locked"},
     {"waits locked", "works locked"}},
    {"condition_misuse", {}, {"waits for news"}},
    {"channel_with_context", {}, {"waits for the end"}},
    {"semaphore_misuse", {}, {"takes two"}},
};

class Goker : public ::testing::TestWithParam<error_class> {};

std::set<std::string> lines_of(const std::string& text) {
  std::set<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.insert(line);
  return lines;
}

/// Under a sanitizer the memory is not searched: then only locks are followed, and nil channels.
std::set<std::string> expected_lines(const error_class& c) {
  std::set<std::string> lines;
  for (const std::string& each : c.stuck)
    if (!weft_test::sanitized || each.starts_with("lock ") || each == "unreachable nil")
      lines.insert(each);
  return lines;
}

TEST_P(Goker, IsFoundByTheSearchForStuckGoroutinesOrNot) {
  const answer a = ask(GetParam().name, "stuck");
  EXPECT_EQ(a.status, 0) << a.said;
  EXPECT_EQ(lines_of(a.said), expected_lines(GetParam())) << a.said;
}

TEST_P(Goker, IsListedByTheLeakCheck) {
  const answer a = ask(GetParam().name, "leaks");
  EXPECT_EQ(a.status, 0) << a.said;
  for (const std::string& name : GetParam().leaked)
    EXPECT_NE(a.said.find("'" + name + "'"), std::string::npos) << name << " in:\n" << a.said;
}

TEST_P(Goker, IsADeadlockWhenAllElseWaitsToo) {
  const answer a = ask(GetParam().name, "deadlock");
  EXPECT_EQ(a.status, 2) << a.said;
  EXPECT_NE(a.said.find("all goroutines are asleep - deadlock!"), std::string::npos) << a.said;
  for (const std::string& name : GetParam().leaked)
    EXPECT_NE(a.said.find("'" + name + "'"), std::string::npos) << name << " in:\n" << a.said;
}

INSTANTIATE_TEST_SUITE_P(Classes, Goker, ::testing::ValuesIn(classes),
                         [](const auto& each) { return std::string(each.param.name); });

std::size_t count_in(const std::string& text, const std::string& words) {
  std::size_t count = 0;
  for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1))
    ++count;
  return count;
}

TEST(LeaksAtExit, AreListedIfAskedFor) {
  const answer quiet = ask("ab_ba", "exit");
  EXPECT_EQ(quiet.status, 0);
  EXPECT_EQ(quiet.said, "");
  const answer a = ask("ab_ba", "exit", "WEFT_LEAKS=1");
  EXPECT_EQ(a.status, 0) << a.said;
  EXPECT_NE(a.said.find("weft: 10 goroutines are still parked at exit:"), std::string::npos)
      << a.said;
  EXPECT_EQ(count_in(a.said, "'ab' [sync.Mutex.Lock"), 5U) << a.said;
  EXPECT_EQ(count_in(a.said, "It can never be woken: it waits for a mutex"), 10U) << a.said;
}

TEST(LeaksAtExit, FailTheProgramIfAskedFor) {
  EXPECT_EQ(ask("missing_close", "exit", "WEFT_LEAKS=fail").status, 3);
}

TEST(LeaksAtExit, AreNotInventedWhereAllHaveEnded) {
  const answer a = ask("nothing_left", "exit", "WEFT_LEAKS=fail");
  EXPECT_EQ(a.status, 0) << a.said;
  EXPECT_EQ(a.said, "");
}

TEST(StuckWatch, SaysEveryFindingOnce) {
  const answer a = ask("double_lock", "watched", "WEFT_STUCK=1");
  EXPECT_EQ(a.status, 0);
  EXPECT_EQ(count_in(a.said,
                     "'twice' can never be woken: it waits for a mutex that was locked on "
                     "its own stack"),
            5U)
      << a.said;
}

TEST(StuckWatch, IsNoThreadThatHidesADeadlock) {
  const answer a = ask("semaphore_misuse", "deadlock", "WEFT_STUCK=1");
  EXPECT_EQ(a.status, 2) << a.said;
}

TEST(GokerSound, NothingIsFoundWhereNothingIsWrong) {
  const answer a = ask("all_well", "stuck");
  EXPECT_EQ(a.status, 0);
  EXPECT_EQ(a.said, "");
}

}  // namespace
