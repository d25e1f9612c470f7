// Every allocation may fail. In this executable the n-th one on the calling thread throws, for n =
// 1, 2, 3 ... until the operation gets through: each failure must reach the caller as
// std::bad_alloc, leave nothing behind, and leave the runtime at work.
#include <array>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <weft/detail/atomic.hpp>

#include "elements.hpp"
#include "opaque.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::atomic;

thread_local constinit int fuse = 0;    // 0: none; n: the n-th allocation of this thread fails
constinit atomic<bool> drought{false};  // every allocation of the workers fails
thread_local constinit bool rationed = true;
constinit atomic<long> alive{0};

// Goroutines move between threads: the address of a thread-local must not be kept.
WEFT_OPAQUE bool blows() {
  if (drought.load() && rationed) return true;
  return fuse > 0 && --fuse == 0;
}
WEFT_OPAQUE void set_fuse(int n) { fuse = n; }
WEFT_OPAQUE int read_fuse() { return fuse; }

void* allocate(std::size_t bytes, std::size_t alignment) noexcept {
  if (blows()) return nullptr;
  const std::size_t whole = (bytes + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, whole == 0 ? alignment : whole);
  if (memory) ++alive;
  return memory;
}
void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
  void* memory = allocate(bytes, alignment);
  if (!memory) throw std::bad_alloc();
  return memory;
}
void give_back(void* memory) noexcept {
  if (memory) --alive;
  std::free(memory);
}

constexpr std::size_t usual = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

}  // namespace

