// The snippets of docs/library.md, compiled and run.
#include <deque>
#include <iterator>
#include <mutex>
#include <numeric>
#include <shared_mutex>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <weft/weft.hpp>

namespace {

using namespace std::chrono_literals;

TEST(Library, EveryWaitTakesABound) {
  weft::mutex m;
  weft::chan<int> jobs;
  std::stop_source source;
  source.request_stop();
  const auto [ctx, cancel] = weft::with_timeout(weft::background(), 1ms);
  if (m.try_lock_for(5ms)) m.unlock();
  EXPECT_EQ(jobs.recv_for(1ms).status(), weft::channel_status::timeout);
  EXPECT_EQ(jobs.recv(ctx).status(), weft::channel_status::cancelled);
  EXPECT_FALSE(weft::sleep_for(source.get_token(), 1h));  // false: it did not sleep to the end
}

TEST(Library, MutexAndConditionVariable) {
  std::stop_source stop;
  int got = 0;
  weft::mutex m;
  weft::condition_variable filled;
  std::deque<int> queue;

  weft::go([&] {
    const std::lock_guard guard(m);
    queue.push_back(42);
    filled.notify_one();
  });

  std::unique_lock lock(m);
  if (filled.wait(lock, stop.get_token(), [&] { return !queue.empty(); })) got = queue.front();
  EXPECT_EQ(got, 42);
}

weft::semaphore memory(64);  // megabytes, say
weft::pool<std::string> buffers;

bool handle(const weft::context& ctx, int megabytes) {
  if (!memory.acquire(ctx, megabytes)) return false;  // cancelled: nothing was taken
  weft::defer give_back{[&] { memory.release(megabytes); }};
  const auto buffer = buffers.borrow();
  buffer->assign("...");
  return true;
}

TEST(Library, SemaphoreAndPool) {
  EXPECT_TRUE(handle(weft::background(), 8));
  const auto [ctx, cancel] = weft::with_cancel(weft::background());
  cancel();
  EXPECT_FALSE(handle(ctx, 8));
}

inline const weft::context_key<std::string> user;

TEST(Library, Contexts) {
  std::string seen;
  auto [request, cancel] = weft::with_timeout(weft::background(), 2s);
  const weft::context ctx = weft::with_value(request, user, "ada");
  weft::chan<int> answers;

  weft::go([&, cancel = cancel] { cancel(); });
  weft::select(weft::on_recv(answers, [&](std::optional<int>) { seen = "an answer"; }),
               weft::on_done(ctx, [&] { seen = *ctx.value(user) + ": " + ctx.err().message(); }));
  EXPECT_EQ(seen, "ada: context canceled");
}

std::vector<int> sorted(std::vector<int> v) {
  if (v.size() < 2) return v;
  const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
  auto left = weft::spawn(sorted, std::vector<int>(v.begin(), middle));
  const std::vector<int> right = sorted(std::vector<int>(middle, v.end()));
  const std::vector<int> first = left.get();  // throws what the task threw
  std::vector<int> merged;
  std::merge(first.begin(), first.end(), right.begin(), right.end(), std::back_inserter(merged));
  return merged;
}

TEST(Library, Tasks) {
  EXPECT_EQ(sorted({5, 3, 9, 1}), (std::vector<int>{1, 3, 5, 9}));
  auto [one, two] = weft::when_all(weft::spawn([] { return 1; }),
                                   weft::spawn([] { return std::string("two"); }));
  EXPECT_EQ(one, 1);
  EXPECT_EQ(two, "two");
}

int fetch(const weft::context& ctx, int page) {
  if (page == 3) throw std::runtime_error("page 3 is gone");
  weft::sleep_for(ctx, 1h);  // cut short when another one fails
  return page;
}

TEST(Library, TaskGroups) {
  std::string failure;
  try {
    weft::task_group pages;
    pages.set_limit(4);
    for (int page = 1; page <= 4; ++page)
      pages.go([page](const weft::context& ctx) { fetch(ctx, page); });
    pages.wait();
  } catch (const std::exception& e) {
    failure = e.what();
  }
  EXPECT_EQ(failure, "page 3 is gone");
}

TEST(Library, ParallelLoops) {
  std::vector<int> numbers(100'000);
  weft::parallel_for(0, 100'000, [&](int i) { numbers[static_cast<std::size_t>(i)] = i % 10; });
  const int sum = weft::parallel_reduce(numbers, 0);
  const std::vector<int> squares = weft::parallel_map(numbers, [](int n) { return n * n; });
  weft::parallel_sort(numbers);
  EXPECT_EQ(sum, 450'000);
  EXPECT_EQ(squares[7], 49);
  EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
}

TEST(Library, WhatAGoroutineHasOfItsOwn) {
  std::ostringstream out;
  static weft::local<int> depth;
  weft::watch<std::string> state("starting");
  const weft::this_goroutine::with_label work("request", "42");
  weft::wait_group wg;
  wg.go([=, &out, states = state.subscribe()] {
    ++*depth;  // this goroutine's own
    for (const std::string& s : states)
      out << *weft::this_goroutine::label("request") << ": " << s << '\n';
  });
  state.send("running");
  state.close();
  wg.wait();
  EXPECT_TRUE(out.str().ends_with("42: running\n"));
}

}  // namespace
