// Crowds that are packed while they are woken: nobody is forgotten, and every stack is what it was.
//
// Many short waits of every kind, with a packer that packs whatever is parked at that moment, over
// and over. Values arrive once, and each goroutine checks what it left on its stack.
#include <array>
#include <atomic>
#include <cstdlib>
#include <thread>

#include "../support.hpp"

namespace {

using namespace std::chrono_literals;

/// Packs as fast as it may for as long as it lives.
class packing {
 public:
  packing() : on_(weft::set_pack_parked_after(1ns)) {}
  packing(const packing&) = delete;
  packing& operator=(const packing&) = delete;
  ~packing() { weft::set_pack_parked_after(0ns); }
  bool is_on() const { return on_; }

 private:
  bool on_;
};

#define WEFT_SKIP_UNLESS_PACKING(name) \
  const packing name;                  \
  if (!name.is_on()) GTEST_SKIP() << "stacks cannot be packed here"

/// Words on a stack.
class pattern {
 public:
  explicit pattern(std::uint64_t seed) : seed_(seed) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] = expected(i);
  }
  bool holds() const {
    for (std::size_t i = 0; i < words_.size(); ++i)
      if (words_[i] != expected(i)) return false;
    return true;
  }

 private:
  std::uint64_t expected(std::size_t i) const { return (seed_ + i) * 0x9E3779B97F4A7C15U; }
  std::uint64_t seed_;
  std::array<volatile std::uint64_t, 24> words_{};
};

class pack_storm : public stress::at_processors {};
WEFT_AT_PROCESSORS(pack_storm);

/// One goroutine's life in the storm: it waits in turn for each of these.
struct storm {
  explicit storm(int size) : count(size) {}
  const int count;
  weft::chan<std::uint64_t> values{};
  weft::chan<std::uint64_t> answers{};
  weft::chan<void> left{}, right{};
  weft::mutex lock;
  weft::shared_mutex many;
  weft::condition_variable changed;
  weft::mutex changed_lock;
  bool has_changed = false;
  weft::event event;
  weft::semaphore permits{1};
  weft::wait_group gate;
  std::atomic<std::uint64_t> sum{0};
  std::atomic<int> broken{0};
  std::atomic<int> done{0};

  void check(const pattern& p) {
    if (!p.holds()) broken.fetch_add(1);
  }

  void live(std::uint64_t seed) {
    const pattern p(seed);
    sum.fetch_add(values.recv().value_or(0));
    check(p);
    answers.send(seed);
    check(p);
    {
      const pattern inner(seed + 1000);
      std::lock_guard guard(lock);
      if (seed % 7 == 0) weft::yield();
      check(inner);
    }
    {
      std::unique_lock guard(changed_lock);
      while (!has_changed) changed.wait(guard);
    }
    check(p);
    gate.wait();
    weft::select(weft::on_recv(left, [](auto) {}), weft::on_recv(right, [](auto) {}));
    check(p);
    event.wait();
    {
      const pattern inner(seed + 2000);
      permits.acquire();
      weft::yield();
      permits.release();
      check(inner);
    }
    if (seed % 5 == 0) {
      std::lock_guard guard(many);
      weft::yield();
    } else {
      many.lock_shared();
      weft::yield();
      many.unlock_shared();
    }
    weft::sleep_for(std::chrono::microseconds(seed % 3000));
    static_cast<void>(values.recv_for(1ms));
    check(p);
    done.fetch_add(1);
  }

