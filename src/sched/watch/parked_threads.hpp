// The plain threads that are parked in weft: what a dump lists and the deadlock detector counts.
//
// Threads: any. Locks: one spin lock, a leaf.
// Invariants: R1 a thread is listed before its commit runs, and until it has been woken.
// Tested by: tests/unit/sched/deadlock_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/intrusive_list.hpp"
#include "fiber/waiter.hpp"
#include "port/switch/saved_registers.hpp"
#include "port/sync/parker.hpp"

namespace weft::detail {

/// Trivially destroyed, so that it still works while a thread's other thread_locals end.
class thread_waiter : public waiter {
 public:
  thread_waiter() noexcept : waiter(kind::thread) {}

  parker sleep;
  int thread = 0;               // its number in the kernel
  bool timed = false;           // it wakes by itself
  saved_registers registers;    // where it parked
  std::uintptr_t stack_top = 0;
  std::uint64_t parks = 0;      // how often it has parked
  thread_waiter* next_parked = nullptr;
  thread_waiter* previous_parked = nullptr;
};

struct parked_thread_view {
  int thread = 0;
  wait_reason reason = wait_reason::none;
  bool bounded = false;
  bool timed = false;
  bool asleep = false;  // nobody has woken it
  const void* waits_on = nullptr;
  std::uint32_t since = 0;
  saved_registers registers;
  std::uintptr_t stack_top = 0;
  std::uint64_t parks = 0;
};

class parked_threads {
 public:
  static void enter(thread_waiter& self) noexcept;
  static void leave(thread_waiter& self) noexcept;

  /// Throws: std::bad_alloc.
  static std::vector<parked_thread_view> list();
  /// Whether it has slept ever since it was seen.
  static bool is_as_seen(const parked_thread_view& view) noexcept;
  /// How many of them sleep for good: nobody has woken them, no clock will. `changes` grows with
  /// every enter and leave.
  static std::size_t count_asleep(std::uint64_t& changes) noexcept;
  /// Whether any is listed, asleep or about to be.
  static bool anybody() noexcept;
};

}  // namespace weft::detail
