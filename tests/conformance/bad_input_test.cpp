// What a caller must not pass, and memory that runs out: a clear exception in the caller, nothing
// started and nothing lost, and everything works afterwards.

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <new>
#include <stdexcept>
#include <utility>

#include "elements.hpp"
#include "weft_test.hpp"

namespace {

/// The n-th allocation of this thread from now fails, and no other; 0: none.
thread_local int fuse = 0;

void* allocate(std::size_t bytes, std::size_t alignment) {
  if (fuse > 0 && --fuse == 0) throw std::bad_alloc();
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* p = alignment > alignof(std::max_align_t) ? std::aligned_alloc(alignment, rounded)
                                                  : std::malloc(bytes == 0 ? 1 : bytes);
  if (!p) throw std::bad_alloc();
  return p;
}

}  // namespace

// Every allocation of the program comes through here: that is how one is made to fail. Not inlined,
// so that the compiler sees new and delete match, rather than new and free.
[[gnu::noinline]] void* operator new(std::size_t bytes) { return allocate(bytes, 1); }
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
  std::free(p);
}

namespace {

using namespace std::chrono_literals;
using weft_test::on_thread;
using weft_test::what_thrown;

using BadInput = weft_test::fixture;
using OutOfMemory = weft_test::fixture;

TEST_F(BadInput, NegativeCapacityThrowsGosWords) {
  const std::string words = "makechan: size out of range";
  EXPECT_EQ(what_thrown<std::length_error>([] { weft::chan<int> c(-1); }), words);
  EXPECT_EQ(what_thrown<std::length_error>([] { weft::chan<void> c(-1L); }), words);
  EXPECT_EQ(what_thrown<std::length_error>(
                [] { weft::chan<int> c(std::numeric_limits<long long>::min()); }),
            words);
  EXPECT_EQ(what_thrown<std::length_error>([] { weft::chan<int> c(std::int8_t{-1}); }), words);
}

TEST_F(BadInput, AbsurdCapacityThrowsGosWords) {
  const std::string words = "makechan: size out of range";
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  for (const std::size_t capacity :
       {most, most - 1, most / 2, most / 4 + 1, std::size_t{1} << 60}) {
    EXPECT_EQ(what_thrown<std::length_error>([=] { weft::chan<int> c(capacity); }), words);
    EXPECT_EQ(what_thrown<std::length_error>([=] { weft::chan<weft_test::large> c(capacity); }),
              words);
  }
  EXPECT_EQ(what_thrown<std::length_error>([=] { weft::chan<void> c(most); }), words);
  EXPECT_EQ(what_thrown<std::length_error>(
                [=] { weft::chan<weft_test::large> c(most / sizeof(weft_test::large) + 2); }),
            words);
}

template <class Start>
void refuses_nil(Start start) {
  const std::size_t before = weft::num_goroutines();
  const std::string words = "go of nil func value";
  void (*const nil_pointer)() = nullptr;
  EXPECT_EQ(what_thrown<std::invalid_argument>([&] { start(nil_pointer); }), words);
  EXPECT_EQ(what_thrown<std::invalid_argument>([&] { start(std::function<void()>()); }), words);
  const std::function<void()> empty;
  EXPECT_EQ(what_thrown<std::invalid_argument>([&] { start(empty); }), words);
  EXPECT_EQ(weft::num_goroutines(), before);
}

TEST_F(BadInput, GoOfANilFunctionThrowsGosWords) {
  refuses_nil([](const auto& f) { weft::go(f); });
  refuses_nil([](const auto& f) { weft::go(weft::named("nil"), f); });
  void (*const with_argument)(int) = nullptr;
  EXPECT_EQ(what_thrown<std::invalid_argument>([&] { weft::go(with_argument, 1); }),
            "go of nil func value");
  struct some {
    void member() const {}
  };
  void (some::*const nil_member)() const = nullptr;
  EXPECT_EQ(what_thrown<std::invalid_argument>([&] { weft::go(nil_member, some{}); }),
            "go of nil func value");
}

TEST_F(BadInput, WaitGroupGoOfANilFunctionCountsNothing) {
  const weft::wait_group wg;
  refuses_nil([&](const auto& f) { wg.go(f); });
  refuses_nil([&](const auto& f) { wg.go(weft::named("nil"), f); });
  wg.wait();
}

TEST_F(BadInput, AfterFuncOfANilFunctionThrowsGosWords) {
  refuses_nil([](const auto& f) { weft::after_func(1ms, f); });
}

TEST_F(BadInput, StackOutOfRangeIsRefusedInTheCaller) {
  const std::size_t before = weft::num_goroutines();
  const weft::wait_group wg;
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{1}, std::size_t{4096}, std::size_t{16 * 1024 - 1},
        (std::size_t{1} << 30) + 1, std::numeric_limits<std::size_t>::max()}) {
    const auto options = weft::named("bad").stack(bytes);
    EXPECT_THROW(weft::go(options, [] {}), std::invalid_argument) << bytes;
    EXPECT_THROW(weft::go(
                     options, [](int) {}, 1),
                 std::invalid_argument)
        << bytes;
    EXPECT_THROW(wg.go(options, [] {}), std::invalid_argument) << bytes;
  }
  EXPECT_EQ(weft::num_goroutines(), before);
  wg.go(weft::named("smallest").stack(16 * 1024), [] {});
  wg.wait();
}

