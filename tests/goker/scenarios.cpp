// The ways in which goroutines of real programs got stuck (the classes of the GoKer collection),
// each as small as it can be: `goker_scenarios NAME WAY` plants one, and then
//   stuck      asks find_stuck_goroutines(), and prints "kind name" for each finding
//   leaks      asks leak_check::leaks(), and prints the names in its list
//   exit       returns from main once all are parked: for WEFT_LEAKS
//   watched    waits until every copy has been told of on stderr, as WEFT_STUCK does
//   deadlock   waits for all of them in weft, as a program does that hangs
// What one copy of a planted error finds may be missed: an old word in memory may look like a
// pointer. So several copies are planted of each.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <weft/weft.hpp>

namespace {

using namespace std::chrono_literals;

constexpr int copies = 5;

/// What has to have happened before the next may come.
using gate = weft::event;

template <class F>
void start(const char* name, F f) {
  weft::go(weft::named(name), std::move(f));
}

struct two_locks {
  weft::mutex a, b, c;
  gate first, second, third;
};

void double_lock() {
  auto s = std::make_shared<two_locks>();
  start("twice", [s] {
    s->a.lock();
    s->a.lock();
  });
}

void ab_ba() {
  auto s = std::make_shared<two_locks>();
  start("ab", [s] {
    s->a.lock();
    s->first.set();
    s->second.wait();
    s->b.lock();
  });
  start("ba", [s] {
    s->b.lock();
    s->second.set();
    s->first.wait();
    s->a.lock();
  });
}

void ring_of_three() {
  auto s = std::make_shared<two_locks>();
  start("ab", [s] {
    s->a.lock();
    s->first.set();
    s->second.wait();
    s->b.lock();
  });
  start("bc", [s] {
    s->b.lock();
    s->second.set();
    s->third.wait();
    s->c.lock();
  });
  start("ca", [s] {
    s->c.lock();
    s->third.set();
    s->first.wait();
    s->a.lock();
  });
}

void forgotten_unlock() {
  auto s = std::make_shared<two_locks>();
  start("forgets", [s] {
    s->a.lock();
    s->first.set();
  });
  start("waits", [s] {
    s->first.wait();
    s->a.lock();
  });
}

void write_then_read() {
  auto m = std::make_shared<weft::shared_mutex>();
  start("upgrades", [m] {
    m->lock();
    m->lock_shared();
  });
}

/// A writer between two read locks of one goroutine: the second waits for it, it for the first.
void recursive_read() {
  struct shared {
    weft::shared_mutex m;
    gate reads;
  };
  auto s = std::make_shared<shared>();
  start("reader", [s] {
    s->m.lock_shared();
    s->reads.set();
    while (s->m.try_lock_shared()) {  // until the writer waits
      s->m.unlock_shared();
      weft::yield();
    }
    s->m.lock_shared();
  });
  start("writer", [s] {
    s->reads.wait();
    s->m.lock();
  });
}

void channel_with_lock() {
  auto s = std::make_shared<two_locks>();
  weft::chan<int> c(0);
  start("sends locked", [s, c] {
    s->a.lock();
    s->first.set();
    c.send(1);
    s->a.unlock();
  });
  start("locks to receive", [s, c] {
    s->first.wait();
    s->a.lock();
    c.recv();
    s->a.unlock();
  });
}

void missing_close() {
  weft::chan<int> c(3);
  start("produces", [c] {
    for (int i = 0; i < 3; ++i) c.send(i);
  });
  start("consumes", [c] {
    for ([[maybe_unused]] const int i : c) {
    }
  });
}

/// The one who asked has given up, and nobody receives the answer.
void answer_nobody_wants() {
  weft::chan<int> answer(0);
  start("asks", [answer] { static_cast<void>(answer.recv_for(1ms)); });
  start("answers", [answer] {
    weft::sleep_for(5ms);
    answer.send(1);
  });
}

void crossed_channels() {
  weft::chan<int> a(0), b(0);
  start("a first", [a, b] {
    a.recv();
    b.send(1);
  });
  start("b first", [a, b] {
    b.recv();
    a.send(1);
  });
}

void select_of_forgotten() {
  weft::chan<int> a(0), b(0);
  start("selects",
        [a, b] { weft::select(weft::on_recv(a, [](const auto&) {}), weft::on_send(b, 1, [] {})); });
}

void nil_channel() {
  start("nil", [] { weft::chan<int>(nullptr).recv(); });
}

/// add(2), and one done.
void wait_group_misuse() {
  const weft::wait_group all;
  all.add(2);
  start("done once", [all] { all.done(); });
  start("waits for two", [all] { all.wait(); });
}

/// Waits for those who wait for its lock.
void wait_group_with_lock() {
  auto s = std::make_shared<two_locks>();
  start("waits locked", [s] {
    const weft::wait_group all;
    s->a.lock();
    all.go(weft::named("works locked"), [s] {
      s->a.lock();
      s->a.unlock();
    });
    all.wait();
    s->a.unlock();
  });
}

/// The notification came first.
void condition_misuse() {
  struct shared {
    weft::mutex m;
    weft::condition_variable changed;
  };
  auto s = std::make_shared<shared>();
  s->changed.notify_one();
  start("waits for news", [s] {
    std::unique_lock lock(s->m);
    s->changed.wait(lock);
  });
}

/// Waits for a cancellation that nobody calls for.
void channel_with_context() {
  weft::chan<int> c(0);
  auto [ctx, cancel] = weft::with_cancel(weft::background());
  start("waits for the end", [c, ctx = ctx, cancel = cancel] {
    static_cast<void>(c.recv(ctx));
    cancel();
  });
}

void semaphore_misuse() {
  auto tokens = std::make_shared<weft::semaphore>(1);
  start("takes two", [tokens] {
    tokens->acquire();
    tokens->acquire();
  });
}

/// Nothing is wrong: whoever looks must find nothing.
void all_well() {
  static weft::chan<int> known(0);
  static weft::mutex m;
  start("known to main", [] { known.recv(); });
  start("sleeps", [] { weft::sleep_for(1h); });
  start("waits for the clock", [] { weft::after(1h).recv(); });
  start("holds", [] {
    m.lock();
    known.recv();
    m.unlock();
  });
  start("waits for holder", [] {
    m.lock();
    m.unlock();
  });
}

void nothing_left() {
  const weft::wait_group all;
  for (int i = 0; i < 100; ++i) all.go([] { weft::yield(); });
  all.wait();
}

const std::map<std::string_view, void (*)()> scenarios{
    {"double_lock", double_lock},
    {"ab_ba", ab_ba},
    {"ring_of_three", ring_of_three},
    {"forgotten_unlock", forgotten_unlock},
    {"write_then_read", write_then_read},
    {"recursive_read", recursive_read},
    {"channel_with_lock", channel_with_lock},
    {"missing_close", missing_close},
    {"answer_nobody_wants", answer_nobody_wants},
    {"crossed_channels", crossed_channels},
    {"select_of_forgotten", select_of_forgotten},
    {"nil_channel", nil_channel},
    {"wait_group_misuse", wait_group_misuse},
    {"wait_group_with_lock", wait_group_with_lock},
    {"condition_misuse", condition_misuse},
    {"channel_with_context", channel_with_context},
    {"semaphore_misuse", semaphore_misuse},
    {"all_well", all_well},
    {"nothing_left", nothing_left},
};

/// In a frame of its own, which is gone when the search begins.
[[gnu::noinline]] void plant(void (*scenario)()) {
  for (int i = 0; i < copies; ++i) scenario();
}

const char* words(weft::stuck_kind kind) {
  return kind == weft::stuck_kind::lock ? "lock" : "unreachable";
}

/// Until the findings stay the same; if there are none, after many looks at a quiet program.
weft::stuck_goroutines look_when_all_is_quiet() {
  constexpr int looks_max = 40;
  constexpr int looks_alike = 3;
  weft::stuck_goroutines found;
  std::size_t before = 0;
  int alike = 0;
  for (int look = 0; look < looks_max && (alike < looks_alike || found.empty()); ++look) {
    weft::sleep_for(10ms);
    found = weft::find_stuck_goroutines();
    alike = found.found.size() == before ? alike + 1 : 0;
    before = found.found.size();
  }
  return found;
}

void show_stuck(void (*scenario)()) {
  plant(scenario);
  for (const weft::stuck_goroutine& g : look_when_all_is_quiet().found)
    std::printf("%s %s\n", words(g.kind), g.name.c_str());
}

void show_leaks(void (*scenario)()) {
  weft::leak_check guard({.grace = 100ms});
  plant(scenario);
  std::puts(guard.leaks().c_str());
}

/// Until as many are parked as will ever be.
void let_them_park() {
  for (int i = 0; i < 20; ++i) weft::sleep_for(5ms);
}

void wait_for_the_watch(void (*scenario)()) {
  int ends[2];
  if (::pipe(ends) != 0 || ::dup2(ends[1], STDERR_FILENO) < 0) return;
  plant(scenario);
  std::string said;
  const auto told = [&said] {
    int count = 0;
    for (std::size_t at = said.find("can never"); at != std::string::npos; ++count)
      at = said.find("can never", at + 1);
    return count;
  };
  char text[4096];
  while (told() < copies) {
    const ssize_t count = ::read(ends[0], text, sizeof text);
    if (count <= 0) break;
    said.append(text, static_cast<std::size_t>(count));
  }
  std::puts(said.c_str());
}

void hang(void (*scenario)()) {
  plant(scenario);
  weft::chan<int>(nullptr).recv();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 || !scenarios.contains(argv[1])) return 64;
  void (*const scenario)() = scenarios.at(argv[1]);
  const std::string_view way = argv[2];
  if (way == "deadlock") hang(scenario);
  weft::set_deadlock_detection(false);
  if (way == "stuck") show_stuck(scenario);
  if (way == "leaks") show_leaks(scenario);
  if (way == "exit") {
    plant(scenario);
    let_them_park();
    return 0;
  }
  if (way == "watched") wait_for_the_watch(scenario);
  std::fflush(stdout);
  std::_Exit(0);  // with all of them still waiting
}
