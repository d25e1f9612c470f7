// The goroutine: a small control block with its closure inside, and no stack until it first runs.
//
// Threads: owned by whoever holds it: the queue it is in, the worker that runs it, the object it
//          waits on. Only `state` and `reason` are read by others, as hints.
// Tested by: tests/unit/fiber/goroutine_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <weft/detail/atomic.hpp>
#include <weft/detail/spawn.hpp>

#include "fiber/own/belongings.hpp"
#include "fiber/stack.hpp"
#include "fiber/waiter.hpp"
#include "port/switch/exception_state.hpp"
#include "port/switch/sanitizer.hpp"

namespace weft::detail {

class worker;

enum class goroutine_state : std::uint8_t { unused, runnable, running, waiting };

/// Where execution stands while it is not running.
struct execution {
  void* stack_pointer = nullptr;  // null: not started
  [[no_unique_address]] shadow sanitizers;
};

class goroutine : public waiter {
 public:
  goroutine() noexcept : waiter(kind::goroutine) {}

  bool started() const noexcept { return context.stack_pointer != nullptr; }
  /// Anything that the fast path of a switch does not handle.
  bool needs_care() const noexcept { return locked_to != nullptr || avoid != nullptr; }

  // First what every switch touches: with the waiter's part it fills one cache line.
  hint<goroutine_state> state{goroutine_state::unused};
  stack_class size = default_stack_class;
  bool closure_is_outside = false;
  execution context;
  stack memory;
  exception_state exceptions;
  worker* locked_to = nullptr;    // the thread it is tied to
  const worker* avoid = nullptr;  // forced migration: the worker it must not resume on

  goroutine* next_fresh = nullptr;
  goroutine* previous_fresh = nullptr;
  void (*run)(void*) = nullptr;
  std::uint64_t id = 0;

  static constexpr std::size_t inline_bytes = 72;
  alignas(8) std::byte closure[inline_bytes];

  creation_site site;
  std::uint32_t lock_depth = 0;
  belongings own;

  void* closure_address() noexcept;
};

/// Puts the closure inside if it fits, else on the heap. Throws: std::bad_alloc.
void* make_room_for_closure(goroutine& g, std::size_t bytes, std::size_t alignment);
void free_closure_room(goroutine& g) noexcept;

/// Throws: std::bad_alloc.
void set_name(goroutine& g, std::string_view name);

/// "goroutine 7 'reader', started at server.cpp:42 (main)".
void describe(const goroutine& g, char* text, std::size_t bytes) noexcept;
/// "goroutine 7 reader server.cpp:42".
void describe_shortly(const goroutine& g, char* text, std::size_t bytes) noexcept;

}  // namespace weft::detail
