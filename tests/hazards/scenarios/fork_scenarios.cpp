// fork() with goroutines alive: what the child may do, and what it is told when it does more.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <weft/weft.hpp>

#include "scenarios.hpp"

extern char** environ;

namespace hazards {
namespace {

using namespace std::chrono_literals;

/// Goroutines and threads that keep the runtime's locks busy, for as long as it lives.
class busy_runtime {
 public:
  busy_runtime() {
    for (int i = 0; i < 6; ++i) all_.go([this] { churn(); });
    for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { churn(); });
  }
  busy_runtime(const busy_runtime&) = delete;
  busy_runtime& operator=(const busy_runtime&) = delete;
  ~busy_runtime() {
    stop_.store(true);
    for (std::thread& t : threads_) t.join();
    all_.wait();
  }

 private:
  void churn() {
    while (!stop_.load()) {
      const weft::wait_group wg;
      for (int i = 0; i < 4; ++i) wg.go([this] { static_cast<void>(c_.send_for(1, 10us)); });
      static_cast<void>(c_.recv_for(10us));
      const weft::timer t(1ms);
      wg.wait();
    }
  }

  std::atomic<bool> stop_{false};
  weft::chan<int> c_{1};
  std::vector<std::thread> threads_;
  weft::wait_group all_;
};

/// Forks; the child ends by `in_child`, or by _exit(0). Returns: waitpid's status.
template <class F>
int in_a_child(F in_child) {
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::alarm(20);  // one that hangs ends by SIGALRM
    in_child();
    ::_exit(0);
  }
  int status = -1;
  if (::waitpid(pid, &status, 0) != pid) return -1;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) std::fputs("a child hung\n", stderr);
  return status;
}

bool is_clean(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }

void exec_true() {
  char path[] = "/bin/sh", flag[] = "-c", text[] = "exit 0";
  char* const argv[] = {path, flag, text, nullptr};
  ::execve(path, argv, environ);
  ::_exit(9);
}

/// Rounds of `child`, forked by main and by goroutines, while everything else is busy.
int all_clean(void (*child)(), int rounds) {
  const busy_runtime busy;
  std::atomic<int> bad{0};
  for (int i = 0; i < rounds; ++i)
    if (!is_clean(in_a_child(child))) bad.fetch_add(1);
  const weft::wait_group wg;
  for (int i = 0; i < 4; ++i)
    wg.go([&] {
      for (int n = 0; n < rounds / 2; ++n) {
        if (!is_clean(in_a_child(child))) bad.fetch_add(1);
        weft::yield();
      }
    });
  wg.wait();
  return bad.load() == 0 ? 7 : 8;
}

int child_execs() { return all_clean(exec_true, 20); }
int child_ends_at_once() {
  return all_clean([] { ::_exit(0); }, 40);
}
int child_uses_the_c_library() {
  const auto work = [] {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += std::to_string(i);
    std::vector<std::string> copies(100, text);
    char line[64];
    std::snprintf(line, sizeof line, "%zu %p\n", copies[99].size(),
                  static_cast<const void*>(std::getenv("PATH")));
    ::_exit(copies[99].size() == 2890 ? 0 : 1);
  };
  return all_clean(work, 40);
}

/// What needs nobody else goes on in the child.
int child_uses_what_does_not_wait() {
  const auto work = [] {
    const weft::chan<int> c(2);
    c.send(1);
    c.send(2);
    weft::mutex m;
    m.lock();
    m.unlock();
    const bool good = c.recv() == 1 && *c.try_recv() == 2 && weft::max_procs() >= 1;
    ::_exit(good ? 0 : 1);
  };
  return all_clean(work, 20);
}

int child_calls_exit() {
  static std::atomic<int> handlers{0};
  weft::run([] {});
  std::atexit([] { handlers.fetch_add(1); });
  return all_clean([] { std::exit(0); }, 10);
}

