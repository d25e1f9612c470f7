// Tasks, groups and parallel loops: every result and every exception reaches whoever joins.
#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "scenarios.hpp"

namespace soak {
namespace {

int fibonacci(int n) {
  if (n < 2) return n;
  auto left = weft::spawn([n] { return fibonacci(n - 1); });
  const int right = fibonacci(n - 2);
  return left.get() + right;
}

struct planned_failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace

void fork_and_join(scene& s) {
  static constexpr int numbers[] = {0,  1,  1,  2,   3,   5,   8,   13,  21,
                                    34, 55, 89, 144, 233, 377, 610, 987, 1597};
  crew all(s);
  s.at("forking");
  for (std::size_t i = s.random().between(1, 4); i-- > 0;)
    all.start([&s](random_source random) {
      const int n = static_cast<int>(random.between(3, under_tsan ? 9 : 17));
      s.check(fibonacci(n) == numbers[n], "fork and join computes another number");
      s.step();
    });
  all.join();
}

void failing_tasks(scene& s) {
  crew all(s);
  s.at("joining");
  const std::size_t rounds = scaled(s.random().between(20, 200));
  for (std::size_t i = s.random().between(1, 6); i-- > 0;)
    all.start([&s, rounds](random_source random) {
      for (std::size_t n = 0; n < rounds; ++n) {
        const bool fails = random.percent(40);
        auto t = weft::spawn([fails, parks = random.percent(30), counted = live()] {
          if (parks) weft::yield();
          if (fails) throw planned_failure("planned");
          return 7;
        });
        if (random.percent(30)) static_cast<void>(t.join_for(random.tiny_wait()));
        int got = 0;
        try {
          got = t.get();
        } catch (const planned_failure&) {
          got = -1;
        }
        s.check(got == (fails ? -1 : 7), "a task's outcome is another's");
        s.step();
      }
    });
  all.join();
}

void task_groups(scene& s) {
  for (std::size_t round = scaled(s.random().between(3, 30)); round-- > 0;) {
    const std::size_t count = s.random().between(1, 30);
    const bool fails = s.random().percent(40);
    const auto limit = static_cast<int>(s.random().between(1, 8));
    std::atomic<int> inside{0};
    std::atomic<std::size_t> ended{0};
    bool thrown = false;
    weft::task_group group;
    group.set_limit(limit);
    s.at("in a group");
    for (std::size_t i = 0; i < count; ++i)
      group.go([&, i, parks = s.random().percent(40)](const weft::context& ctx) {
        s.check(inside.fetch_add(1) < limit, "more at a time than the limit");
        const weft::defer leave([&] {
          --inside;
          ++ended;
        });
        if (fails && i == count / 2) throw planned_failure("planned");
        if (parks) weft::sleep_for(ctx, std::chrono::microseconds(20));
      });
    try {
      group.wait();
    } catch (const planned_failure&) {
      thrown = true;
    }
    s.check(thrown == fails, "the first exception did not reach wait");
    s.check(ended == count, "wait returned before the last");
    s.step();
  }
}

void parallel_loops(scene& s) {
  const std::size_t count = scaled(s.random().between(1'000, 60'000));
  std::vector<std::uint64_t> values(count);
  std::iota(values.begin(), values.end(), std::uint64_t{0});
  const std::uint64_t sum = (count - 1) * static_cast<std::uint64_t>(count) / 2;
  s.at("reducing");
  s.check(weft::parallel_reduce(values, std::uint64_t{0}) == sum, "a wrong sum");
  s.at("visiting");
  std::vector<std::atomic<std::uint8_t>> visits(count);
  weft::parallel_for(std::size_t{0}, count, [&](std::size_t i) { ++visits[i]; });
  s.check(std::all_of(visits.begin(), visits.end(), [](const auto& v) { return v == 1; }),
          "an index was left out, or visited twice");
  s.at("sorting");
  random_source random = s.random().split();
  std::vector<std::uint64_t> shuffled = values;
  for (std::size_t i = count; i > 1; --i) std::swap(shuffled[i - 1], shuffled[random.below(i)]);
  weft::parallel_sort(shuffled);
  s.check(shuffled == values, "not sorted");
  s.at("failing in a loop");
  bool thrown = false;
  try {
    weft::parallel_for(std::size_t{0}, count, [bad = random.below(count)](std::size_t i) {
      if (i == bad) throw planned_failure("planned");
    });
  } catch (const planned_failure&) {
    thrown = true;
  }
  s.check(thrown, "the exception of a loop was lost");
}

void when_any_all(scene& s) {
  const std::size_t rounds = scaled(s.random().between(10, 100));
  crew all(s);
  s.at("waiting for several");
  for (std::size_t i = s.random().between(1, 4); i-- > 0;)
    all.start([&s, rounds](random_source random) {
      for (std::size_t n = 0; n < rounds; ++n) {
        std::vector<weft::task<std::size_t>> tasks;
        for (std::size_t k = 0; k < 1 + n % 5; ++k)
          tasks.push_back(weft::spawn([k, nap = random.tiny_wait()] {
            weft::sleep_for(nap);
            return k;
          }));
        const std::size_t first = weft::when_any(tasks);
        s.check(first < tasks.size() && tasks[first].ready(), "the first is not ready");
        const auto results = weft::when_all(tasks);
        for (std::size_t k = 0; k < results.size(); ++k)
          s.check(results[k] == k, "another task's result");
        s.step();
      }
    });
  all.join();
}

}  // namespace soak