void* operator new(std::size_t n) { return allocate_or_throw(n, usual); }
void* operator new[](std::size_t n) { return allocate_or_throw(n, usual); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, usual); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, usual); }
void* operator new(std::size_t n, std::align_val_t a) {
  return allocate_or_throw(n, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t n, std::align_val_t a) {
  return allocate_or_throw(n, static_cast<std::size_t>(a));
}
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate(n, static_cast<std::size_t>(a));
}
void operator delete(void* p) noexcept { give_back(p); }
void operator delete[](void* p) noexcept { give_back(p); }
void operator delete(void* p, std::size_t) noexcept { give_back(p); }
void operator delete[](void* p, std::size_t) noexcept { give_back(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { give_back(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { give_back(p); }
void operator delete(void* p, std::align_val_t) noexcept { give_back(p); }
void operator delete[](void* p, std::align_val_t) noexcept { give_back(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { give_back(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { give_back(p); }
void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept { give_back(p); }

namespace {

using namespace std::chrono_literals;
using weft_test::counted;
using weft_test::eventually;

/// Runs `operation` with the n-th allocation failing. Returns: whether it got through.
template <class F>
bool survives(int n, F& operation) {
  set_fuse(n);
  bool through = false;
  try {
    operation();
    through = read_fuse() > 0;
  } catch (const std::bad_alloc&) {
  }
  set_fuse(0);
  return through;
}

/// Whether `operation` leaves memory behind when its n-th allocation fails. The runtime itself
/// takes some now and then, for good (a worker when the machine is busy; each processor keeps 64
/// small blocks): a leak comes every time.
template <class F>
bool leaks_every_time(int n, F& operation, bool& through) {
  constexpr int attempts = 150;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    EXPECT_TRUE(eventually([] { return weft::num_goroutines() == 0; }));
    const long before = alive.load();
    through = survives(n, operation);
    EXPECT_TRUE(eventually([] { return weft::num_goroutines() == 0; }));
    // Fewer is fine: a worker that has just started gives its start request back.
    for (int i = 0; i < 20; ++i) {
      if (alive.load() <= before) return false;
      weft::sleep_for(1ms);  // the end of a goroutine is counted before its memory is given back
    }
  }
  return true;
}

/// Returns: how many allocations the operation makes at most. It must not park.
template <class F>
int fail_everywhere(F operation) {
  for (int i = 0; i < 100; ++i) operation();  // fills the caches that keep what they were given
  int n = 1;
  for (bool through = false; !through && n < 200; ++n) {
    EXPECT_FALSE(leaks_every_time(n, operation, through)) << "when allocation " << n << " failed";
  }
  EXPECT_LT(n, 200);
  atomic<int> ran{0};
  weft::wait_group wg;
  for (int i = 0; i < 100; ++i) wg.go([&] { ++ran; });
  wg.wait();
  EXPECT_EQ(ran.load(), 100) << "the runtime does not work any more";
  return n - 2;
}

struct payload {
  std::array<char, 500> bytes{};
};

using out_of_memory = weft_test::fixture;

TEST_F(out_of_memory, starting_a_small_closure) {
  EXPECT_EQ(fail_everywhere([] { weft::go([] {}); }), 0);
}

TEST_F(out_of_memory, starting_a_large_closure) {
  EXPECT_EQ(fail_everywhere([] { weft::go([load = payload()] { (void)load; }); }), 1);
}

TEST_F(out_of_memory, starting_an_over_aligned_closure_with_a_name) {
  const auto start = [] {
    weft::go(weft::named("aligned"),
             [v = weft_test::over_aligned(1)] { EXPECT_TRUE(v.at_home()); });
  };
  EXPECT_EQ(fail_everywhere(start), 1);
}

TEST_F(out_of_memory, starting_a_closure_that_allocates_when_it_is_copied) {
  const auto start = [](const std::string& text) {
    weft::go([](const std::string& s) { EXPECT_EQ(s.size(), 100U); }, text);
  };
  const std::string text(100, 'x');
  EXPECT_EQ(fail_everywhere([&] { start(text); }), 1);
}

/// Control blocks run out: the pool has to make more, again and again.
TEST_F(out_of_memory, starting_more_than_there_ever_were) {
  const weft::chan<void> gate;
  std::size_t started = 0;
  int refused = 0;
  for (int n = 1; started < 2'000; n = 1 + n % 3) {
    set_fuse(n);
    try {
      for (int i = 0; i < 50; ++i, ++started) weft::go([gate] { gate.recv(); });
    } catch (const std::bad_alloc&) {
      ++refused;
    }
    set_fuse(0);
    ASSERT_EQ(weft::num_goroutines(), started);
  }
  EXPECT_GT(refused, 10);
  gate.close();
}

TEST_F(out_of_memory, wait_group) {
  EXPECT_EQ(fail_everywhere([] { const weft::wait_group wg; }), 1);
  EXPECT_EQ(fail_everywhere([] {
              const weft::wait_group wg;
              try {
                wg.go([load = payload()] { (void)load; });
              } catch (const std::bad_alloc&) {
                EXPECT_TRUE(wg.wait_for(0s)) << "it counts what was not started";
                throw;
              }
            }),
            2);
}

TEST_F(out_of_memory, chan) {
  EXPECT_EQ(fail_everywhere([] { const weft::chan<int> c; }), 1);
  EXPECT_EQ(fail_everywhere([] { const weft::chan<std::string> c(100); }), 1);
  EXPECT_EQ(fail_everywhere([] { const weft::chan<weft_test::over_aligned> c(3); }), 1);
}

TEST_F(out_of_memory, sending_in_a_box_leaves_the_value_with_the_sender) {
  using weft_test::move_thrower;
  const weft::chan<move_thrower> c(1);
  const auto send = [&] {
    move_thrower v(5);
    try {
      ASSERT_EQ(c.try_send(std::move(v)), weft::channel_status::ok);
    } catch (const std::bad_alloc&) {
      EXPECT_EQ(v.value(), 5);
      throw;
    }
    EXPECT_EQ(c.try_recv()->value(), 5);
  };
  EXPECT_EQ(fail_everywhere(send), 1);
}

TEST_F(out_of_memory, timer_and_ticker) {
  EXPECT_EQ(fail_everywhere([] { const weft::timer t(1h); }), 1);
  EXPECT_EQ(fail_everywhere([] { const weft::ticker t(1h); }), 1);
  EXPECT_EQ(fail_everywhere([] { static_cast<void>(weft::after(0s)); }), 1);
}

TEST_F(out_of_memory, after_func) {
  const auto call_later = [] {
    const weft::timer t = weft::after_func(1h, [load = payload()] { (void)load; });
    t.reset(2h);
    EXPECT_TRUE(t.stop());
  };
  EXPECT_EQ(fail_everywhere(call_later), 2);
}

TEST_F(out_of_memory, select_with_few_and_with_many_cases) {
  const weft::chan<int> c(1);
  const auto few = [&] {
    EXPECT_EQ(weft::select(weft::on_send(c, 1), weft::on_default()), 0U);
    EXPECT_EQ(weft::select(weft::on_recv(c), weft::on_default()), 0U);
  };
  EXPECT_EQ(fail_everywhere(few), 0);
  std::vector<weft::detail::select_case> cases(100);
  int value = 3;
  cases[50] = {c.core(), &value, weft::detail::direction::send, false, nullptr};
  const auto many = [&] {
    EXPECT_EQ(weft::detail::select_wait({cases, true}), 50U);
    c.recv();
  };
  EXPECT_EQ(fail_everywhere(many), 3);
}

TEST_F(out_of_memory, selector_loses_no_case_and_no_value) {
  const weft::chan<counted> c(1);
  const auto select = [&] {
    weft::selector s;
    for (int i = 0; i < 20; ++i) s.add(weft::on_send(c, counted(i)));
    s.add(weft::on_default());
    for (int tries = 0;; ++tries) {
      try {
        EXPECT_LT(s.select(), 20U);
        break;
      } catch (const std::bad_alloc&) {
        if (tries > 0) throw;  // the second time nothing may fail
      }
    }
    EXPECT_TRUE(c.try_recv());
    EXPECT_EQ(c.size(), 0U);
  };
  EXPECT_GT(fail_everywhere(select), 25);
  EXPECT_EQ(counted::alive(), 0);
}

TEST_F(out_of_memory, selecting_a_boxed_value_gives_it_back) {
  using weft_test::move_thrower;
  const weft::chan<move_thrower> a(1);
  const weft::chan<move_thrower> b(1);
  const auto select = [&] {
    move_thrower v(1), w(2);
    try {
      weft::select(weft::on_send(a, std::move(v)), weft::on_send(b, std::move(w)));
    } catch (const std::bad_alloc&) {
      EXPECT_EQ(v.value() + w.value(), 3);
      throw;
    }
    while (a.try_recv() || b.try_recv()) {
    }
  };
  EXPECT_EQ(fail_everywhere(select), 2);
  EXPECT_EQ(move_thrower::alive(), 0);
}

/// More processors may mean more memory; what cannot be had is done without.
TEST_F(out_of_memory, set_max_procs) {
  const weft_test::procs_scope scope(1);
  for (int procs = 2; procs < 20; ++procs)
    for (int n = 1; n <= 4; ++n) {
      const auto grow = [&] {
        weft::set_max_procs(1);
        weft::set_max_procs(procs);
        EXPECT_EQ(weft::max_procs(), procs);
        weft::go([] {});
      };
      survives(n, grow);
      ASSERT_TRUE(eventually([] { return weft::num_goroutines() == 0; }));
    }
}

TEST_F(out_of_memory, run_and_its_result) {
  const auto run = [] { EXPECT_EQ(weft::run([] { return 4; }), 4); };
  EXPECT_GE(fail_everywhere(run), 1);
}

TEST_F(out_of_memory, a_goroutine_is_told_as_well_as_a_thread) {
  weft::run([] {
    for (int i = 0; i < 200; ++i) {
      set_fuse(1);
      EXPECT_THROW(weft::go([load = payload()] { (void)load; }), std::bad_alloc);
      EXPECT_EQ(read_fuse(), 0);
      set_fuse(1);
      EXPECT_THROW(weft::chan<int>(7), std::bad_alloc);
      weft::yield();
    }
  });
}

/// The workers themselves get no memory for a while: goroutines wait, and then all of them run.
TEST_F(out_of_memory, of_the_workers_only_delays) {
  rationed = false;
  const weft_test::procs_scope scope(4);
  atomic<int> ran{0};
  weft::wait_group wg;
  drought.store(true);
  for (const std::size_t kib : {32U, 64U, 128U, 512U, 2048U})
    for (int i = 0; i < 20; ++i)
      wg.go(weft::named("thirsty").stack(kib * 1024), [&] {
        weft::sleep_for(10us);
        ++ran;
      });
  weft_test::let_others_run();
  drought.store(false);
  wg.wait();
  EXPECT_EQ(ran.load(), 100);
  rationed = true;
}

/// after_func's goroutine is made by the clock, on a worker: without memory the call comes later.
TEST_F(out_of_memory, of_the_clock_only_delays_a_call) {
  rationed = false;
  const weft::chan<void> gate;
  const weft::chan<int> called(100);
  drought.store(true);
  for (int i = 0; i < 100; ++i) weft::after_func(10us, [=] { called.send(i), gate.recv(); });
  weft_test::let_others_run();
  drought.store(false);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(called.recv());
  gate.close();
  rationed = true;
}

/// Go's TestAllocs counts them, too: a context is one, what it is asked for may be more.
TEST_F(out_of_memory, contexts) {
  static const weft::context_key<std::string> key;
  const std::string text(100, 'x');
  const auto parent = weft::with_cancel(weft::background());
  EXPECT_EQ(fail_everywhere([&] { static_cast<void>(weft::with_cancel(parent.ctx)); }), 1);
  EXPECT_EQ(fail_everywhere([&] { static_cast<void>(weft::with_timeout(parent.ctx, 1h)); }), 1);
  EXPECT_EQ(fail_everywhere([&] { static_cast<void>(weft::with_timeout(parent.ctx, -1h)); }), 1);
  EXPECT_EQ(fail_everywhere([&] { static_cast<void>(weft::without_cancel(parent.ctx)); }), 1);
  EXPECT_EQ(fail_everywhere([&] { static_cast<void>(weft::with_value(parent.ctx, key, text)); }),
            2);
  EXPECT_EQ(fail_everywhere([&] {
              auto [ctx, cancel] = weft::with_cancel(parent.ctx);
              static_cast<void>(ctx.done());
              cancel();
              EXPECT_EQ(ctx.err(), weft::context_errc::canceled);
              EXPECT_THROW(ctx.throw_if_cancelled(), weft::context_canceled);
            }),
            2);
  EXPECT_GT(fail_everywhere([&] {
              std::stop_source source;
              auto [ctx, cancel] = weft::with_stop_token(parent.ctx, source.get_token());
              const std::stop_token token = ctx.stop_token();
              source.request_stop();
              EXPECT_TRUE(token.stop_requested());
            }),
            2);
}

TEST_F(out_of_memory, after_func_of_a_context) {
  const auto parent = weft::with_cancel(weft::background());
  EXPECT_EQ(fail_everywhere([&] { EXPECT_TRUE(weft::after_func(parent.ctx, [] {})()); }), 1);
  EXPECT_EQ(fail_everywhere([&] {
              EXPECT_TRUE(weft::after_func(parent.ctx, [load = payload()] { (void)load; })());
            }),
            2);
}

/// Cancelling needs no memory, whatever hangs on the context.
TEST_F(out_of_memory, cancelling) {
  static_cast<void>(weft::with_timeout(weft::background(), -1s).ctx.cause());  // the usual one
  for (const bool late : {false, true}) {
    auto [ctx, cancel] = weft::with_timeout(weft::background(), late ? 2ms : 1h);
    std::vector<weft::context> children;
    for (int i = 0; i < 100; ++i) children.push_back(weft::with_cancel(ctx).ctx);
    const weft::chan<void> called;
    weft::after_func(ctx, [called] { called.close(); });
    const weft::recv_chan<void> done = ctx.done();
    rationed = false;
    drought.store(true);
    set_fuse(1);
    if (!late) cancel();
    done.recv();
    called.recv();
    EXPECT_EQ(read_fuse(), 1);
    set_fuse(0);
    drought.store(false);
    rationed = true;
    for (const weft::context& child : children) EXPECT_TRUE(child.cancelled());
  }
}

class at_the_very_beginning : public unit::in_a_fresh_process {};

template <class F>
[[noreturn]] void begin_without_memory(F first_use) {
  int n = 1;
  for (bool through = false; !through && n < 500; ++n) through = survives(n, first_use);
  atomic<int> ran{0};
  weft::wait_group wg;
  for (int i = 0; i < 100; ++i) wg.go([&] { ++ran; });
  wg.wait();
  unit::end_with(n < 500 && ran.load() == 100);
}

TEST_F(at_the_very_beginning, of_a_goroutine) {
  EXPECT_EXIT(begin_without_memory([] { weft::go([] {}); }), testing::ExitedWithCode(0), "");
}

TEST_F(at_the_very_beginning, of_a_timer) {
  EXPECT_EXIT(begin_without_memory([] { weft::timer(1h).stop(); }), testing::ExitedWithCode(0), "");
}

TEST_F(at_the_very_beginning, of_a_context) {
  EXPECT_EXIT(begin_without_memory(
                  [] { static_cast<void>(weft::with_timeout(weft::background(), 1h).ctx.done()); }),
              testing::ExitedWithCode(0), "");
}

TEST_F(at_the_very_beginning, of_a_question) {
  EXPECT_EXIT(begin_without_memory([] { EXPECT_GE(weft::max_procs(), 1); }),
              testing::ExitedWithCode(0), "");
}

}  // namespace