int commands_from_goroutines() {
  const busy_runtime busy;
  std::atomic<int> good{0};
  const weft::wait_group wg;
  for (int i = 0; i < 6; ++i)
    wg.go([&, i] {
      for (int n = 0; n < 4; ++n) {
        int status = -1;
        if (i % 2 == 0) {
          status = std::system("exit 3");
        } else {
          char path[] = "/bin/sh", flag[] = "-c", text[] = "exit 3";
          char* const argv[] = {path, flag, text, nullptr};
          pid_t pid = 0;
          if (::posix_spawn(&pid, path, nullptr, nullptr, argv, environ) != 0) continue;
          weft::blocking([&] { ::waitpid(pid, &status, 0); });
        }
        if (WIFEXITED(status) && WEXITSTATUS(status) == 3) good.fetch_add(1);
      }
    });
  wg.wait();
  return good.load() == 24 ? 7 : 8;
}

/// Before the first use of weft, a child is a process like any other.
int child_of_a_fresh_process_may_do_anything() {
  const auto work = [] {
    const weft::chan<int> c;
    weft::go([=] { c.send(4); });
    ::_exit(c.recv() == 4 ? 0 : 1);
  };
  const bool good = is_clean(in_a_child(work));
  weft::run([] {});
  return good ? 7 : 8;
}

/// The child does `use`, which must end it by abort, on a plain thread and on a goroutine.
int is_refused(void (*use)()) {
  weft::run([] {});
  const auto refused = [use] {
    const int status = in_a_child(use);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
  };
  const bool from_thread = refused();
  const bool from_goroutine = weft::run([&] {
    weft::go([] {
      for (;;) weft::yield();  // somebody else would be next
    });
    return refused();
  });
  return from_thread && from_goroutine ? 7 : 8;
}

int child_starts_a_goroutine() {
  return is_refused([] { weft::go([] {}); });
}
int child_waits_on_a_channel() {
  return is_refused([] { weft::chan<int>().recv(); });
}
int child_sleeps() {
  return is_refused([] { weft::sleep_for(1ms); });
}
int child_makes_a_timer() {
  return is_refused([] { weft::timer(1ms).channel().recv(); });
}
int child_selects() {
  return is_refused([] { weft::select(weft::on_recv(weft::chan<int>())); });
}
int child_runs_tasks() {
  return is_refused([] { weft::spawn([] { return 1; }).get(); });
}
int child_waits_for_a_mutex() {
  return is_refused([] {
    weft::mutex m;
    m.lock();
    m.lock();
  });
}
int child_uses_run() {
  return is_refused([] { weft::run([] {}); });
}

int child_wakes_a_goroutine() {
  static const weft::chan<int> c;
  weft::go([] { c.recv(); });
  weft::sleep_for(1ms);
  return is_refused([] {
    c.send(1);      // takes the receiver out of the queue, or waits
    weft::yield();  // on a goroutine
    c.send(2);
  });
}

int child_lets_its_goroutine_end() {
  const weft::chan<int> statuses(1);
  weft::go([=] {
    int status = -1;
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::alarm(20);
      return;  // to whoever would be next
    }
    ::waitpid(pid, &status, 0);
    statuses.send(status);
  });
  const int status = statuses.recv().value();
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? 7 : 8;
}

}  // namespace

const scenario_table fork_scenarios{
    {"child_execs", child_execs},
    {"child_ends_at_once", child_ends_at_once},
    {"child_uses_the_c_library", child_uses_the_c_library},
    {"child_uses_what_does_not_wait", child_uses_what_does_not_wait},
    {"child_calls_exit", child_calls_exit},
    {"commands_from_goroutines", commands_from_goroutines},
    {"child_of_a_fresh_process_may_do_anything", child_of_a_fresh_process_may_do_anything},
    {"child_starts_a_goroutine", child_starts_a_goroutine},
    {"child_waits_on_a_channel", child_waits_on_a_channel},
    {"child_sleeps", child_sleeps},
    {"child_makes_a_timer", child_makes_a_timer},
    {"child_selects", child_selects},
    {"child_runs_tasks", child_runs_tasks},
    {"child_waits_for_a_mutex", child_waits_for_a_mutex},
    {"child_uses_run", child_uses_run},
    {"child_wakes_a_goroutine", child_wakes_a_goroutine},
    {"child_lets_its_goroutine_end", child_lets_its_goroutine_end},
};

}  // namespace hazards
