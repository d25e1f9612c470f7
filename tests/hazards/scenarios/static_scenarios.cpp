// Static objects, thread_locals and handlers of exit() that use weft while the
// process ends.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <weft/weft.hpp>

#include "scenarios.hpp"

namespace hazards {
namespace {

using namespace std::chrono_literals;

/// The usual server: its destructor tells its goroutines to stop, and waits for
/// them.
class server {
public:
  explicit server(const char *name) : name_(name) {
    for (int i = 0; i < 4; ++i)
      workers_.go([this] {
        for (std::optional<int> job; (job = jobs_.recv());)
          done_.fetch_add(*job);
      });
  }
  server(const server &) = delete;
  server &operator=(const server &) = delete;
  ~server() {
    for (int i = 0; i < 100; ++i)
      jobs_.send(1);
    jobs_.close();
    workers_.wait();
    std::printf("%s did %d\n", name_, done_.load());
    std::fflush(stdout);
  }

private:
  const char *name_;
  weft::chan<int> jobs_;
  std::atomic<int> done_{0};
  weft::wait_group workers_;
};

void run_a_server() { static const server quiet("server"); }

int static_server_is_joined() {
  run_a_server();
  return 7;
}

int static_server_is_joined_by_a_goroutine_that_exits() {
  run_a_server();
  weft::go([] { std::exit(7); });
  return wait_for_the_end();
}

int static_server_is_joined_by_a_thread_that_exits() {
  run_a_server();
  std::thread([] { std::exit(7); }).join();
  return 99;
}

int static_server_is_joined_by_a_locked_goroutine() {
  run_a_server();
  weft::go([] {
    weft::lock_os_thread();
    std::exit(7);
  });
  return wait_for_the_end();
}

int several_static_servers_beside_a_crowd() {
  static const server first("first");
  for (int i = 0; i < 50; ++i)
    weft::go([] {
      for (;;)
        weft::yield();
    });
  static const server second("second");
  weft::go([] {
    weft::sleep_for(100us);
    static const server third("third");
    std::exit(7);
  });
  return wait_for_the_end();
}

/// Older than the runtime: it is destroyed after the workers were stopped,
/// whoever calls exit().
struct older_than_weft {
  ~older_than_weft() {
    const weft::wait_group wg;
    const weft::chan<int> c;
    wg.go([=] { c.send(5); });
    std::printf("older %d\n", c.recv().value());
    wg.wait();
    std::printf("%d in main's goroutine\n", weft::run([] {
                  weft::yield();
                  return weft::after(10us).recv() ? 6 : 0;
                }));
    std::fflush(stdout);
  }
};

int goroutines_started_by_an_old_static_object() {
  static const older_than_weft object;
  weft::run([] {});
  return 7;
}

/// One of each, with waiters inside: they die while goroutines stand in their
/// queues.
struct one_of_each {
  weft::chan<int> c;
  weft::chan<int> buffered{4};
  weft::mutex m;
  weft::shared_mutex s;
  weft::wait_group wg;
  weft::event e;
  weft::semaphore permits{1};
  weft::derived_context<weft::cancel_function> ctx =
      weft::with_timeout(weft::background(), 1h);
  weft::timer t{1h};
  weft::ticker every{1ms};
  weft::local<int> mine;
};

int static_objects_with_waiters() {
  static one_of_each all;
  all.wg.add(1);
  const weft::wait_group holders;
  holders.add(2);
  weft::go([&, holders] {
    all.m.lock();
    all.s.lock();
    all.permits.acquire();
    holders.done();
    weft::sleep_for(1h);
  });
  weft::go([holders] {
    all.t.channel();
    holders.done();
  });
  holders.wait();
  for (int i = 0; i < 3; ++i) {
    weft::go([] { all.c.recv(); });
    weft::go([] { all.m.lock(); });
    weft::go([] { all.s.lock_shared(); });
    weft::go([] { all.wg.wait(); });
    weft::go([] { all.e.wait(); });
    weft::go([] { all.permits.acquire(); });
    weft::go([] { all.ctx.ctx.done().recv(); });
    weft::go([] { all.t.channel().recv(); });
    weft::go([] {
      for (;;)
        all.every.channel().recv();
    });
    weft::go([] {
      weft::select(weft::on_recv(all.c), weft::on_recv(all.ctx.ctx.done()));
    });
  }
  for (int i = 0; i < 20; ++i)
    weft::yield();
  weft::sleep_for(1ms);
  return 7;
}

void use_weft(const char *where) {
  const weft::chan<int> c;
  weft::go([=] { c.send(3); });
  const int got = c.recv().value();
  const weft::chan<int> room(1);
  room.send(got);
  int seen = 0;
  weft::select(weft::on_recv(
      room, [&](std::optional<int> v) { seen = v.value_or(-1); }));
  weft::sleep_for(10us);
  weft::this_goroutine::set_name("last");
  std::printf("%s %d\n", where, seen);
  std::fflush(stdout);
}

int handlers_use_weft() {
  std::atexit([] { use_weft("older handler"); });
  weft::run([] {});
  std::atexit([] { use_weft("newer handler"); });
  return 7;
}

int handlers_use_weft_when_a_goroutine_exits() {
  std::atexit([] { use_weft("older handler"); });
  weft::go([] {
    std::atexit([] { use_weft("newer handler"); });
    std::exit(7);
  });
  return wait_for_the_end();
}

struct uses_weft_at_the_end_of_its_thread {
  const char *where = "";
  ~uses_weft_at_the_end_of_its_thread() {
    if (*where != '\0')
      use_weft(where);
  }
};
thread_local uses_weft_at_the_end_of_its_thread at_end;

[[gnu::noinline]] void use_at_end(const char *where) {
  at_end.where = where;
  asm volatile("");
}

int thread_locals_use_weft() {
  use_at_end("main's");
  std::thread([] { use_at_end("a thread's"); }).join();
  const weft::chan<void> ended;
  weft::go([=] {
    weft::lock_os_thread(); // it ends locked, so its thread ends too
    use_at_end("a worker's");
    ended.close();
  });
  ended.recv();
  weft::sleep_for(
      5ms); // for the worker's words to come first; without them the test fails
  return 7;
}

int thread_locals_use_weft_when_a_goroutine_exits() {
  weft::go([] {
    use_at_end("the exiting worker's");
    std::exit(7);
  });
  return wait_for_the_end();
}

int exit_within_a_handler_of_weft() {
  static const weft::chan<int> c;
  weft::go([] {
    try {
      throw std::runtime_error("caught");
    } catch (...) {
      weft::yield();
      std::exit(7); // inside a catch block, after a park
    }
  });
  return wait_for_the_end();
}

} // namespace

const scenario_table static_scenarios{
    {"static_server_is_joined", static_server_is_joined},
    {"static_server_is_joined_by_a_goroutine_that_exits",
     static_server_is_joined_by_a_goroutine_that_exits},
    {"static_server_is_joined_by_a_thread_that_exits",
     static_server_is_joined_by_a_thread_that_exits},
    {"static_server_is_joined_by_a_locked_goroutine",
     static_server_is_joined_by_a_locked_goroutine},
    {"several_static_servers_beside_a_crowd",
     several_static_servers_beside_a_crowd},
    {"goroutines_started_by_an_old_static_object",
     goroutines_started_by_an_old_static_object},
    {"static_objects_with_waiters", static_objects_with_waiters},
    {"handlers_use_weft", handlers_use_weft},
    {"handlers_use_weft_when_a_goroutine_exits",
     handlers_use_weft_when_a_goroutine_exits},
    {"thread_locals_use_weft", thread_locals_use_weft},
    {"thread_locals_use_weft_when_a_goroutine_exits",
     thread_locals_use_weft_when_a_goroutine_exits},
    {"exit_in_a_catch_block", exit_within_a_handler_of_weft},
};

} // namespace hazards
