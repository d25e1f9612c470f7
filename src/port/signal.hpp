// Signals of the process, handed to a thread that may do what a handler may not.
//
// The handler sets a bit and writes to an eventfd; both are async-signal-safe. No signal is taken
// before somebody asks.
// Threads: any. Invariants: R1 a signal whose count is zero has the action that it had before.
// Orders: pending: the handler's fetch_or to the thread's exchange, and that to who gives back.
// Tested by: tests/unit/port/signal_test.cpp, tests/conformance/context/signal_test.cpp
#pragma once

#include <string_view>

namespace weft::detail {

inline constexpr int signal_numbers = 65;  // 1 ... 64

/// "QUIT", "SIGQUIT" or "3"; 0: there is no such signal, or it cannot be taken.
int signal_named(std::string_view text) noexcept;

/// Whether a handler that only takes note of it, and returns, makes sense.
bool can_take_signal(int number) noexcept;

/// What is told of every signal that came, and knows which it wants.
using signal_sink = void (*)(int number);

/// Starts the thread, if it does not run yet. It calls every sink that was ever given for each
/// signal that came (several in a row may count as one). At most four different ones.
/// Throws: std::system_error.
void start_signal_thread(signal_sink sink);

/// Whether a waiter may be woken when the signal comes.
enum class wakes : bool { nobody, somebody };

/// Counted. Throws: std::system_error.
void take_signal(int number, wakes whom = wakes::somebody);
/// The last one restores the action that was there before, unless somebody else has replaced ours;
/// the signals that came until then have been served when it returns. Not for a sink, and not for
/// a signal that wakes nobody.
void give_back_signal(int number) noexcept;

/// How often take_signal() was called for what may wake somebody, without give_back_signal().
int awaited_signal_count() noexcept;
/// Whether the thread runs.
bool signal_thread_runs() noexcept;

}  // namespace weft::detail