TEST_F(BadInput, MaxProcsOutOfRangeOnlyAsksOrIsBounded) {
  const weft_test::procs_scope restore(2);
  EXPECT_EQ(weft::set_max_procs(0), 2);
  EXPECT_EQ(weft::set_max_procs(-1), 2);
  EXPECT_EQ(weft::set_max_procs(std::numeric_limits<int>::min()), 2);
  EXPECT_EQ(weft::max_procs(), 2);
  EXPECT_EQ(weft::set_max_procs(5000), 2);
  EXPECT_EQ(weft::max_procs(), 1024);
  EXPECT_EQ(weft::set_max_procs(1), 1024);
  weft::run([] { weft::yield(); });
}

TEST_F(BadInput, NonPositivePeriodIsRefused) {
  EXPECT_THROW(static_cast<void>(weft::ticker(0s)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(weft::ticker(-1s)), std::invalid_argument);
  const weft::ticker t(1h);
  EXPECT_THROW(t.reset(0s), std::invalid_argument);
  EXPECT_EQ(t.channel().try_recv().status(), weft::channel_status::would_block);
}

/// Lets the first, the second ... allocation in `act` fail, until none is left to fail. Whatever it
/// did before it threw must not show.
template <class Act>
void survives_every_failure(const char* what, Act act) {
  for (int nth = 1;; ++nth) {
    ASSERT_LT(nth, 1000) << what << " never ends to allocate";
    fuse = nth;
    bool failed = false;
    try {
      act();
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    const bool reached = fuse == 0;
    fuse = 0;
    if (!reached) {
      EXPECT_FALSE(failed) << what << " threw though no allocation failed";
      return;
    }
    act();
  }
}

TEST_F(OutOfMemory, MakingThingsThrowsAndLosesNothing) {
  survives_every_failure("chan", [] { weft::chan<int> c(10); });
  survives_every_failure("chan of large", [] { weft::chan<weft_test::large> c(10); });
  survives_every_failure("wait_group", [] { weft::wait_group wg; });
  survives_every_failure("timer", [] { weft::timer t(1h); });
  survives_every_failure("ticker", [] { weft::ticker t(1h); });
  survives_every_failure("after_func", [] {
    const weft::timer t = weft::after_func(1h, [v = weft_test::counted(1)] {});
    t.stop();
  });
  EXPECT_EQ(weft_test::counted::alive(), 0);
}

TEST_F(OutOfMemory, GoThrowsAndStartsNothing) {
  const weft::wait_group wg;
  survives_every_failure("go", [&] {
    const weft::chan<int> c(1);
    weft::go([c, big = weft_test::large(3)] { c.send(big.is(3) ? 1 : 0); });
    const int saved = std::exchange(fuse, 0);
    EXPECT_EQ(c.recv(), 1);
    fuse = saved;
  });
  survives_every_failure("wait_group::go", [&] {
    wg.go([v = weft_test::counted(1)] {});
    const int saved = std::exchange(fuse, 0);
    wg.wait();
    fuse = saved;
  });
  EXPECT_TRUE(wg.wait_for(0s)) << "a start that failed was counted";
  EXPECT_TRUE(weft_test::eventually([] { return weft_test::counted::alive() == 0; }));
}

TEST_F(OutOfMemory, ManyGoroutinesAtOnceAreNotLost) {
  for (int nth = 1; nth < 200; nth += 7) {
    const weft::wait_group wg;
    std::atomic<int> ran{0};
    int started = 0;
    fuse = nth;
    try {
      for (; started < 300; ++started) wg.go([&] { ++ran; });
    } catch (const std::bad_alloc&) {
    }
    fuse = 0;
    wg.wait();
    ASSERT_EQ(ran, started);
  }
}

TEST_F(OutOfMemory, OperationsLoseNoValue) {
  on_thread([] {
    const weft::chan<int> c(1);
    survives_every_failure("send and recv", [&] {
      c.send(1);
      EXPECT_EQ(c.recv(), 1);
    });
    survives_every_failure("send_for", [&] {
      if (c.send_for(1, 1ms) == weft::channel_status::ok) {
        EXPECT_EQ(c.recv_for(1ms).value(), 1);
      }
    });
    const weft::chan<int> never;
    survives_every_failure("select", [&] {
      c.try_recv();  // what an earlier failure left between the two
      std::optional<int> v;
      weft::select(weft::on_send(c, 5), weft::on_recv(never), weft::on_timeout(1h));
      weft::select(weft::on_recv(c, v), weft::on_recv(never), weft::on_timeout(1h));
      EXPECT_EQ(v, 5);
    });
    EXPECT_EQ(c.size(), 0U);
  });
}

TEST_F(OutOfMemory, ASelectOfManyCasesThrowsAndTakesNothing) {
  const weft::chan<int> ready(1);
  const weft::chan<int> never;
  weft::selector s;
  for (int i = 0; i < 500; ++i) s.add(weft::on_recv(never));
  s.add(weft::on_recv(ready));
  for (int nth = 1; nth < 1000; ++nth) {
    ready.try_send(1);
    fuse = nth;
    bool failed = false;
    try {
      EXPECT_EQ(s.select(), 500U);
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    const bool reached = fuse == 0;
    fuse = 0;
    EXPECT_EQ(ready.size(), failed ? 1U : 0U);
    if (!reached) return;
  }
  ADD_FAILURE() << "select never ends to allocate";
}

TEST_F(OutOfMemory, ABoxedElementIsNotLost) {
  const weft::chan<weft_test::move_thrower> c(1);
  survives_every_failure("try_send", [&] {
    weft_test::move_thrower mine(4);
    try {
      EXPECT_EQ(c.try_send(std::move(mine)), weft::channel_status::ok);
    } catch (const std::bad_alloc&) {
      EXPECT_EQ(mine.value(), 4);
      EXPECT_EQ(c.size(), 0U);
      throw;
    }
    EXPECT_EQ(c.recv()->value(), 4);
  });
  EXPECT_EQ(weft_test::move_thrower::alive(), 0);
}

TEST_F(OutOfMemory, SetMaxProcsThrowsAndChangesNothing) {
  const weft_test::procs_scope restore(1);
  for (int nth = 1; nth < 200; ++nth) {
    fuse = nth;
    bool failed = false;
    try {
      weft::set_max_procs(64);
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    const bool reached = fuse == 0;
    fuse = 0;
    EXPECT_EQ(weft::max_procs(), failed ? 1 : 64);
    weft::set_max_procs(1);
    weft::run([] { weft::yield(); });
    if (!reached) return;
  }
}

}  // namespace
