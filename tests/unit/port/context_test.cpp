// The switch alone: values pass, registers survive, exceptions and unwinding stay on their stack.
#include "port/switch/context.hpp"

#include <alloca.h>
#include <unwind.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "port/switch/sanitizer.hpp"
#include "port/thread.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::shadow;
using weft_test::scaled;

constexpr std::size_t stack_bytes = std::size_t{1} << 20;

/// A function on a stack of its own that hands control back and forth with whoever resumes it.
class side {
 public:
  explicit side(std::function<void(side&)> body)
      : body_(std::move(body)), memory_(new std::byte[stack_bytes]) {
    own_.set_bounds(memory_.get(), stack_bytes);
    own_.take_fiber();
  }
  side(const side&) = delete;
  ~side() { own_.give_fiber_back(); }

  /// Runs the side until it gives way or ends. Returns: what it gave.
  void* resume(void* value) {
    shadow caller;
    static thread_local const weft::detail::stack_bounds bounds =
        weft::detail::thread_stack_bounds();
    caller.set_bounds(bounds.low, bounds.bytes);
    caller.use_thread_fiber();
    caller_ = &caller;
    void* answer = nullptr;
    if (std::exchange(started_, true)) {
      caller.before_switch_to(own_, false);
      answer = weft::detail::switch_context(&caller_sp_, own_sp_, value);
    } else {
      given_first_ = value;
      caller.before_switch_to(own_, false);
      answer = weft::detail::start_context(&caller_sp_, top(), entry, this);
    }
    caller.after_switch();
    return answer;
  }
  /// On the side: hands `value` to resume(). Returns: what the next resume was given.
  void* give_way(void* value) {
    own_.before_switch_to(*caller_, false);
    void* answer = weft::detail::switch_context(&own_sp_, caller_sp_, value);
    own_.after_switch();
    return answer;
  }

  void* given_first() const { return given_first_; }
  bool ended() const { return ended_; }
  bool holds(const void* address) const {
    const auto* byte = static_cast<const std::byte*>(address);
    return byte >= memory_.get() && byte < memory_.get() + stack_bytes;
  }

 private:
  std::byte* top() const {
    const auto end = reinterpret_cast<std::uintptr_t>(memory_.get() + stack_bytes);
    return reinterpret_cast<std::byte*>(end & ~std::uintptr_t{15});
  }
  static void entry(void* raw) {
    side& self = *static_cast<side*>(raw);
    self.own_.after_switch();
    self.body_(self);
    self.ended_ = true;
    self.own_.before_switch_to(*self.caller_, true);
    weft::detail::switch_context(&self.own_sp_, self.caller_sp_, nullptr);
  }

  std::function<void(side&)> body_;
  std::unique_ptr<std::byte[]> memory_;
  shadow own_;
  shadow* caller_ = nullptr;
  void* own_sp_ = nullptr;
  void* caller_sp_ = nullptr;
  void* given_first_ = nullptr;
  bool started_ = false;
  bool ended_ = false;
};

