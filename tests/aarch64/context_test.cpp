// The context switch with nothing but the switch: for a CPU that only an emulator runs here.
//
// Asks: does every live value survive a switch whatever the other side does with the registers, do
// values pass both ways, is the stack aligned, may a switch come between a throw and its catch?
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string_view>

#include "port/switch/context.hpp"

namespace {

constexpr std::size_t stack_bytes = 256 * 1024;
constexpr int rounds = 1000;

void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "failed: %s\n", what);
  std::exit(1);
}

struct coroutine {
  std::unique_ptr<std::byte[]> memory = std::make_unique<std::byte[]>(stack_bytes);
  void* own_sp = nullptr;
  void* caller_sp = nullptr;

  void* start(void (*entry)(void*)) {
    // Safety: rounded down to 16 inside an allocation that is larger than 16 bytes.
    auto top = reinterpret_cast<std::uintptr_t>(memory.get() + stack_bytes) & ~std::uintptr_t{15};
    void* fresh = reinterpret_cast<void*>(top);
    return weft::detail::start_context(&caller_sp, fresh, entry, this);
  }
  void* resume(void* value) { return weft::detail::switch_context(&caller_sp, own_sp, value); }
  void* suspend(void* value) { return weft::detail::switch_context(&own_sp, caller_sp, value); }
};

void* word(std::uintptr_t value) { return reinterpret_cast<void*>(value); }
std::uintptr_t number(void* value) { return reinterpret_cast<std::uintptr_t>(value); }

/// The same number, about which the compiler knows nothing any more.
[[gnu::always_inline]] inline std::uint64_t opaque(std::uint64_t value) {
  asm volatile("" : "+r"(value));
  return value;
}
[[gnu::always_inline]] inline double opaque(double value) {
  asm volatile("" : "+w"(value));
  return value;
}

/// Compiled with frame pointers: the same anywhere in a function.
[[gnu::always_inline]] inline std::uintptr_t frame_pointer() {
  std::uintptr_t frame;
  asm volatile("mov %0, x29" : "=r"(frame));
  return frame;
}

/// Switches with `depth` whole numbers and as many fractions live across the switch: more than
/// there are registers. Inlined, so that the compiler decides where each of them is meanwhile.
template <int depth>
[[gnu::always_inline]] inline void* hold(void** save_sp, void* to_sp, void* value,
                                         std::uint64_t seed) {
  if constexpr (depth == 0) {
    const std::uintptr_t frame = frame_pointer();
    void* passed = weft::detail::switch_context(save_sp, to_sp, value);
    check(frame_pointer() == frame, "the frame pointer survives a switch");
    return passed;
  } else {
    const std::uint64_t whole = opaque(seed * depth);
    const double fraction = opaque(static_cast<double>(seed) / depth);
    void* passed = hold<depth - 1>(save_sp, to_sp, value, seed);
    check(whole == seed * depth, "whole numbers survive a switch");
    check(fraction == static_cast<double>(seed) / depth, "fractions survive a switch");
    return passed;
  }
}

void hold_numbers(void* argument) {
  auto* self = static_cast<coroutine*>(argument);
  for (std::uint64_t round = 1;; ++round)
    hold<40>(&self->own_sp, self->caller_sp, word(round), opaque(round * 7919));
}

void live_values_survive() {
  coroutine other;
  check(number(other.start(hold_numbers)) == 1, "the first switch out passes its value");
  for (std::uint64_t round = 2; round < rounds; ++round) {
    void* passed = hold<40>(&other.caller_sp, other.own_sp, nullptr, opaque(round));
    check(number(passed) == round, "every switch out passes its value");
  }
}

/// One value, live in whichever register the switch does not declare as lost, if there is any.
void hold_one(void* argument) {
  auto* self = static_cast<coroutine*>(argument);
  for (std::uint64_t round = 1;; ++round)
    hold<1>(&self->own_sp, self->caller_sp, word(round), opaque(round * 7919));
}

void a_single_live_value_survives() {
  coroutine other;
  check(number(other.start(hold_one)) == 1, "the first switch out passes its value");
  for (std::uint64_t round = 2; round < rounds; ++round)
    hold<1>(&other.caller_sp, other.own_sp, nullptr, opaque(round));
}

void double_what_comes(void* argument) {
  auto* self = static_cast<coroutine*>(argument);
  std::uintptr_t sum = 0;
  for (void* came = self->suspend(word(0));;) {
    sum += number(came);
    came = self->suspend(word(2 * sum));
  }
}

void values_pass_both_ways() {
  coroutine other;
  check(other.start(double_what_comes) == nullptr, "a fresh stack passes its first value");
  std::uintptr_t sum = 0;
  for (std::uintptr_t i = 1; i <= rounds; ++i) {
    sum += i;
    check(number(other.resume(word(i))) == 2 * sum, "locals stay and values pass both ways");
  }
}

void report_alignment(void* argument) {
  auto* self = static_cast<coroutine*>(argument);
  alignas(16) volatile char aligned[16] = {};
  self->suspend(word(reinterpret_cast<std::uintptr_t>(&aligned) % 16));
  std::abort();
}

void stacks_are_aligned() {
  coroutine other;
  check(other.start(report_alignment) == nullptr, "the stack is aligned to 16 bytes");
}

/// Throws through frames of its own with a switch between throw and catch.
void throw_and_catch(void* argument) {
  auto* self = static_cast<coroutine*>(argument);
  struct suspend_at_exit {
    coroutine* c;
    ~suspend_at_exit() { c->suspend(word(1)); }
  };
  try {
    suspend_at_exit guard{self};
    throw std::runtime_error("thrown");
  } catch (const std::runtime_error& error) {
    self->suspend(word(std::string_view(error.what()) == "thrown" ? 2 : 0));
  }
  self->suspend(word(3));
  std::abort();
}

void exceptions_unwind() {
  coroutine other;
  check(number(other.start(throw_and_catch)) == 1, "a destructor switches while unwinding");
  check(number(other.resume(nullptr)) == 2, "the exception is caught after the switch");
  check(number(other.resume(nullptr)) == 3, "and the function goes on");
}

}  // namespace

int main() {
  live_values_survive();
  a_single_live_value_survives();
  values_pass_both_ways();
  stacks_are_aligned();
  exceptions_unwind();
  std::puts("context switch: ok");
}
