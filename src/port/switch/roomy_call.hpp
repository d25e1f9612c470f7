// A call on a large stack, for what a goroutine's own may have no room for.
// Tested by: tests/unit/port/roomy_call_test.cpp
#pragma once

namespace weft::detail {

/// Calls function(argument), which must not throw and not park, on a stack of 1 MiB; on the
/// caller's if there is no memory.
void call_with_room(void (*function)(void*), void* argument) noexcept;

}  // namespace weft::detail