void* pointer(std::uintptr_t number) { return reinterpret_cast<void*>(number); }
std::uintptr_t number(void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

TEST(context, starts_on_the_new_stack_with_its_argument) {
  bool on_it = false;
  side s([&](side& self) {
    const int local = 0;
    on_it = self.holds(&local) || weft::detail::with_asan;  // locals may stand on a fake stack
    EXPECT_EQ(self.given_first(), pointer(42));
  });
  EXPECT_EQ(s.resume(pointer(42)), nullptr);
  EXPECT_TRUE(on_it);
  EXPECT_TRUE(s.ended());
}

TEST(context, passes_a_value_with_every_switch) {
  const int rounds = scaled(200'000);
  side s([&](side& self) {
    void* given = self.given_first();
    for (int i = 0; i < rounds; ++i) given = self.give_way(pointer(number(given) + 1));
  });
  for (std::uintptr_t i = 0; i < static_cast<std::uintptr_t>(rounds); ++i)
    ASSERT_EQ(s.resume(pointer(i * 3)), pointer(i * 3 + 1));
  s.resume(nullptr);
  EXPECT_TRUE(s.ended());
}

/// Numbers that the compiler cannot know, more than there are registers of either kind, alive
/// across a switch. `turn` switches.
template <class Turn>
void keep_many_alive(std::uint64_t seed, Turn turn) {
  std::array<volatile std::uint64_t, 24> whole;
  std::array<volatile double, 24> real;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    whole[i] = seed * (i + 1);
    real[i] = static_cast<double>(seed) / static_cast<double>(i + 1);
  }
  const std::uint64_t a = whole[0], b = whole[1], c = whole[2], d = whole[3], e = whole[4];
  const std::uint64_t f = whole[5], g = whole[6], h = whole[7], i = whole[8], j = whole[9];
  const std::uint64_t k = whole[10], l = whole[11], m = whole[12], n = whole[13], o = whole[14];
  const double p = real[0], q = real[1], r = real[2], t = real[3], u = real[4], v = real[5];
  const double w = real[6], x = real[7], y = real[8], z = real[9];
  turn();
  EXPECT_TRUE(a == whole[0] && b == whole[1] && c == whole[2] && d == whole[3] && e == whole[4]);
  EXPECT_TRUE(f == whole[5] && g == whole[6] && h == whole[7] && i == whole[8] && j == whole[9]);
  EXPECT_TRUE(k == whole[10] && l == whole[11] && m == whole[12] && n == whole[13]);
  EXPECT_TRUE(o == whole[14] && p == real[0] && q == real[1] && r == real[2] && t == real[3]);
  EXPECT_TRUE(u == real[4] && v == real[5] && w == real[6] && x == real[7] && y == real[8]);
  EXPECT_TRUE(z == real[9]);
}

TEST(context, keeps_what_both_sides_have_in_registers) {
  constexpr std::uint64_t rounds = 500;
  side s([&](side& self) {
    for (std::uint64_t i = 0; i < rounds; ++i)
      keep_many_alive(i * 7919, [&] { self.give_way(nullptr); });
  });
  for (std::uint64_t i = 0; i < rounds; ++i)
    keep_many_alive(~i * 104729, [&] { s.resume(nullptr); });
  s.resume(nullptr);
  EXPECT_TRUE(s.ended());
}

/// A frame whose size is known only at run time is addressed through the frame pointer.
[[gnu::noinline]] void switch_in_a_variable_frame(side& self, std::size_t bytes) {
  auto* room = static_cast<char*>(::alloca(bytes));
  std::memset(room, static_cast<int>(bytes % 100), bytes);
  self.give_way(nullptr);
  for (std::size_t i = 0; i < bytes; ++i) ASSERT_EQ(room[i], static_cast<char>(bytes % 100));
}

TEST(context, keeps_the_frame_pointer) {
  side s([](side& self) {
    for (std::size_t bytes = 1; bytes < 300; bytes += 13) switch_in_a_variable_frame(self, bytes);
  });
  while (!s.ended()) s.resume(nullptr);
}

[[gnu::noinline]] int climb(side& self, int depth) {
  if (depth == 0) return static_cast<int>(number(self.give_way(nullptr)));
  volatile int here = depth;
  const int above = climb(self, depth - 1);
  return above + here - depth + 1;
}

TEST(context, switches_from_deep_inside) {
  constexpr int depth = 2'000;
  int reached = 0;
  side s([&](side& self) { reached = climb(self, depth); });
  s.resume(nullptr);
  s.resume(pointer(5));
  EXPECT_EQ(reached, depth + 5);
}

[[gnu::noinline]] void throw_below(int depth) {
  const std::string alive(40, 'x');  // something to be destroyed on the way
  if (depth == 0) throw std::runtime_error("thrown on the side");
  throw_below(depth - 1);
}

TEST(context, carries_exceptions_from_throw_to_catch) {
  side s([](side& self) {
    for (int i = 0; i < 50; ++i) {
      try {
        throw_below(i);
        ADD_FAILURE() << "nothing was thrown";
      } catch (const std::runtime_error& e) {
        EXPECT_STREQ(e.what(), "thrown on the side");
      }
      self.give_way(nullptr);
    }
  });
  while (!s.ended()) {
    try {
      s.resume(nullptr);
      throw std::logic_error("thrown at home");
    } catch (const std::logic_error& e) {
      EXPECT_STREQ(e.what(), "thrown at home");
    }
  }
}

_Unwind_Reason_Code count_frame(_Unwind_Context*, void* count) {
  return ++*static_cast<int*>(count) < 1'000 ? _URC_NO_REASON : _URC_FATAL_PHASE1_ERROR;
}

TEST(context, unwinding_ends_at_the_first_frame_of_the_stack) {
  int frames = 0;
  side s([&](side&) { EXPECT_EQ(_Unwind_Backtrace(count_frame, &frames), _URC_END_OF_STACK); });
  s.resume(nullptr);
  EXPECT_GE(frames, 2);
  EXPECT_LT(frames, 50);
}

TEST(context, keeps_many_stacks_apart) {
  constexpr int count = 16;
  constexpr std::uintptr_t rounds = 300;
  std::vector<std::unique_ptr<side>> all;
  for (std::uintptr_t mine = 0; mine < count; ++mine)
    all.push_back(std::make_unique<side>([mine](side& self) {
      std::uintptr_t sum = mine;
      for (std::uintptr_t i = 0; i < rounds; ++i) sum += number(self.give_way(pointer(sum)));
      EXPECT_EQ(sum, mine + rounds * mine);
    }));
  for (std::uintptr_t i = 0; i <= rounds; ++i)
    for (std::uintptr_t mine = 0; mine < count; ++mine) {
      void* gave = all[mine]->resume(pointer(mine));
      ASSERT_EQ(number(gave), i < rounds ? mine + i * mine : 0);
    }
}

TEST(context, may_be_resumed_by_another_thread) {
  std::uintptr_t sum = 0;
  side s([&](side& self) {
    while (sum < 20) sum += number(self.give_way(nullptr));
  });
  for (int i = 0; i <= 20; ++i) unit::on_threads(1, [&](int) { s.resume(pointer(1)); });
  EXPECT_TRUE(s.ended());
}

}  // namespace
