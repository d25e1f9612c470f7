// The goroutine: a small control block with its closure inside, and no stack until it first runs.
//
// Threads: owned by whoever holds it: the queue it is in, the worker that runs it, the object it
//          waits on. Only `state` and `reason` are read by others, as hints.
// Tested by: tests/unit/fiber/goroutine_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <weft/detail/atomic.hpp>
#include <weft/detail/spawn.hpp>

#include "fiber/own/belongings.hpp"
#include "fiber/stack.hpp"
#include "fiber/waiter.hpp"
#include "port/pack/packed_pages.hpp"
#include "port/switch/exception_state.hpp"
#include "port/switch/sanitizer.hpp"

namespace weft::detail {

class worker;

struct no_park_note;
/// "inside a weft::no_park_scope ('the cache's lock') of cache.cpp:12 (get)".
std::string describe_no_park(const no_park_note* note);

enum class goroutine_state : std::uint8_t { unused, runnable, running, waiting };

/// A goroutine's state, and a number that grows whenever it gets a turn: whoever looks at one that
/// stands still, and finds the same word afterwards, has seen it as it was.
///
/// One writer at a time: whoever holds the goroutine.
class run_state {
 public:
  goroutine_state read() const noexcept { return state_of(word_.read()); }
  void write(goroutine_state state) noexcept {
    word_.write((word_.read() & ~state_mask) | static_cast<std::uint32_t>(state));
  }
  void begin_turn() noexcept {
    word_.write((word_.read() & ~state_mask) + one_turn +
                static_cast<std::uint32_t>(goroutine_state::running));
  }
  std::uint32_t word() const noexcept { return word_.read(); }
  static goroutine_state state_of(std::uint32_t word) noexcept {
    return static_cast<goroutine_state>(word & state_mask);
  }

 private:
  static constexpr std::uint32_t state_mask = 3;
  static constexpr std::uint32_t one_turn = 4;
  hint<std::uint32_t> word_;
};

/// Where execution stands while it is not running.
struct execution {
  /// Null: not started, or on its stack for the first time. `elsewhere`: on its stack again.
  void* stack_pointer = nullptr;
  static void* elsewhere() noexcept { return reinterpret_cast<void*>(std::uintptr_t{1}); }
  [[no_unique_address]] shadow sanitizers;
};

class goroutine : public waiter {
 public:
  goroutine() noexcept : waiter(kind::goroutine) {}

  bool started() const noexcept { return context.stack_pointer != nullptr; }
  /// Anything that the fast path of a switch does not handle.
  bool needs_care() const noexcept { return locked_to != nullptr || avoid != nullptr; }

  // First what every switch touches: with the waiter's part it fills one cache line.
  run_state state;
  stack_class size = default_stack_class;
  bool closure_is_outside = false;
  hint<pack_mark> packed;  // looked at after each turn's begin: see sched/pack/packer.hpp
  execution context;
  stack memory;
  exception_state exceptions;
  worker* locked_to = nullptr;    // the thread it is tied to
  const worker* avoid = nullptr;  // forced migration: the worker it must not resume on

  goroutine* next_fresh = nullptr;
  goroutine* previous_fresh = nullptr;
  void (*run)(void*) = nullptr;
  std::uint64_t id = 0;
  std::uint64_t parent = 0;  // who started it; 0: a plain thread

  static constexpr std::size_t inline_bytes = 72;
  alignas(8) std::byte closure[inline_bytes];

  creation_site site;
  std::uint32_t lock_depth = 0;
  const no_park_note* no_park = nullptr;  // the innermost weft::no_park_scope
  belongings own;

  void* closure_address() noexcept;
  std::size_t closure_bytes_outside() const noexcept;
};

/// Between two uses. (In use before its start, a block has an id: its closure holds something.)
[[gnu::always_inline]] inline void clear_used(goroutine& g) noexcept {
  g.context.stack_pointer = nullptr;
  g.memory = {};
  g.locked_to = nullptr;
  g.avoid = nullptr;
  g.lock_depth = 0;
  g.id = 0;
  g.state.write(goroutine_state::unused);
}

/// Whether a closure fits into the control block. Inside, ThreadSanitizer would take it for the one
/// that was there before.
constexpr bool fits_inside(std::size_t bytes, std::size_t alignment) noexcept {
  return !tells_users && bytes <= goroutine::inline_bytes && alignment <= 8;
}
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
