// Signals of the process, handed to a thread that may do what a handler may not.
//
// The handler sets a bit and writes to an eventfd; both are async-signal-safe. No signal is taken
// before somebody asks.
// Threads: any. Invariants: R1 a signal whose count is zero has the action that it had before.
// Orders: pending: the handler's fetch_or to the thread's exchange, and that to who gives back.
// Tested by: tests/unit/port/signal_test.cpp, tests/conformance/context/signal_test.cpp
#pragma once

namespace weft::detail {

inline constexpr int signal_numbers = 65;  // 1 ... 64

/// Whether a handler that only takes note of it, and returns, makes sense.
bool can_take_signal(int number) noexcept;

/// Starts the thread, if it does not run yet. It calls `sink(number)` for each signal that came
/// (several in a row may count as one). There is one sink in a process.
/// Throws: std::system_error.
void start_signal_thread(void (*sink)(int number));

/// Counted. Throws: std::system_error.
void take_signal(int number);
/// The last one restores the action that was there before, unless somebody else has replaced ours;
/// the signals that came until then have been served when it returns. Not for the sink.
void give_back_signal(int number) noexcept;

}  // namespace weft::detail
