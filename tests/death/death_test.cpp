// How programs end: what misuse prints and with which status, and that leaving goroutines behind is
// clean. A sanitizer that finds fault changes the status, so these tests see that too.

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "weft_test.hpp"

extern char** environ;

namespace {

struct ending {
  int status = -1;  // what it returned, or
  int signal = 0;   // what killed it
  std::string said;

  bool says(const std::string& words) const { return said.find(words) != std::string::npos; }
};

std::ostream& operator<<(std::ostream& out, const ending& e) {
  return out << "status " << e.status << ", signal " << e.signal << ", said:\n" << e.said;
}

std::string slurp(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// Waits for `pid`, but not for ever: a program that hangs is killed, and its signal tells.
int wait_status(pid_t pid) {
  using namespace std::chrono_literals;
  int status = 0;
  const auto hang = std::chrono::steady_clock::now() + 30s;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > hang) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, &status, 0);
      break;
    }
    std::this_thread::sleep_for(2ms);
  }
  return status;
}

/// Runs a scenario with both its outputs in one file.
ending run(const std::string& scenario, const std::vector<std::string>& environment = {}) {
  std::string path = ::testing::TempDir() + "weft_death_XXXXXX";
  const int fd = ::mkstemp(path.data());
  std::vector<char*> env;
  for (const std::string& each : environment) env.push_back(const_cast<char*>(each.c_str()));
  std::string asan = weft_test::with_locals_on_stacks();
  env.push_back(asan.data());  // the first one of a name counts
  for (char** e = environ; *e != nullptr; ++e)
    if (environment.empty() || !std::string(*e).starts_with("WEFT_MAXPROCS=")) env.push_back(*e);
  env.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, fd, STDERR_FILENO);
  std::string program = WEFT_SCENARIOS;
  std::string argument = scenario;
  char* const argv[] = {program.data(), argument.data(), nullptr};
  pid_t pid = 0;
  const int failed = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, argv, env.data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(fd);

  ending e;
  if (failed == 0) {
    const int status = wait_status(pid);
    if (WIFEXITED(status)) e.status = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) e.signal = WTERMSIG(status);
    e.said = slurp(path);
  }
  ::unlink(path.c_str());
  return e;
}

/// The file and line at which `scenario`'s goroutine is started, to be found in its last words.
std::string start_site(const std::string& function) {
  std::ifstream in(WEFT_SCENARIO_SOURCE);
  int number = 0;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line == "int " + function + "() {") inside = true;
    if (inside &&
        (line.find("weft::go(") != std::string::npos || line.find("wg.go(") != std::string::npos))
      return "scenarios.cpp:" + std::to_string(number);
  }
  return "no start of a goroutine in " + function;
}

TEST(UncaughtException, EndsTheProgramWithWhatItSays) {
  const ending e = run("uncaught");
  EXPECT_EQ(e.signal, SIGABRT) << e;
  EXPECT_TRUE(e.says("boom at line 7")) << e;
}

TEST(UncaughtException, NamesTheGoroutineAndWhereItWasStarted) {
  const ending named = run("uncaught");
  EXPECT_TRUE(named.says("parser")) << named;
  EXPECT_TRUE(named.says(start_site("uncaught"))) << named;
  const ending unnamed = run("uncaught_unnamed");
  EXPECT_TRUE(unnamed.says("boom without a name")) << unnamed;
  EXPECT_TRUE(unnamed.says(start_site("uncaught_unnamed"))) << unnamed;
}

TEST(UncaughtException, AfterAParkIsReportedAlike) {
  const ending e = run("uncaught_after_a_park");
  EXPECT_EQ(e.signal, SIGABRT) << e;
  EXPECT_TRUE(e.says("boom after a park")) << e;
  EXPECT_TRUE(e.says("parked")) << e;
  EXPECT_TRUE(e.says(start_site("uncaught_after_a_park"))) << e;
}

TEST(UncaughtException, OfAGoroutineWithArgumentsIsReported) {
  const ending e = run("uncaught_with_arguments");
  EXPECT_EQ(e.signal, SIGABRT) << e;
  EXPECT_TRUE(e.says("boom 42")) << e;
}

TEST(UncaughtException, ThatIsNoStandardExceptionIsReported) {
  const ending e = run("uncaught_int");
  EXPECT_EQ(e.signal, SIGABRT) << e;
  EXPECT_TRUE(e.says("counter")) << e;
  EXPECT_TRUE(e.says(start_site("uncaught_int"))) << e;
}

