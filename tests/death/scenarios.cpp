// Small programs that end in a way of their own; the first argument names one. death_test.cpp runs
// them and knows what must come of each.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include <weft/weft.hpp>

namespace {

using namespace std::chrono_literals;

/// Never comes back: the program has to end by something else.
int wait_for_the_end() {
  weft::sleep_for(1h);
  return 99;
}

int uncaught() {
  weft::go(weft::named("parser"), [] { throw std::runtime_error("boom at line 7"); });
  return wait_for_the_end();
}

int uncaught_unnamed() {
  weft::go([] { throw std::runtime_error("boom without a name"); });
  return wait_for_the_end();
}

int uncaught_after_a_park() {
  weft::go(weft::named("parked"), [] {
    weft::sleep_for(1ms);
    weft::yield();
    throw std::runtime_error("boom after a park");
  });
  return wait_for_the_end();
}

int uncaught_with_arguments() {
  weft::go([](int v) { throw std::runtime_error("boom " + std::to_string(v)); }, 42);
  return wait_for_the_end();
}

int uncaught_int() {
  weft::go(weft::named("counter"), [] { throw 42; });
  return wait_for_the_end();
}

int uncaught_in_wait_group() {
  const weft::wait_group wg;
  wg.go(weft::named("grouped"), [] { throw std::runtime_error("boom in a group"); });
  wg.wait();
  std::puts("wait returned");
  return 0;
}

int uncaught_in_after_func() {
  weft::after_func(1ms, [] { throw std::runtime_error("boom in a timer"); });
  return wait_for_the_end();
}

int uncaught_send_on_closed() {
  const weft::chan<int> c;
  c.close();
  weft::go(weft::named("sender"), [=] { c.send(1); });
  return wait_for_the_end();
}

int uncaught_in_run() {
  weft::run([] { throw std::runtime_error("boom in main"); });
  return 0;
}

int exit_goroutine_on_a_thread() {
  std::thread([] { weft::exit_goroutine(); }).join();
  return 0;
}

int return_with_blocked() {
  const weft::chan<int> c;
  const weft::chan<int> nil = nullptr;
  const weft::wait_group never;
  never.add(1);
  for (int i = 0; i < 20; ++i) {
    weft::go([=] { c.recv(); });
    weft::go([=] { nil.recv(); });
    weft::go([=] { nil.send(1); });
    weft::go([=] { weft::select(weft::on_recv(c), weft::on_send(nil, 1)); });
    weft::go([=] { weft::select(); });
    weft::go([=] { never.wait(); });
    weft::go([=, text = std::string(100, 'x')] { c.recv_for(1h); });
  }
  weft::sleep_for(5ms);
  std::puts("main returns");
  return 0;
}

int return_with_running() {
  for (int i = 0; i < 4; ++i)
    weft::go([] {
      for (;;) weft::yield();
    });
  const weft::chan<int> ping;
  weft::go([=] {
    for (int i = 0;; ++i) ping.send(i);
  });
  weft::go([=] {
    for (;;) ping.recv();
  });
  weft::sleep_for(5ms);
  std::puts("main returns");
  return 0;
}

int return_with_sleeping() {
  for (int i = 0; i < 20; ++i) {
    weft::go([] { weft::sleep_for(1h); });
    weft::go([] { weft::after(1h).recv(); });
    weft::after_func(1h, [] { std::puts("never"); });
  }
  const weft::ticker t(1ms);
  weft::go([=] {
    for (;;) t.channel().recv();
  });
  weft::sleep_for(5ms);
  std::puts("main returns");
  return 0;
}

int return_with_unstarted() {
  for (int i = 0; i < 1000; ++i) weft::go([text = std::string(100, 'x')] { weft::yield(); });
  std::puts("main returns");
  return 0;
}

int return_at_once() {
  std::puts("main returns");
  return 0;
}

int return_with_a_blocked_thread() {
  const weft::chan<int> c;
  std::thread([=] { c.recv(); }).detach();
  weft::go([=] { c.recv(); });
  weft::sleep_for(5ms);
  std::puts("main returns");
  return 0;
}

int run_drops_the_others() {
  const int status = weft::run([] {
    weft::go([] {
      weft::defer d{[] { std::puts("deferred"); }};
      weft::chan<int>(nullptr).recv();
    });
    weft::sleep_for(2ms);
    return 4;
  });
  std::puts("main returns");
  return status;
}

int exit_from_a_goroutine() {
  weft::go([] { std::exit(3); });
  return wait_for_the_end();
}

int exit_from_a_goroutine_beside_others() {
  for (int i = 0; i < 10; ++i)
    weft::go([] {
      for (;;) weft::yield();
    });
  weft::go([] {
    weft::sleep_for(2ms);
    std::exit(3);
  });
  return wait_for_the_end();
}

int exit_from_the_main_goroutine() {
  return weft::run([] {
    std::exit(3);
    return 0;
  });
}

int exit_goroutine_of_main() {
  return weft::run([] {
    weft::go([] {
      weft::sleep_for(2ms);
      std::puts("the others go on");
      std::exit(5);
    });
    weft::exit_goroutine();
    return 0;
  });
}

struct uses_weft_when_destroyed {
  ~uses_weft_when_destroyed() {
    const weft::chan<int> c(1);
    c.send(1);
    std::printf("static destructor %d\n", c.recv().value_or(-1));
    std::fflush(stdout);
  }
};

int static_destructor_uses_a_channel() {
  static const uses_weft_when_destroyed at_exit;
  weft::go([] { weft::sleep_for(1h); });
  weft::sleep_for(1ms);
  return 0;
}

int print_max_procs() {
  std::printf("max_procs %d num_cpu %d\n", weft::max_procs(), weft::num_cpu());
  weft::run([] { weft::yield(); });
  return 0;
}

const std::map<std::string_view, int (*)()> scenarios{
    {"uncaught", uncaught},
    {"uncaught_unnamed", uncaught_unnamed},
    {"uncaught_after_a_park", uncaught_after_a_park},
    {"uncaught_with_arguments", uncaught_with_arguments},
    {"uncaught_int", uncaught_int},
    {"uncaught_in_wait_group", uncaught_in_wait_group},
    {"uncaught_in_after_func", uncaught_in_after_func},
    {"uncaught_send_on_closed", uncaught_send_on_closed},
    {"uncaught_in_run", uncaught_in_run},
    {"exit_goroutine_on_a_thread", exit_goroutine_on_a_thread},
    {"exit_goroutine_of_main", exit_goroutine_of_main},
    {"return_with_blocked", return_with_blocked},
    {"return_with_running", return_with_running},
    {"return_with_sleeping", return_with_sleeping},
    {"return_with_unstarted", return_with_unstarted},
    {"return_at_once", return_at_once},
    {"return_with_a_blocked_thread", return_with_a_blocked_thread},
    {"run_drops_the_others", run_drops_the_others},
    {"exit_from_a_goroutine", exit_from_a_goroutine},
    {"exit_from_a_goroutine_beside_others", exit_from_a_goroutine_beside_others},
    {"exit_from_the_main_goroutine", exit_from_the_main_goroutine},
    {"static_destructor_uses_a_channel", static_destructor_uses_a_channel},
    {"print_max_procs", print_max_procs},
};

}  // namespace

int main(int argc, char** argv) {
  const auto found = scenarios.find(argc > 1 ? argv[1] : "");
  if (found == scenarios.end()) {
    std::fputs("no such scenario\n", stderr);
    return 98;
  }
  return found->second();
}
