// The census: every goroutine as it is at one moment, taken while the program goes on.
//
// Nothing is stopped. A goroutine that stands still is known by its run_state: if the word is the
// same before and after a look, what was read in between is how it was. One that moves again and
// again during the census is listed as running.
// Threads: any. Allocates; not for signal handlers.
// Orders: census: what was read of a goroutine, heavy_barrier(), its word once more: a writer's
//         turn began before it changed anything.
// Tested by: tests/unit/sched/census_test.cpp
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <weft/detail/deadline.hpp>

#include "fiber/goroutine.hpp"

namespace weft::detail {

/// An address that a search for pointers (src/api/leaks/reachability.hpp) does not take for one.
class hidden_address {
 public:
  hidden_address(const void* address) noexcept
      : bits_(~reinterpret_cast<std::uintptr_t>(address)) {}
  // Safety: back to what it was made from.
  const void* get() const noexcept { return reinterpret_cast<const void*>(~bits_); }
  operator const void*() const noexcept { return get(); }

 private:
  std::uintptr_t bits_;
};

struct goroutine_view {
  goroutine* block = nullptr;
  std::uint32_t word = 0;  // of its run_state
  goroutine_state state = goroutine_state::unused;
  std::uint64_t id = 0;
  std::uint64_t parent = 0;  // 0: a plain thread
  std::string name;
  creation_site site;
  bool started = false;
  bool tied = false;  // to its thread

  // Of one that waits.
  wait_reason reason = wait_reason::none;
  bool bounded = false;
  hidden_address waits_on = nullptr;
  deadline_ns waited_ns = 0;

  stack memory;
  stack_class size = default_stack_class;
  hidden_address stack_pointer = nullptr;  // null: it is on its stack, or has none

  bool stands_still() const noexcept { return stack_pointer != nullptr; }
};

/// In the order of their numbers.
/// Throws: std::bad_alloc.
std::vector<goroutine_view> take_census();

/// Whether it has not had a turn since it was seen.
bool is_as_seen(const goroutine_view& view) noexcept;

/// The live part of a suspended stack, copied: `bytes` stood at `low` and above. Empty if it has
/// moved meanwhile. Throws: std::bad_alloc.
std::vector<std::byte> copy_live_stack(const goroutine_view& view);

}  // namespace weft::detail