// Go's issue 76126: the program is over before the group's wait returns.
TEST(UncaughtException, InAWaitGroupEndsTheProgramBeforeWaitReturns) {
  const ending e = run("uncaught_in_wait_group");
  EXPECT_EQ(e.signal, SIGABRT) << e;
  EXPECT_TRUE(e.says("boom in a group")) << e;
  EXPECT_TRUE(e.says("grouped")) << e;
  EXPECT_TRUE(e.says(start_site("uncaught_in_wait_group"))) << e;
  EXPECT_FALSE(e.says("wait returned")) << e;
}

TEST(UncaughtException, InATimersFunctionEndsTheProgram) {
  const ending e = run("uncaught_in_after_func");
  EXPECT_EQ(e.signal, SIGABRT) << e;
  EXPECT_TRUE(e.says("boom in a timer")) << e;
}

TEST(UncaughtException, OfMisuseHasGosWords) {
  const ending e = run("uncaught_send_on_closed");
  EXPECT_EQ(e.signal, SIGABRT) << e;
  EXPECT_TRUE(e.says("send on closed channel")) << e;
  EXPECT_TRUE(e.says("sender")) << e;
}

TEST(UncaughtException, OfRunIsOfItsCaller) {
  const ending e = run("uncaught_in_run");
  EXPECT_EQ(e.signal, SIGABRT) << e;
  EXPECT_TRUE(e.says("boom in main")) << e;
}

TEST(ExitGoroutine, OnAPlainThreadEndsTheProgram) {
  const ending e = run("exit_goroutine_on_a_thread");
  EXPECT_EQ(e.signal, SIGABRT) << e;
}

TEST(ExitGoroutine, OfTheMainGoroutineLetsTheOthersGoOn) {
  const ending e = run("exit_goroutine_of_main");
  EXPECT_EQ(e.status, 5) << e;
  EXPECT_EQ(e.said, "the others go on\n") << e;
}

class ReturnFromMain : public ::testing::TestWithParam<const char*> {};

TEST_P(ReturnFromMain, IsCleanWhateverGoroutinesDo) {
  for (int again = 0; again < 5; ++again) {
    const ending e = run(GetParam());
    EXPECT_EQ(e.status, 0) << e;
    EXPECT_EQ(e.said, "main returns\n") << e;
  }
}

INSTANTIATE_TEST_SUITE_P(With, ReturnFromMain,
                         ::testing::Values("return_with_blocked", "return_with_running",
                                           "return_with_sleeping", "return_with_unstarted",
                                           "return_at_once", "return_with_a_blocked_thread"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST(Run, EndsTheProgramAndRunsNobodysDefers) {
  const ending e = run("run_drops_the_others");
  EXPECT_EQ(e.status, 4) << e;
  EXPECT_EQ(e.said, "main returns\n") << e;
}

TEST(Exit, FromAGoroutineGivesItsStatus) {
  for (int again = 0; again < 5; ++again)
    for (const char* scenario : {"exit_from_a_goroutine", "exit_from_a_goroutine_beside_others",
                                 "exit_from_the_main_goroutine"}) {
      const ending e = run(scenario);
      EXPECT_EQ(e.status, 3) << scenario << ": " << e;
      EXPECT_EQ(e.said, "") << scenario;
    }
}

TEST(Exit, AStaticDestructorMayStillUseAChannel) {
  const ending e = run("static_destructor_uses_a_channel");
  EXPECT_EQ(e.status, 0) << e;
  EXPECT_EQ(e.said, "static destructor 1\n") << e;
}

TEST(MaxProcs, IsTakenFromTheEnvironment) {
  for (const char* n : {"1", "3", "17"}) {
    const ending e = run("print_max_procs", {std::string("WEFT_MAXPROCS=") + n});
    EXPECT_EQ(e.status, 0) << e;
    EXPECT_TRUE(e.says(std::string("max_procs ") + n + " ")) << e;
  }
  for (const char* many : {"1024", "5000", "99999999999999999999"}) {
    const ending e = run("print_max_procs", {std::string("WEFT_MAXPROCS=") + many});
    EXPECT_TRUE(e.says("max_procs 1024 ")) << many << ": " << e;
  }
}

TEST(MaxProcs, GarbageInTheEnvironmentIsIgnored) {
  const ending ordinary = run("print_max_procs", {"WEFT_MAXPROCS="});
  EXPECT_EQ(ordinary.status, 0) << ordinary;
  for (const char* garbage :
       {"0", "-4", "many", "3x", "1.5", "0x", " 2 2", "-99999999999999999999"}) {
    const ending e = run("print_max_procs", {std::string("WEFT_MAXPROCS=") + garbage});
    EXPECT_EQ(e.status, 0) << garbage << ": " << e;
    EXPECT_EQ(e.said, ordinary.said) << garbage;
  }
}

}  // namespace
