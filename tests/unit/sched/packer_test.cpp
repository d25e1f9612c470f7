// Goroutines that are packed while they are parked wake as they were.
#include "sched/pack/packer.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <numeric>
#include <span>
#include <sstream>
#include <stdexcept>

#include <weft/io/pipe.hpp>
#include <weft/weft.hpp>

#include "port/pack/packed_pages.hpp"
#include "sched/runtime.hpp"
#include "sched/watch/census.hpp"
#include "unit_support.hpp"

namespace {

using namespace std::chrono_literals;
using weft::detail::pack_parked;
using weft::detail::pack_pass;
using weft_test::eventually;
using weft_test::everywhere;

/// Only on a plain thread: packs all that is parked, until there are so many.
class packer : public weft_test::fixture {
 protected:
  void SetUp() override {
    weft_test::fixture::SetUp();
    if (const char* why = weft::detail::prepare_packing()) GTEST_SKIP() << why;
  }
  void TearDown() override {
    weft::set_pack_parked_after(0s);
    weft_test::fixture::TearDown();
  }

  /// Those that have been parked for a tick of the coarse clock: of one that has just left its
  /// stack, what it left to be done may touch it, and then it is not packed in this wait.
  static void pack_at_least(std::size_t count) {
    ASSERT_TRUE(eventually([&] {
      pack_parked({.age = 1, .all_waits = true});
      return weft::num_packed() >= count;
    })) << weft::num_packed();
  }
};

/// Something on the stack that is checked after the wait.
struct witness {
  explicit witness(std::uint64_t seed) {
    for (std::uint64_t& w : words) w = seed++ * 0x9E37'79B9'7F4A'7C15U;
    first = words[0];
  }
  bool holds() const {
    std::uint64_t seed = first;
    for (const std::uint64_t w : words) {
      if (w != seed) return false;
      seed += 0x9E37'79B9'7F4A'7C15U;
    }
    return true;
  }
  std::array<std::uint64_t, 40> words{};
  volatile std::uint64_t first = 0;
};

TEST_F(packer, a_stack_is_what_it_was_when_its_goroutine_wakes) {
  constexpr int count = 1000;
  weft::chan<int> c;
  weft::wait_group all;
  std::atomic<int> good{0};
  std::atomic<int> sum{0};
  for (int i = 0; i < count; ++i)
    all.go([&, i] {
      const witness w(static_cast<std::uint64_t>(i));
      sum += c.recv().value_or(0);
      good += w.holds() ? 1 : 0;
    });
  pack_at_least(count);
  for (int i = 0; i < count; ++i) c.send(1);
  all.wait();
  EXPECT_EQ(good.load(), count);
  EXPECT_EQ(sum.load(), count);
  EXPECT_EQ(weft::num_packed(), 0U);
}

TEST_F(packer, one_that_parks_again_is_packed_again) {
  weft::chan<int> c;
  weft::wait_group all;
  bool good = true;
  all.go([&] {
    const witness w(77);
    for (int i = 0; i < 200; ++i) {
      good = good && c.recv() == i && w.holds();
    }
  });
  for (int i = 0; i < 200; ++i) {
    pack_at_least(1);
    c.send(i);
  }
  all.wait();
  EXPECT_TRUE(good);
}

TEST_F(packer, waits_of_every_kind_wake_up) {
  weft::mutex m;
  weft::shared_mutex rw;
  weft::event e;
  weft::semaphore s(20);
  weft::wait_group gate;
  weft::chan<int> to, from, a, b;
  gate.add(1);
  s.acquire(20);
  m.lock();
  rw.lock();
  weft::wait_group all;
  std::atomic<int> good{0};
  int parked = 0;
  const auto wait = [&](auto body) {
    ++parked;
    all.go([&, body] {
      const witness w(static_cast<std::uint64_t>(good.load() + 3));
      body();
      good += w.holds() ? 1 : 0;
    });
  };
  for (int i = 0; i < 20; ++i) {
    wait([&] { EXPECT_EQ(to.recv(), 5); });
    wait([&] { from.send(6); });
    wait([&] { weft::select(weft::on_recv(a, [](auto) {}), weft::on_recv(b, [](auto) {})); });
    wait([&] { std::lock_guard guard(m); });
    wait([&] { std::lock_guard guard(rw); });
    wait([&] {
      rw.lock_shared();
      rw.unlock_shared();
    });
    wait([&] { gate.wait(); });
    wait([&] { e.wait(); });
    wait([&] { s.acquire(); });
    wait([&] { static_cast<void>(to.recv_for(1h)); });
  }
  for (int i = 0; i < 20; ++i) wait([&] { weft::sleep_for(50ms); });
  pack_at_least(static_cast<std::size_t>(parked) / 2);
  for (int i = 0; i < 40; ++i) to.send(5);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(from.recv(), 6);
  for (int i = 0; i < 20; ++i) a.send(1);
  pack_parked({.all_waits = true});
  m.unlock();
  rw.unlock();
  pack_parked({.all_waits = true});
  gate.done();
  e.set();
  s.release(20);
  all.wait();
  EXPECT_EQ(good.load(), parked);
}

TEST_F(packer, a_condition_that_lies_on_a_packed_stack_still_works) {
  weft::wait_group all;
  for (int round = 0; round < 30; ++round) {
    std::atomic<weft::mutex*> m{nullptr};
    std::atomic<weft::condition_variable*> cv{nullptr};
    std::atomic<bool*> done{nullptr};
    all.go([&] {
      weft::mutex mine;
      weft::condition_variable changed;
      bool is_done = false;
      std::unique_lock guard(mine);
      done = &is_done;
      cv = &changed;
      m = &mine;
      while (!is_done) changed.wait(guard);
    });
    pack_at_least(1);
    {
      std::lock_guard guard(*m.load());
      *done.load() = true;
      cv.load()->notify_one();
    }
    all.wait();
  }
}

TEST_F(packer, strangers_may_touch_locals_two_at_once) {
  for (int round = 0; round < 100; ++round) {
    weft::chan<void> end;
    weft::wait_group all;
    struct shared {
      std::array<std::atomic<int>, 16> words{};
      int plain = 4711;
    };
    std::atomic<shared*> local{nullptr};
    int seen = 0;
    all.go([&] {
      shared mine;
      local = &mine;
      end.recv();
      for (auto& w : mine.words) seen += w.load();
    });
    pack_at_least(1);
    const auto touch = [&](int from) {
      shared& theirs = *local.load();
      EXPECT_EQ(theirs.plain, 4711);
      for (int i = 0; i < 16; ++i) theirs.words[static_cast<std::size_t>((i + from) % 16)]++;
    };
    weft::wait_group touching;
    touching.go([&] { touch(0); });
    touching.go([&] { touch(3); });
    std::thread other([&] { touch(7); });
    touch(11);
    other.join();
    touching.wait();
    end.close();
    all.wait();
    EXPECT_EQ(seen, 4 * 16);
  }
}

/// The last of them parks with most of a page in use above it, and pages beyond that.
int dive(int depth, weft::chan<void> until) {
  volatile int here[200];
  for (std::size_t i = 0; i < 200; ++i) here[i] = depth + static_cast<int>(i);
  if (depth == 0)
    until.recv();
  else if (dive(depth - 1, until) != depth - 1)
    return -1;
  for (std::size_t i = 0; i < 200; ++i)
    if (here[i] != depth + static_cast<int>(i)) return -1;
  return depth;
}

TEST_F(packer, deep_stacks_come_back_whole) {
  weft::chan<void> until;
  weft::wait_group all;
  std::atomic<int> good{0};
  for (int depth = 0; depth < 40; ++depth)
    all.go([&, depth] { good += dive(depth, until) == depth ? 1 : 0; });
  pack_at_least(10);
  until.close();
  all.wait();
  EXPECT_EQ(good.load(), 40);
}

TEST_F(packer, exceptions_pass_through_a_stack_that_was_packed) {
  weft::chan<int> c;
  weft::wait_group all;
  int caught = 0;
  all.go([&] {
    for (int i = 0; i < 20; ++i) try {
        const witness w(5);
        c.recv();
        if (w.holds()) throw std::runtime_error("after the wait");
      } catch (const std::runtime_error& e) {
        const std::string text = e.what();
        c.recv();  // in the handler
        caught += std::string(e.what()) == text ? 1 : 0;
      }
  });
  for (int i = 0; i < 40; ++i) {
    pack_at_least(1);
    c.send(i);
  }
  all.wait();
  EXPECT_EQ(caught, 20);
}

TEST_F(packer, a_dump_shows_the_frames_of_those_that_are_packed) {
  weft::chan<void> until;
  weft::wait_group all;
  all.go(weft::named("sleeper"), [&] { until.recv(); });
  pack_at_least(1);
  const auto views = weft::detail::take_census();
  const auto v =
      std::find_if(views.begin(), views.end(), [](const auto& g) { return g.name == "sleeper"; });
  ASSERT_NE(v, views.end());
  const std::vector<std::byte> copy = weft::detail::copy_live_stack(*v);
  ASSERT_FALSE(copy.empty());
  EXPECT_EQ(weft::num_packed(), 1U);
  std::ostringstream text;
  weft::dump(text);
  EXPECT_NE(text.str().find("'sleeper' [chan receive"), std::string::npos) << text.str();
  EXPECT_EQ(weft::num_packed(), 1U) << "a look brings nothing back";
  // The memory is what was copied.
  EXPECT_EQ(std::memcmp(copy.data(), v->stack_pointer.get(), copy.size()), 0);
  EXPECT_EQ(weft::num_packed(), 0U);
  until.close();
  all.wait();
}

TEST_F(packer, weft_reads_and_writes_buffers_on_packed_stacks) {
  weft::io::pipe_ends ends = weft::io::make_pipe();
  weft::chan<void> until;
  weft::wait_group all;
  std::atomic<std::array<char, 64>*> buffer{nullptr};
  std::string got;
  all.go([&] {
    std::array<char, 64> mine{};
    buffer = &mine;
    until.recv();
    got = mine.data();
  });
  pack_at_least(1);
  EXPECT_EQ(ends.writer.write(std::string_view("hello")), 5U);
  EXPECT_EQ(ends.reader.read_some(std::span<char>(*buffer.load())), 5U);
  until.close();
  all.wait();
  EXPECT_EQ(got, "hello");
}

/// Packs everybody the moment he parks, while he is being woken.
TEST_F(packer, one_without_patience_does_no_harm) {
  for (const int procs : {1, 2, 4}) {
    const weft_test::procs_scope scope(procs);
    constexpr int pairs = 4;
    constexpr int rounds = 2000;
    std::atomic<bool> ends{false};
    std::atomic<std::size_t> packed{0};
    std::thread impatient([&] {
      while (!ends.load()) packed += pack_parked({.all_waits = true}).packed;
    });
    std::atomic<int> good{0};
    weft::mutex m;
    int counted = 0;
    weft::wait_group all;
    for (int p = 0; p < pairs; ++p) {
      weft::chan<int> there, back;
      all.go([&, there, back] {
        const witness w(11);
        bool right = true;
        for (int i = 0; i < rounds; ++i) {
          there.send(i);
          right = right && back.recv() == i + 1 && w.holds();
        }
        good += right ? 1 : 0;
      });
      all.go([&, there, back] {
        const witness w(12);
        bool right = true;
        for (int i = 0; i < rounds; ++i) {
          right = right && there.recv() == i && w.holds();
          if (i % 8 == 0) weft::sleep_for(1us * (i % 64));
          back.send(i + 1);
          const std::lock_guard guard(m);
          if (i % 16 == 0) weft::yield();
          ++counted;
        }
        good += right ? 1 : 0;
      });
    }
    all.wait();
    ends = true;
    impatient.join();
    EXPECT_EQ(good.load(), 2 * pairs);
    EXPECT_EQ(counted, pairs * rounds);
    EXPECT_GT(packed.load(), 0U);
  }
}

TEST_F(packer, waits_with_a_deadline_are_left_alone) {
  weft::chan<int> c;
  weft::wait_group all;
  all.go([&] { static_cast<void>(c.recv_for(1h)); });
  all.go([&] { static_cast<void>(c.recv()); });
  ASSERT_TRUE(eventually([] {
    pack_parked({});
    return weft::num_packed() == 1;
  }));
  pack_parked({});
  EXPECT_EQ(weft::num_packed(), 1U);
  c.send(1);
  c.send(2);
  all.wait();
}

TEST_F(packer, the_service_packs_by_itself_and_brings_back_when_switched_off) {
  weft::chan<void> until;
  weft::wait_group all;
  for (int i = 0; i < 100; ++i) all.go([&] { until.recv(); });
  ASSERT_TRUE(weft::set_pack_parked_after(1ms));
  EXPECT_TRUE(eventually([] { return weft::num_packed() == 100; })) << weft::num_packed();
  EXPECT_TRUE(weft::set_pack_parked_after(0ms));
  EXPECT_EQ(weft::num_packed(), 0U);
  until.close();
  all.wait();
}

/// In a fresh process: waits, without weft, until so many are packed.
void wait_until_packed(std::size_t count) {
  while (weft::num_packed() < count) std::this_thread::sleep_for(1ms);
}

[[gnu::noinline]] int recurse(int depth) {
  volatile char room[512];
  room[0] = static_cast<char>(depth);
  return depth > 1'000'000 ? 0 : recurse(depth + 1) + room[0];
}

using packer_death = unit::in_a_fresh_process;

TEST_F(packer_death, an_overflow_is_still_reported) {
  if (const char* why = weft::detail::prepare_packing()) GTEST_SKIP() << why;
  EXPECT_DEATH(
      {
        static_cast<void>(weft::set_pack_parked_after(1ms));
        weft::chan<void> until;
        weft::go([until] { until.recv(); });
        wait_until_packed(1);
        weft::go(weft::named("diver"), [] { static_cast<void>(recurse(0)); });
        until.recv();
      },
      "goroutine [0-9]+ 'diver' overflowed its");
}

TEST_F(packer_death, a_deadlock_is_still_reported) {
  if (const char* why = weft::detail::prepare_packing()) GTEST_SKIP() << why;
  EXPECT_EXIT(
      {
        static_cast<void>(weft::set_pack_parked_after(1ms));
        weft::chan<void> until;
        weft::go(weft::named("sleeper"), [until] { until.recv(); });
        wait_until_packed(1);
        until.recv();
      },
      testing::ExitedWithCode(2), "all goroutines are asleep(.|\n)*'sleeper' .chan receive");
}

TEST_F(packer_death, a_handler_that_takes_the_place_of_wefts_ends_the_packing) {
  if (const char* why = weft::detail::prepare_packing()) GTEST_SKIP() << why;
  EXPECT_EXIT(
      {
        static_cast<void>(weft::set_pack_parked_after(1ms));
        weft::chan<void> until;
        weft::go([until] { until.recv(); });
        wait_until_packed(1);
        std::signal(SIGSEGV, SIG_DFL);
        while (weft::num_packed() > 0) std::this_thread::sleep_for(1ms);
        until.close();
        unit::end_with(true);
      },
      testing::ExitedWithCode(0), "not packed any more");
}

}  // namespace
