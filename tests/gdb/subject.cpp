// The program that the tests of the gdb extension look at. Every goroutine comes to rest in a way
// that the test knows; then the program stops in `everybody_rests`.
#include <chrono>
#include <cstdio>
#include <memory>
#include <shared_mutex>
#include <string>

#include <weft/weft.hpp>

namespace {

using namespace std::chrono_literals;

/// Its move may throw, so that it travels in a box.
struct fragile {
  explicit fragile(int n) : number(n) {}
  fragile(fragile&& other) noexcept(false) : number(other.number) {}
  fragile& operator=(fragile&& other) noexcept(false) {
    number = other.number;
    return *this;
  }
  ~fragile() = default;
  int number;
};

weft::mutex the_lock;
weft::shared_mutex the_shared_lock;
weft::condition_variable the_condition;
weft::mutex condition_lock;
weft::semaphore the_semaphore(3);
weft::event the_event;
weft::latch the_latch(2);
weft::once the_once;
const weft::chan<int> requests(4);
const weft::chan<std::string> answers;
const weft::chan<fragile> fragiles(2);
const weft::chan<int> nobody_sends;
const weft::chan<std::string> nobody_receives;
const weft::wait_group the_group;

[[gnu::noinline]] void receive_one(int depth) {
  int local_of_receiver = 4711 + depth;
  std::printf("%s%d\n", answers.recv() ? "got " : "closed ", local_of_receiver);
}

[[gnu::noinline]] void outer_of_receiver(int depth) {
  receive_one(depth + 1);
  std::printf("after %d\n", depth);
}

[[gnu::noinline]] void wait_for_the_lock() {
  the_lock.lock();
  the_lock.unlock();
}

[[gnu::noinline]] void choose() {
  std::optional<int> got;
  weft::select(weft::on_recv(nobody_sends, got), weft::on_send(nobody_receives, std::string("x")),
               weft::on_timeout(1h));
}

/// For a breakpoint. Returns: whether the one who looks has seen enough; a debugger says so.
[[gnu::noinline]] bool everybody_rests(const weft::context& given, int local_of_runner) {
  static volatile bool enough = false;
  if (given.cancelled() && local_of_runner == 0) std::puts("cancelled");
  return enough;
}

/// In a goroutine that runs: it holds the lock, and stops the program until all others rest.
[[gnu::noinline]] void run_on(const weft::chan<void>& resting) {
  the_lock.lock();
  resting.send();
  const auto [ctx, cancel] = weft::with_cancel(weft::background());
  cancel();
  for (int i = 0; i < 10'000; ++i) {
    weft::sleep_for(1ms);
    weft::go(weft::named("never run"), [] {});
    if (everybody_rests(ctx, i + 1)) break;
  }
  the_lock.unlock();
}

void start_those_who_wait() {
  weft::go(weft::named("receiver"), [] { outer_of_receiver(1); });
  weft::go(weft::named("locker"), [] { wait_for_the_lock(); });
  weft::go(weft::named("chooser"), [] { choose(); });
  weft::go(weft::named("sleeper"), [] { weft::sleep_for(1h); });
  weft::go(weft::named("grouped"), [] { the_group.wait(); });
  weft::go(weft::named("reader"), [] {
    const std::shared_lock hold(the_shared_lock);
    weft::sleep_for(1h);
  });
  weft::go(weft::named("acquirer"), [] { the_semaphore.acquire(2); });
  weft::go(weft::named("conditional"), [] {
    std::unique_lock hold(condition_lock);
    the_condition.wait(hold);
  });
  weft::go(weft::named("eventual"), [] { the_event.wait(); });
  weft::go(weft::named("latched"), [] { the_latch.wait(); });
}

}  // namespace

int main() {
  weft::set_max_procs(1);
  for (int i = 1; i <= 3; ++i) requests.send(i * 11);
  fragiles.send(fragile(99));
  the_group.add(2);
  the_semaphore.acquire(2);
  the_once.call([] {});
  const weft::chan<void> resting;
  const weft::chan<void> over;
  weft::go(weft::named("runner"), [resting, over] {
    run_on(resting);
    over.send();
  });
  resting.recv();
  start_those_who_wait();
  over.recv();
  std::puts("end");
}
