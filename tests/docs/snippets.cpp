// What the pages of docs/ quote, compiled and run: each test holds a snippet and what it promises.
#include <unistd.h>

#include <cfenv>
#include <chrono>
#include <cstdio>
#include <exception>
#include <mutex>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include <weft/weft.hpp>

namespace {

using namespace std::chrono_literals;

int work(int n) { return n * n; }

TEST(Snippets, GoWithArgumentsNameAndStack) {
  weft::chan<int> answers(3);
  const auto square_into = [](weft::send_chan<int> out, int n) { out.send(n * n); };

  weft::go(square_into, answers, 2);
  weft::go(weft::named("big").stack(1024 * 1024), square_into, answers, 3);
  weft::go([=] { answers.send(16); });

  int sum = 0;
  for (int i = 0; i < 3; ++i) sum += *answers.recv();
  EXPECT_EQ(sum, 29);
}

TEST(Snippets, TryTellsWouldBlockFromClosed) {
  weft::chan<int> c(1);
  EXPECT_EQ(c.try_recv().status(), weft::channel_status::would_block);
  c.send(7);
  EXPECT_EQ(c.try_send(8), weft::channel_status::would_block);
  c.close();
  EXPECT_EQ(*c.try_recv(), 7);
  EXPECT_EQ(c.try_recv().status(), weft::channel_status::closed);
  EXPECT_EQ(c.try_send(8), weft::channel_status::closed);
}

TEST(Snippets, BoundedWaits) {
  weft::chan<std::string> mail;
  weft::recv_result<std::string> letter = mail.recv_for(1ms);
  EXPECT_FALSE(letter);
  EXPECT_EQ(letter.status(), weft::channel_status::timeout);
  EXPECT_EQ(mail.send_for("hello", 1ms), weft::channel_status::timeout);
}

TEST(Snippets, ANilChannelSwitchesACaseOff) {
  weft::chan<int> a(2), b(2);
  for (int n : {1, 2}) a.send(n), b.send(10 * n);
  a.close();
  b.close();

  int sum = 0;
  const auto add_or_switch_off = [&sum](weft::chan<int>& from, std::optional<int> value) {
    if (value)
      sum += *value;
    else
      from = nullptr;  // closed: this case is never ready again
  };
  while (a || b)
    weft::select(weft::on_recv(a, [&](std::optional<int> v) { add_or_switch_off(a, v); }),
                 weft::on_recv(b, [&](std::optional<int> v) { add_or_switch_off(b, v); }));
  EXPECT_EQ(sum, 33);
}

int sum_until_quit(weft::recv_chan<int> numbers, weft::recv_chan<void> quit) {
  int sum = 0;
  for (;;) {
    std::optional<int> number;
    switch (weft::select(weft::on_recv(numbers, number), weft::on_recv(quit))) {
      case 0:
        if (!number) return sum;
        sum += *number;
        break;  // leaves the switch, as Go's break leaves the select
      case 1:
        return sum;
    }
  }
}

TEST(Snippets, SelectByIndexMayLeaveTheLoop) {
  weft::chan<int> numbers;
  weft::chan<void> quit;
  weft::chan<int> answer(1);
  weft::go([=] { answer.send(sum_until_quit(numbers, quit)); });
  for (int n : {1, 2, 3}) numbers.send(n);
  quit.close();
  EXPECT_EQ(answer.recv(), 6);
}

int next_id() {
  static int last = 0;
  return ++last;
}

TEST(Snippets, NameTheOperandsOfASelectFirst) {
  weft::chan<int> left(1), right(1);
  const int for_left = next_id();  // the order is ours now, not the compiler's
  const int for_right = next_id();
  weft::select(weft::on_send(left, for_left), weft::on_send(right, for_right));
  EXPECT_EQ(left.size() + right.size(), 1U);
  EXPECT_LT(for_left, for_right);
}

TEST(Snippets, DeferEndsWithItsScope) {
  std::vector<std::string> log;
  for (int i = 0; i < 2; ++i) {
    weft::defer leave{[&log, i] { log.push_back("leave " + std::to_string(i)); }};
    log.push_back("enter " + std::to_string(i));
  }
  EXPECT_EQ(log, (std::vector<std::string>{"enter 0", "leave 0", "enter 1", "leave 1"}));
}

TEST(Snippets, ExitGoroutinePassesACatchAllThatRethrows) {
  weft::wait_group wg;
  bool cleaned = false, went_on = false;
  wg.go([&] {
    weft::defer clean{[&] { cleaned = true; }};
    try {
      weft::exit_goroutine();
    } catch (const std::exception&) {
      went_on = true;  // not reached: what exit_goroutine throws is no std::exception
    } catch (...) {
      throw;  // without this the goroutine would go on
    }
    went_on = true;
  });
  wg.wait();
  EXPECT_TRUE(cleaned);
  EXPECT_FALSE(went_on);
}

TEST(Snippets, ErrorsTravelThroughChannels) {
  using outcome = std::variant<int, std::exception_ptr>;
  weft::chan<outcome> outcomes;
  weft::go([=] {
    try {
      outcomes.send(std::stoi("no number"));
    } catch (const std::exception&) {
      outcomes.send(std::current_exception());
    }
  });
  const outcome got = *outcomes.recv();
  ASSERT_TRUE(std::holds_alternative<std::exception_ptr>(got));
  EXPECT_THROW(std::rethrow_exception(std::get<1>(got)), std::invalid_argument);
}

TEST(Snippets, AMutexMayBeHeldAcrossAPark) {
  weft::mutex turn;
  weft::wait_group all;
  int shared = 0;
  for (int i = 0; i < 10; ++i)
    all.go([&] {
      const std::lock_guard lock(turn);  // a weft::mutex
      const int before = shared;
      weft::yield();  // parks while it has its turn: the others wait in lock()
      shared = before + 1;
    });
  all.wait();
  EXPECT_EQ(shared, 10);
}

TEST(Snippets, LockOnlyWhatDoesNotPark) {
  std::mutex guard;
  std::vector<int> found;
  weft::wait_group all;
  for (int i = 1; i <= 4; ++i)
    all.go([&, i] {
      const int result = work(i);  // may park
      std::lock_guard lock(guard);
      found.push_back(result);  // may not
    });
  all.wait();
  EXPECT_EQ(std::accumulate(found.begin(), found.end(), 0), 30);
}

/// Stands for a call that blocks its thread.
std::string ask_the_user() { return "yes"; }

TEST(Snippets, ABlockingCallGivesItsPlaceAway) {
  weft::chan<bool> agreed(1);
  weft::go([=] {
    const std::string answer = weft::blocking([] { return ask_the_user(); });
    agreed.send(answer == "yes");
  });
  EXPECT_TRUE(*agreed.recv());
}

TEST(Snippets, ALongLoopYields) {
  weft::chan<long> result(1);
  weft::go([=] {
    long sum = 0;
    for (int i = 0; i < 1'000'000; ++i) {
      sum += i % 7;
      if (i % 100'000 == 0) weft::yield();
    }
    result.send(sum);
  });
  EXPECT_EQ(*result.recv(), 2'999'997);
}

weft::recv_chan<int> lengths(std::vector<std::string> words) {
  weft::chan<int> out;
  weft::go([out, words = std::move(words)] {  // owns what it uses
    for (const std::string& word : words) out.send(static_cast<int>(word.size()));
    out.close();
  });
  return out;
}

TEST(Snippets, CaptureWhatTheGoroutineUses) {
  int sum = 0;
  for (int length : lengths({"warp", "and", "weft"})) sum += length;
  EXPECT_EQ(sum, 11);
}

TEST(Snippets, OneOfManySendersCloses) {
  weft::chan<int> out(4);
  weft::wait_group senders;
  for (int s = 0; s < 3; ++s)
    senders.go([=] {
      for (int i = 0; i < 10; ++i) out.send(i);
    });
  weft::go([=] {
    senders.wait();  // nobody sends any more
    out.close();
  });

  int count = 0;
  for ([[maybe_unused]] int value : out) ++count;
  EXPECT_EQ(count, 30);
}

TEST(Snippets, CloseTellsEverybodyToStop) {
  weft::chan<void> stop;
  weft::wait_group workers;
  for (int w = 0; w < 3; ++w)
    workers.go([=] {
      for (bool running = true; running;)
        weft::select(weft::on_recv(stop, [&](bool) { running = false; }),
                     weft::on_timeout(1ms, [] { /* one more round of work */ }));
    });
  stop.close();
  workers.wait();
}

[[gnu::noinline]] int& calls_on_this_thread() {
  static thread_local int calls = 0;
  asm volatile("");  // or the compiler may take two calls for one
  return calls;
}

/// Whether the place after a park is another exactly if the thread is another.
[[gnu::noinline]] bool finds_its_thread_after_a_park() {
  const long thread = ::gettid();
  const int* place = &calls_on_this_thread();
  weft::yield();
  return (::gettid() == thread) == (&calls_on_this_thread() == place);
}

TEST(Snippets, AThreadLocalIsAskedForAnew) {
  weft::wait_group wg;
  int wrong = 0;
  wg.go([&] {
    for (int i = 0; i < 50; ++i) wrong += !finds_its_thread_after_a_park();
  });
  wg.wait();
  EXPECT_EQ(wrong, 0);
}

TEST(Snippets, ALockedGoroutineKeepsItsThread) {
  weft::wait_group wg;
  bool same = false;
  wg.go([&] {
    weft::lock_os_thread();
    weft::defer unlock{[] { weft::unlock_os_thread(); }};
    const long before = ::gettid();
    weft::sleep_for(1ms);
    same = ::gettid() == before;
  });
  wg.wait();
  EXPECT_TRUE(same);
}

double third_rounded_up() {
  const int mode = std::fegetround();
  std::fesetround(FE_UPWARD);
  weft::defer restore{[mode] { std::fesetround(mode); }};
  volatile double one = 1.0;
  volatile double third = one / 3.0;  // no park in here
  return third;
}

TEST(Snippets, TheRoundingModeIsPutBack) {
  volatile double one = 1.0;
  EXPECT_GT(third_rounded_up(), one / 3.0);
  EXPECT_EQ(std::fegetround(), FE_TONEAREST);
}

TEST(Snippets, ATickerAndATimerInASelect) {
  weft::ticker every(1ms);
  weft::timer give_up(1h);
  int ticks = 0;
  for (bool waiting = true; waiting && ticks < 3;)
    weft::select(weft::on_recv(every.channel(), [&](auto) { ++ticks; }),
                 weft::on_recv(give_up.channel(), [&](auto) { waiting = false; }));
  every.stop();
  EXPECT_TRUE(give_up.stop());  // it was still pending
  EXPECT_EQ(ticks, 3);
  EXPECT_FALSE(every.channel().try_recv());
}

TEST(Snippets, ParkedStacksArePacked) {
  if (!weft::set_pack_parked_after(30s))
    std::fputs("stacks are not packed: they take a page each\n", stderr);
  EXPECT_TRUE(weft::set_pack_parked_after(0s));
  EXPECT_EQ(weft::num_packed(), 0U);
}

int real_main() { return 42; }

TEST(Snippets, RunGivesBackWhatItsFunctionReturns) {
  const int status = weft::run(real_main);
  EXPECT_EQ(status, 42);
}

}  // namespace