  /// Lets those that wait here be packed, or not.
  static void rest(stress::random_source& random) {
    if (random.percent(50)) weft::sleep_for(std::chrono::microseconds(random.below(20'000)));
  }

  void run(stress::random_source& random) {
    weft::wait_group all;
    gate.add(1);
    for (int i = 0; i < count; ++i) all.go([this, i] { live(static_cast<std::uint64_t>(i)); });
    rest(random);
    lock.lock();
    for (int i = 0; i < count; ++i) values.send(1);
    rest(random);
    std::uint64_t answered = 0;
    for (int i = 0; i < count; ++i) answered += answers.recv().value_or(0);
    EXPECT_EQ(answered,
              static_cast<std::uint64_t>(count) * static_cast<std::uint64_t>(count - 1) / 2);
    rest(random);
    lock.unlock();
    rest(random);
    {
      std::lock_guard guard(changed_lock);
      has_changed = true;
    }
    changed.notify_all();
    rest(random);
    gate.done();
    rest(random);
    left.close();
    rest(random);
    event.set();
    all.wait();
    EXPECT_EQ(sum.load(), static_cast<std::uint64_t>(count));
    EXPECT_EQ(broken.load(), 0);
    EXPECT_EQ(done.load(), count);
  }
};

TEST_P(pack_storm, every_kind_of_wait) {
  WEFT_SKIP_UNLESS_PACKING(on);
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    storm s(static_cast<int>(1 + random.below(2'000)));
    s.run(random);
  });
}

TEST_P(pack_storm, every_kind_of_wait_while_processors_come_and_go) {
  WEFT_SKIP_UNLESS_PACKING(on);
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    const stress::processor_shaker shaker(seed);
    storm s(static_cast<int>(1 + random.below(500)));
    s.run(random);
  });
}

/// A parent whose locals its children, and plain threads, use while it waits.
TEST_P(pack_storm, locals_of_parents_are_shared) {
  WEFT_SKIP_UNLESS_PACKING(on);
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    constexpr int parents = 50;
    std::array<std::uint64_t, parents> pauses{};
    for (auto& p : pauses) p = random.below(15'000);
    weft::wait_group all;
    std::atomic<int> broken{0};
    for (const std::uint64_t pause : pauses)
      all.go([&broken, pause] {
        const pattern p(pause);
        std::atomic<int> count{0};
        std::array<int, 8> slots{};
        weft::wait_group children;
        for (std::size_t i = 0; i < 8; ++i)
          children.go([&, i] {
            weft::sleep_for(std::chrono::microseconds(pause));
            for (int k = 0; k < 100; ++k) count.fetch_add(1);
            slots[i] = static_cast<int>(i) + 1;
          });
        std::thread stranger;
        if (pause % 10 == 0) stranger = std::thread([&] { count.fetch_add(800); });
        children.wait();
        if (stranger.joinable()) {
          stranger.join();
          count.fetch_sub(800);
        }
        int sum = 0;
        for (const int s : slots) sum += s;
        if (!p.holds() || count.load() != 800 || sum != 36) broken.fetch_add(1);
      });
    all.wait();
    EXPECT_EQ(broken.load(), 0);
  });
}

TEST_P(pack_storm, a_crowd_is_packed_woken_and_packed_again) {
  WEFT_SKIP_UNLESS_PACKING(on);
  constexpr int crowd = stress::crowd;
  weft::chan<int> c;
  weft::wait_group all;
  std::atomic<int> broken{0};
  std::atomic<std::int64_t> sum{0};
  for (int i = 0; i < crowd; ++i)
    all.go([&, i] {
      const pattern p(static_cast<std::uint64_t>(i));
      for (const int value : c) {
        sum.fetch_add(value);
        if (!p.holds()) broken.fetch_add(1);
      }
    });
  for (int round = 0; round < 3; ++round) {
    while (weft::num_packed() < static_cast<std::size_t>(crowd) / 2) weft::sleep_for(1ms);
    for (int i = 0; i < crowd; ++i) c.send(1);
  }
  while (weft::num_packed() < static_cast<std::size_t>(crowd) / 2) weft::sleep_for(1ms);
  c.close();
  all.wait();
  EXPECT_EQ(sum.load(), std::int64_t{3} * crowd);
  EXPECT_EQ(broken.load(), 0);
}

}  // namespace
