// 64 plain threads call in, by every primitive, while the number of processors changes.
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::scaled;

using Plain_threads = weft_test::fixture;

constexpr int callers = 64;

/// Changes max_procs between 1 and 8 for as long as it lives.
class shaken_processors {
 public:
  shaken_processors()
      : shaker_([this] {
          for (int i = 0; !stop_.load(); ++i) {
            weft::set_max_procs(1 + (i * 5) % 8);
            ++changes_;
            std::this_thread::sleep_for(50us);
          }
        }) {
    while (changes_.load() == 0) std::this_thread::yield();  // the machine may be busy
  }
  shaken_processors(const shaken_processors&) = delete;
  shaken_processors& operator=(const shaken_processors&) = delete;
  ~shaken_processors() {
    stop_.store(true);
    shaker_.join();
    weft::set_max_procs(before_);
  }

 private:
  int before_ = weft::max_procs();
  std::atomic<bool> stop_{false};
  std::atomic<int> changes_{0};
  std::thread shaker_;
};

/// Runs f(number) on 64 plain threads at once.
template <class F>
void on_64_threads(F f) {
  std::vector<std::thread> threads;
  for (int i = 0; i < callers; ++i) threads.emplace_back([&f, i] { f(i); });
  for (std::thread& t : threads) t.join();
}

TEST_F(Plain_threads, exchange_each_value_exactly_once) {
  const shaken_processors shaken;
  for (const std::size_t room : {0U, 1U, 16U}) {
    const int each = scaled(200);
    const weft::chan<int> c(room);
    const weft::chan<int> back(room);
    std::vector<std::atomic<int>> seen(static_cast<std::size_t>(callers / 2 * each));
    const weft::wait_group echoes;
    for (int i = 0; i < 8; ++i)
      echoes.go([=] {
        for (const int v : c) back.send(v);
      });
    std::atomic<int> left{callers / 2};
    on_64_threads([&](int i) {
      if (i % 2 == 0) {
        for (int n = 0; n < each; ++n) c.send(i / 2 * each + n);
        if (left.fetch_sub(1) == 1) c.close();
      } else {
        for (int n = 0; n < each; ++n)
          seen[static_cast<std::size_t>(back.recv().value())].fetch_add(1);
      }
    });
    echoes.wait();
    for (const auto& count : seen) ASSERT_EQ(count.load(), 1) << "with room for " << room;
  }
}

TEST_F(Plain_threads, start_each_goroutine_exactly_once) {
  const shaken_processors shaken;
  const int each = scaled(200);
  std::vector<std::atomic<int>> ran(static_cast<std::size_t>(callers * each));
  on_64_threads([&](int i) {
    const weft::wait_group wg;
    for (int n = 0; n < each; ++n)
      wg.go([&ran, at = static_cast<std::size_t>(i * each + n)] {
        if (at % 3 == 0) weft::yield();
        if (at % 7 == 0) weft::sleep_for(1us);
        ran[at].fetch_add(1);
      });
    wg.wait();
  });
  for (const auto& count : ran) ASSERT_EQ(count.load(), 1);
}

TEST_F(Plain_threads, lock_with_goroutines_in_between) {
  const shaken_processors shaken;
  const int each = scaled(100);
  weft::mutex m;
  weft::shared_mutex s;
  int counted = 0;
  long shared = 0;
  on_64_threads([&](int i) {
    const weft::wait_group wg;
    const auto count = [&] {
      for (int n = 0; n < each; ++n) {
        {
          const std::lock_guard lock(m);
          ++counted;
        }
        if (n % 4 == 0) {
          const std::lock_guard lock(s);
          ++shared;
        } else {
          const std::shared_lock lock(s);
          EXPECT_GE(shared, 0);
        }
      }
    };
    if (i % 2 == 0) wg.go(count);
    count();
    wg.wait();
  });
  EXPECT_EQ(counted, (callers + callers / 2) * each);
  EXPECT_EQ(shared, (callers + callers / 2) * ((each + 3) / 4));
}

TEST_F(Plain_threads, select_one_of_many_each_time) {
  const shaken_processors shaken;
  const int each = scaled(100);
  const weft::chan<int> a, b(4);
  const weft::chan<void> stop;
  std::atomic<long> sent{0}, received{0};
  on_64_threads([&](int i) {
    for (int n = 0; n < each; ++n) {
      if (i % 2 == 0)
        weft::select(weft::on_send(a, 1, [&] { sent.fetch_add(1); }),
                     weft::on_send(b, 2, [&] { sent.fetch_add(2); }), weft::on_recv(stop));
      else
        weft::select(
            weft::on_recv(a, [&](std::optional<int> v) { received.fetch_add(v.value_or(0)); }),
            weft::on_recv(b, [&](std::optional<int> v) { received.fetch_add(v.value_or(0)); }),
            weft::on_recv(stop));
    }
  });
  while (const auto v = b.try_recv()) received.fetch_add(*v);
  EXPECT_EQ(sent.load(), received.load());
}

TEST_F(Plain_threads, time_out_and_are_cancelled_without_loss) {
  const shaken_processors shaken;
  const int each = scaled(100);
  const weft::chan<int> c;
  std::atomic<long> sent{0}, received{0};
  on_64_threads([&](int i) {
    auto [ctx, cancel] = weft::with_timeout(weft::background(), 200us);
    for (int n = 0; n < each; ++n) {
      if (i % 2 == 0) {
        const auto status = n % 2 == 0 ? c.send_for(1, 20us) : c.send(ctx, 1);
        if (status == weft::channel_status::ok) sent.fetch_add(1);
      } else if (n % 2 == 0) {
        if (const auto v = c.recv_for(20us)) received.fetch_add(*v);
      } else {
        if (const auto v = c.recv(ctx)) received.fetch_add(*v);
      }
    }
    cancel();
  });
  EXPECT_EQ(sent.load(), received.load());
}

}  // namespace
