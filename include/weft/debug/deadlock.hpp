#pragma once

#include <string_view>

namespace weft {

/// What is called when all goroutines are asleep for ever; see set_deadlock_handler.
using deadlock_handler = void (*)(std::string_view report);

/// Replaces what happens at a deadlock, and returns what was there before; nullptr: the default,
/// which prints the report on stderr and ends the program with status 2, as Go does.
///
/// A deadlock is reported when nothing can ever happen again: every goroutine is parked, no timer
/// is set, no signal is awaited (notify_context), and every other thread of the process is itself
/// blocked in weft without a deadline. It is never reported wrongly: a thread that weft does not
/// know to be asleep might still act. It is noticed 10 ms after the last step at the earliest; 10 s
/// at the latest when the last step was the end of a thread that weft does not know.
///
/// `WEFT_DEADLOCK=0` in the environment turns the detector off.
///
/// Threads: any. The handler is called on a thread of weft's own; the report is valid until it
///          returns. It must not wait for a goroutine. If it wakes somebody, the program goes on;
///          if it only returns, the program sleeps on, and this is not reported again.
deadlock_handler set_deadlock_handler(deadlock_handler handler) noexcept;

/// Turns the detector on or off. Returns: what it was.
bool set_deadlock_detection(bool on) noexcept;

}  // namespace weft
