// There and back by the context switch.
#include "port/switch/roomy_call.hpp"

#include <sys/mman.h>

#include <cstddef>

#include "port/switch/context.hpp"
#include "port/switch/sanitizer.hpp"

namespace weft::detail {
namespace {

constexpr std::size_t room_bytes = std::size_t{1} << 20;

struct roomy_call {
  void (*function)(void*);
  void* argument;
  void* caller_stack = nullptr;
  void* room_stack = nullptr;
  shadow caller;
  shadow room;
};

WEFT_NEVER_RETURNS_ON_ITS_STACK void enter_room(void* raw) {
  auto& call = *static_cast<roomy_call*>(raw);
#if defined(WEFT_ASAN)
  const void* bottom = nullptr;
  std::size_t bytes = 0;
  __sanitizer_finish_switch_fiber(nullptr, &bottom, &bytes);
  call.caller.set_bounds(bottom, bytes);
#endif
  call.function(call.argument);
  call.room.before_switch_to(call.caller, true);
  switch_context(&call.room_stack, call.caller_stack, nullptr);
  __builtin_unreachable();
}

WEFT_NEVER_RETURNS_ON_ITS_STACK void go_through(roomy_call& call, std::byte* low) noexcept {
  call.caller.use_thread_fiber();
  call.room.set_bounds(low, room_bytes);
  call.room.take_fiber();
  call.caller.before_switch_to(call.room, false);
  start_context(&call.caller_stack, low + room_bytes, enter_room, &call);
  call.caller.after_switch();
}

}  // namespace

void call_with_room(void (*function)(void*), void* argument) noexcept {
  void* low = ::mmap(nullptr, room_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (low == MAP_FAILED) return function(argument);
  roomy_call call{.function = function, .argument = argument, .caller = {}, .room = {}};
  go_through(call, static_cast<std::byte*>(low));
  call.room.give_fiber_back();
  ::munmap(low, room_bytes);
}

}  // namespace weft::detail
