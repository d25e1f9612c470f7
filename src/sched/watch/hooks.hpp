// What the scheduler tells the layer above: the one who knows the words for channels and locks.
//
// Implemented in src/api/inspect and src/api/leaks.
#pragma once

namespace weft::detail {

/// Once, when the first worker has been started.
void on_start() noexcept;

/// Called by the monitor, with no lock held, once for each standstill: prints the report and ends
/// the program, or calls what the user gave instead.
void on_deadlock() noexcept;

/// Called by exit(), while goroutines still run. It may end the program itself.
void before_exit() noexcept;

}  // namespace weft::detail
