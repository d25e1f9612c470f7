// Frames that are larger than the stack they are to stand on.
#include <alloca.h>

#include <cstdio>
#include <cstring>

#include <weft/weft.hpp>

#include "scenarios.hpp"

namespace hazards {
namespace {

/// Neighbours on both sides: where a frame that steps over its guard would
/// land.
void surround(void (*use)()) {
  const weft::chan<void> never;
  weft::run([&] {
    for (int i = 0; i < 8; ++i)
      weft::go([=] { never.recv(); });
    weft::yield();
    const weft::wait_group giant;
    giant.go(weft::named("giant"), use);
    for (int i = 0; i < 8; ++i)
      weft::go([=] { never.recv(); });
    giant.wait();
  });
  std::puts("nothing happened");
}

[[gnu::noinline]] int use_a_frame_of_a_mebibyte(int n) {
  volatile char frame[1 << 20];
  frame[n] = static_cast<char>(
      n); // its low end only: what lies between is never touched
  asm volatile("" ::"r"(frame) : "memory");
  return frame[n];
}

[[gnu::noinline]] int use_alloca(std::size_t bytes) {
  auto *room = static_cast<volatile char *>(alloca(bytes));
  room[0] = 1;
  asm volatile("" ::"r"(room) : "memory");
  return room[0];
}

[[gnu::noinline]] int recurse(volatile int *depth) {
  volatile char frame[256];
  frame[0] = static_cast<char>(*depth);
  *depth = *depth + 1;
  const int below = *depth < 100'000'000 ? recurse(depth) : 0;
  return below + frame[0];
}

int frame_of_a_mebibyte() {
  surround([] { use_a_frame_of_a_mebibyte(0); });
  return 0;
}
int alloca_of_half_a_mebibyte() {
  surround([] { use_alloca(512U << 10); });
  return 0;
}
int frame_after_a_park() {
  surround([] {
    weft::yield();
    use_a_frame_of_a_mebibyte(0);
  });
  return 0;
}
int recursion_without_end() {
  surround([] {
    volatile int depth = 0;
    recurse(&depth);
  });
  return 0;
}

/// What fits is used to the last page.
int frames_that_fit() {
  weft::run([] {
    const weft::wait_group wg;
    wg.go(weft::named("large").stack(4U << 20),
          [] { use_a_frame_of_a_mebibyte(0); });
    wg.go(weft::named("usual"), [] { use_alloca(192U << 10); });
    wg.go(weft::named("small").stack(64U << 10), [] { use_alloca(32U << 10); });
    wg.wait();
  });
  return 7;
}

} // namespace

const scenario_table frame_scenarios{
    {"frame_of_a_mebibyte", frame_of_a_mebibyte},
    {"alloca_of_half_a_mebibyte", alloca_of_half_a_mebibyte},
    {"frame_after_a_park", frame_after_a_park},
    {"recursion_without_end", recursion_without_end},
    {"frames_that_fit", frames_that_fit},
};

} // namespace hazards
