// Traces agree with the C++ runtime's unwinder: here, in a signal handler, at every instruction,
// and of a stack that stands still. Compiled with full optimisation and without frame pointers.
#include "port/trace/stack_trace.hpp"

#include <alloca.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string>

#include "trace_support.hpp"
#include "unit_support.hpp"

namespace {

using namespace trace_test;
using weft::detail::capture_trace;
using weft::detail::long_trace;
using traces = std::vector<std::uintptr_t>;

volatile int sink = 0;

/// Frames of many kinds below `innermost`.
template <class Innermost>
TRACE_FRAME int recursion(int depth, Innermost innermost) {
  if (depth == 0) {
    innermost();
    return 1;
  }
  const int below = recursion(depth - 1, innermost);
  sink = below;
  return below + 1;
}

template <class Innermost>
TRACE_FRAME void with_many_registers(Innermost innermost) {
  std::array<int, 8> kept{};
  std::iota(kept.begin(), kept.end(), sink);
  sink = recursion(3, innermost);
  sink = std::accumulate(kept.begin(), kept.end(), 0);
}

template <class Innermost>
TRACE_FRAME void with_alloca(std::size_t bytes, Innermost innermost) {
  auto* room = static_cast<volatile char*>(alloca(bytes));
  room[0] = 1;
  with_many_registers(innermost);
  sink = room[0];
}

template <class Innermost>
TRACE_FRAME void realigned(Innermost innermost) {
  alignas(64) volatile char line[128];
  line[0] = 1;
  with_alloca(static_cast<std::size_t>(100 + sink % 2), innermost);
  sink = line[0];
}

template <class Innermost>
TRACE_FRAME void with_a_large_frame(Innermost innermost) {
  volatile char room[20'000];
  room[sizeof room - 1] = 1;
  realigned(innermost);
  sink = room[sizeof room - 1];
}

template <class Innermost>
TRACE_FRAME void in_a_handler(Innermost innermost) {
  try {
    throw 1;
  } catch (int) {
    with_a_large_frame(innermost);
    sink = 1;
  }
}

TRACE_FRAME void body(standing_stack& at) {
  in_a_handler([&at] { at.stop(); });
  sink = 2;
}

TEST(stack_trace, of_the_calling_stack_is_the_oracles) {
  traces own(200);
  traces oracle;
  in_a_handler([&] {
    own.resize(capture_trace(own));
    oracle = oracle_trace();
  });
  ASSERT_GT(own.size(), 10U);
  own.erase(own.begin());  // capture_trace itself
  // The two calls stand side by side in one function; from its caller on all is the same.
  EXPECT_EQ(functions_of({own[0]}), functions_of({oracle[0]}));
  own.erase(own.begin());
  oracle.erase(oracle.begin());
  EXPECT_EQ(own, oracle);
}

TEST(stack_trace, of_a_stack_that_stands_still_is_what_it_was_when_it_ran) {
  const standing_stack still(body);
  traces found = still.unwind(still.copy());
  const traces& expected = still.expected();
  ASSERT_EQ(found.size(), expected.size());
  EXPECT_EQ(functions_of(found), functions_of(expected));
  EXPECT_TRUE(std::equal(found.begin() + 1, found.end(), expected.begin() + 1));
  EXPECT_EQ(std::count(found.begin(), found.end(), 0U), 0);
  const traces functions = functions_of(found);
  EXPECT_NE(std::find(functions.begin(), functions.end(), start_of(body)), functions.end());
}

TEST(stack_trace, of_a_copy_that_is_cut_is_short_but_right) {
  const standing_stack still(body);
  const std::vector<std::byte> all = still.copy();
  const traces whole = still.unwind(all);
  std::size_t longest = 0;
  for (std::size_t bytes = 0; bytes < all.size(); bytes += 8) {
    const traces part = still.unwind({all.begin(), all.begin() + static_cast<long>(bytes)});
    ASSERT_GE(part.size(), std::max<std::size_t>(longest, 1));
    longest = part.size();
    ASSERT_TRUE(std::equal(part.begin(), part.end(), whole.begin())) << bytes;
  }
  EXPECT_GE(longest + 2, whole.size());
}

TEST(stack_trace, stops_when_there_is_room_for_no_more) {
  const standing_stack still(body);
  const traces whole = still.unwind(still.copy());
  for (std::size_t room = 0; room < whole.size(); ++room) {
    const traces part = still.unwind(still.copy(), room);
    EXPECT_EQ(part, traces(whole.begin(), whole.begin() + static_cast<long>(room)));
  }
}

traces seen_in_handler;

void note_trace(int, siginfo_t*, void* ucontext) {
  std::array<std::uintptr_t, 200> pcs;
  const std::size_t count = weft::detail::capture_trace_of_signal(ucontext, pcs);
  seen_in_handler.assign(pcs.begin(), pcs.begin() + static_cast<long>(count));
}

/// Restores the signal's action.
class handler_scope {
 public:
  handler_scope(int signal, void (*handler)(int, siginfo_t*, void*)) : signal_(signal) {
    struct sigaction ours {};
    ours.sa_sigaction = handler;
    ours.sa_flags = SA_SIGINFO;
    ::sigaction(signal, &ours, &before_);
  }
  handler_scope(const handler_scope&) = delete;
  handler_scope& operator=(const handler_scope&) = delete;
  ~handler_scope() { ::sigaction(signal_, &before_, nullptr); }

 private:
  int signal_;
  struct sigaction before_ {};
};

/// By the kernel, so that no frame of a library is in between.
TEST(stack_trace, of_what_a_signal_interrupted_begins_there) {
  const handler_scope scope(SIGUSR1, note_trace);
  traces oracle;
  in_a_handler([&] {
    oracle = oracle_trace();
    ::raise(SIGUSR1);
  });
  const traces functions = functions_of(seen_in_handler);
  traces expected = functions_of(oracle);
  const auto at = std::find(functions.begin(), functions.end(), expected[0]);
  ASSERT_NE(at, functions.end());
  EXPECT_EQ(traces(at, functions.end()), expected);
}

#if defined(__x86_64__)

struct stepping {
  std::uintptr_t anchor = 0;
  std::size_t outer_frames = 0;
  traces outer;  // the functions above the anchor
  std::size_t steps = 0;
  traces lost_at;
} stepped;

/// At one instruction: does the trace lead to the anchor and to all that is above it?
void check_step(int, siginfo_t*, void* ucontext) {
  std::array<std::uintptr_t, 64> pcs;
  const std::size_t count = weft::detail::capture_trace_of_signal(ucontext, pcs);
  std::size_t at = 0;
  while (at < count && weft::detail::unwind_function_start(pcs[at]) != stepped.anchor) ++at;
  ++stepped.steps;
  const bool whole = at < count && count - at - 1 == stepped.outer.size() &&
                     std::equal(stepped.outer.begin(), stepped.outer.end(),
                                pcs.begin() + static_cast<long>(at) + 1);
  if (whole) return;
  stepped.lost_at.push_back(pcs[0]);
}

TRACE_FRAME int work_of_many_kinds(int seed) {
  std::array<int, 12> numbers;
  for (int& n : numbers) n = seed = (seed * 1103515245 + 12345) & 0x7fff;
  std::sort(numbers.begin(), numbers.end());
  std::string text = std::to_string(numbers[3]);
  for (int i = 0; i < 4; ++i) text += text;
  with_a_large_frame([&text] { text.insert(0, "here"); });
  return static_cast<int>(text.size()) + numbers[0];
}

TRACE_FRAME void step_through_work() {
  stepped.outer = oracle_trace();
  stepped.outer.erase(stepped.outer.begin());
  asm volatile("pushfq\n\torl $0x100, (%%rsp)\n\tpopfq" ::: "cc", "memory");  // the trap flag
  sink = work_of_many_kinds(sink);
  asm volatile("pushfq\n\tandl $~0x100, (%%rsp)\n\tpopfq" ::: "cc", "memory");
}

// In a sanitized program every instruction may be one of the sanitizer's.
TEST(stack_trace, is_whole_at_every_instruction) {
  if (weft_test::sanitized) GTEST_SKIP() << "the sanitizer's own code is stepped through";
  const handler_scope scope(SIGTRAP, check_step);
  stepped = {};
  stepped.anchor = start_of(step_through_work);
  step_through_work();
  EXPECT_GT(stepped.steps, 1000U);
  // Between pushfq and popfq of this test the tables are wrong: inline assembly tells nothing.
  for (const std::uintptr_t at : stepped.lost_at)
    EXPECT_EQ(weft::detail::unwind_function_start(at), stepped.anchor) << std::hex << at;
}

#endif

TEST(stack_trace, of_a_call_of_nothing_names_the_caller) {
  const standing_stack still(body);
  std::vector<std::byte> memory = still.copy();
  // As after `call *%rax` with rax = 0: the return address is on top.
  const traces whole = still.unwind(memory);
#if defined(__x86_64__)
  const std::uintptr_t back = whole[1] + 1;
  std::vector<std::byte> called(sizeof back);
  std::memcpy(called.data(), &back, sizeof back);
  traces found(8);
  found.resize(
      weft::detail::unwind_trace({0, 0x1000, 0}, {called.data(), 0x1000, called.size()}, found));
  ASSERT_GE(found.size(), 2U);
  EXPECT_EQ(found[0], 0U);
  EXPECT_EQ(found[1], whole[1]);
#endif
}

TRACE_FRAME void capture_long(int depth, long_trace& to) {
  if (depth > 0)
    capture_long(depth - 1, to);
  else
    capture_trace(to);
  sink = depth;
}

TEST(long_trace, keeps_both_ends) {
  long_trace trace;
  capture_long(1000, trace);
  EXPECT_GT(trace.depth(), 1000U);
  EXPECT_EQ(trace.inner().size(), long_trace::inner_max);
  traces outer(long_trace::outer_max);
  EXPECT_EQ(trace.outer(outer), long_trace::outer_max);
  EXPECT_EQ(trace.left_out(), trace.depth() - long_trace::inner_max - long_trace::outer_max);
  const traces oracle = oracle_trace();  // its outermost frames are this test's too
  EXPECT_EQ(outer.back(), oracle.back());
  EXPECT_TRUE(std::equal(oracle.rbegin(), oracle.rend() - 1, outer.rbegin()));
}

TEST(long_trace, of_few_frames_leaves_none_out) {
  for (const std::size_t count : {0U, 1U, 49U, 50U, 51U, 69U, 70U, 71U, 200U}) {
    long_trace trace;
    for (std::uintptr_t i = 1; i <= count; ++i) trace.add(i);
    traces all(trace.inner().begin(), trace.inner().end());
    traces outer(long_trace::outer_max);
    outer.resize(trace.outer(outer));
    EXPECT_EQ(all.size() + trace.left_out() + outer.size(), count);
    EXPECT_EQ(count == 0 || (outer.empty() ? all : outer).back() == count, true) << count;
    all.insert(all.end(), outer.begin(), outer.end());
    EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  }
}

TRACE_FRAME void inner_function(long_trace& to, const void* below) {
  capture_trace(to, below);
  sink = 1;
}
TRACE_FRAME void outer_function(long_trace& to, const void* below) {
  inner_function(to, below);
  sink = 2;
}

TEST(long_trace, begins_above_the_function_that_is_named) {
  long_trace trace;
  outer_function(trace, reinterpret_cast<const void*>(&inner_function));
  EXPECT_EQ(weft::detail::unwind_function_start(trace.inner()[0]), start_of(outer_function));
  long_trace whole;
  outer_function(whole, reinterpret_cast<const void*>(&std::abort));  // it is not there
  EXPECT_EQ(whole.depth(), trace.depth() + 2);
}

}  // namespace
