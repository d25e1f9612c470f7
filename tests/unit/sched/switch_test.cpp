// What a goroutine finds again after it was switched out, and what happens to its stack.
#include <cerrno>
#include <csignal>
#include <cstring>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "fiber/goroutine.hpp"
#include "opaque.hpp"
#include "sched/runtime.hpp"
#include "sched/scheduler.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::goroutine;
using weft::detail::runtime;
using weft::detail::stack_class_bytes;
using weft_test::scaled;

using switches = weft_test::fixture;

goroutine& self() { return static_cast<goroutine&>(weft::detail::this_waiter()); }

// errno's address must not be kept across a park: the goroutine may go on elsewhere.
WEFT_OPAQUE void set_errno(int value) { errno = value; }
WEFT_OPAQUE int read_errno() { return errno; }

TEST_F(switches, errno_stays_with_the_goroutine) {
  weft_test::on_goroutine([] {
    weft::wait_group wg;
    for (int me = 1; me <= 8; ++me)
      wg.go([me] {
        for (int i = 0; i < scaled(2'000); ++i) {
          set_errno(me * 10'000 + i);
          weft::yield();
          ASSERT_EQ(read_errno(), me * 10'000 + i);
        }
      });
    wg.wait();
  });
}

void park_between_throw_and_rethrow(int me, int depth) {
  const std::string words = std::to_string(me) + " at " + std::to_string(depth);
  try {
    throw std::runtime_error(words);
  } catch (const std::runtime_error& e) {
    weft::yield();
    if (depth > 0) park_between_throw_and_rethrow(me, depth - 1);
    weft::yield();
    ASSERT_EQ(e.what(), words);
    const auto again = [] { throw; };
    ASSERT_EQ(weft_test::what_thrown<std::runtime_error>(again), words);
  }
}

TEST_F(switches, caught_exceptions_stay_with_the_goroutine) {
  weft_test::on_goroutine([] {
    weft::wait_group wg;
    for (int me = 0; me < 8; ++me)
      wg.go([me] {
        for (int i = 0; i < scaled(200); ++i) park_between_throw_and_rethrow(me, 4);
        EXPECT_EQ(std::current_exception(), nullptr);
      });
    wg.wait();
  });
}

TEST_F(switches, unwinding_may_park) {
  struct yields {
    ~yields() {
      EXPECT_EQ(std::uncaught_exceptions(), 1);
      weft::yield();
      EXPECT_EQ(std::uncaught_exceptions(), 1);
    }
  };
  weft_test::on_goroutine([] {
    weft::wait_group wg;
    for (int me = 0; me < 8; ++me)
      wg.go([me] {
        for (int i = 0; i < scaled(200); ++i) {
          try {
            const yields on_the_way;
            throw me;
          } catch (int thrown) {
            ASSERT_EQ(thrown, me);
          }
          ASSERT_EQ(std::uncaught_exceptions(), 0);
        }
      });
    wg.wait();
  });
}

TEST_F(switches, has_no_stack_before_it_runs_and_gives_it_back_after) {
  weft_test::on_one_processor([] {
    for (int i = 0; i < 5'000; ++i) weft::go([] {});
    const std::size_t before = runtime::get().stacks_created();
    for (int i = 0; i < 5'000; ++i) weft::go([] {});
    while (weft::num_goroutines() > 1) weft::yield();
    EXPECT_LE(runtime::get().stacks_created(), before + 2);
  });
}

TEST_F(switches, the_next_one_runs_on_the_stack_of_the_one_that_ended) {
  weft_test::on_one_processor([] {
    // On a busy machine the monitor may move the processor to another worker between two of them.
    EXPECT_TRUE(weft_test::eventually([] {
      std::set<std::byte*> stacks;
      for (int i = 0; i < 100; ++i) weft::go([&] { stacks.insert(self().memory.low()); });
      while (weft::num_goroutines() > 1) weft::yield();
      return stacks.size() == 1;
    }));
  });
}

TEST_F(switches, each_gets_the_size_it_asked_for) {
  weft_test::on_goroutine([] {
    weft::wait_group wg;
    for (int round = 0; round < 50; ++round)
      for (const std::size_t kib : {16U, 100U, 256U, 1024U})
        wg.go(weft::named("sized").stack(kib * 1024), [kib] {
          const goroutine& me = self();
          const auto* frame = static_cast<const std::byte*>(__builtin_frame_address(0));
          ASSERT_GE(stack_class_bytes(me.size), kib * 1024);
          ASSERT_LT(stack_class_bytes(me.size), 2 * kib * 1024 + 1);
          ASSERT_TRUE(me.memory.low() < frame && frame <= me.memory.top(me.size));
          weft::yield();
        });
    wg.wait();
  });
}

[[gnu::noinline]] int dig(int depth) {
  volatile char room[1024];
  room[0] = static_cast<char>(depth);
  return depth == 0 ? room[0] : dig(depth - 1) + room[0] - static_cast<char>(depth);
}

TEST_F(switches, a_large_stack_is_as_deep_as_it_says) {
  if (weft_test::sanitized) GTEST_SKIP() << "a sanitizer's frames are larger";
  weft_test::on_goroutine([] {
    weft::wait_group wg;
    wg.go(weft::named("deep").stack(std::size_t{8} << 20), [] { EXPECT_EQ(dig(7'000), 0); });
    wg.wait();
  });
}

class overflows : public unit::in_a_fresh_process {};

TEST_F(overflows, into_the_guard_kill_the_process) {
  EXPECT_DEATH(weft::run([] { return dig(1'000'000); }), "");
}

/// Without a guard the damage is found when the goroutine next parks or ends.
void smash_the_canary(bool then_park) {
  ::setenv("WEFT_GUARDS", "none", 1);
  const weft::chan<void> done;
  weft::go(weft::named("digger"), [=] {
    std::memset(self().memory.low(), 0, 16);
    if (then_park) weft::yield();
  });
  done.recv();
}

TEST_F(overflows, without_a_guard_are_found_at_the_next_park) {
  EXPECT_EXIT(smash_the_canary(true), testing::KilledBySignal(SIGABRT),
              "overflowed its 256 KiB stack");
}

TEST_F(overflows, without_a_guard_are_found_at_the_end) {
  EXPECT_EXIT(smash_the_canary(false), testing::KilledBySignal(SIGABRT),
              "overflowed its 256 KiB stack");
}

}  // namespace
