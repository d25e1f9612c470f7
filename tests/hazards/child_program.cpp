// posix_spawn, a file for the output, and a limit of time that only a hang reaches.
#include "child_program.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "weft_test.hpp"

extern char** environ;

namespace hazards {
namespace {

int wait_status(pid_t pid) {
  using namespace std::chrono_literals;
  int status = 0;
  const auto hang = std::chrono::steady_clock::now() + 60s;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > hang) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, &status, 0);
      break;
    }
    std::this_thread::sleep_for(1ms);
  }
  return status;
}

std::string slurp(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const ending& e) {
  return out << "status " << e.status << ", signal " << e.signal << ", said:\n" << e.said;
}

ending run_scenario(const std::string& name, const std::vector<std::string>& environment,
                    const std::vector<std::string>& before) {
  std::string path = ::testing::TempDir() + "weft_hazard_XXXXXX";
  const int fd = ::mkstemp(path.data());
  std::vector<char*> env;
  for (const std::string& each : environment) env.push_back(const_cast<char*>(each.c_str()));
  std::string asan = weft_test::with_locals_on_stacks();
  env.push_back(asan.data());  // the first one of a name counts
  for (char** e = environ; *e != nullptr; ++e) env.push_back(*e);
  env.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, fd, STDERR_FILENO);
  std::vector<std::string> words = before;
  words.insert(words.end(), {WEFT_HAZARD_SCENARIOS, name});
  std::vector<char*> argv;
  for (std::string& each : words) argv.push_back(each.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int failed = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), env.data());
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

std::string without_leak_check() {
  const char* set = std::getenv("ASAN_OPTIONS");
  return std::string("ASAN_OPTIONS=") + (set ? set : "") + ":detect_leaks=0";
}

int rounds() {
  if (const char* set = std::getenv("WEFT_HAZARD_ROUNDS")) return std::atoi(set);
  return weft_test::sanitized ? 2 : 8;
}

std::vector<std::string> settings(int round) {
  switch (round % 4) {
    case 0:
      return {};
    case 1:
      return {"WEFT_MAXPROCS=1"};
    case 2:
      return {"WEFT_MAXPROCS=4"};
    default:
      return {"WEFT_MAXPROCS=2", "WEFT_FORCE_MIGRATE=1"};
  }
}

}  // namespace hazards
