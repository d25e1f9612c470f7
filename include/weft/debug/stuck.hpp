#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weft {

/// Why a goroutine can never be woken.
enum class stuck_kind : std::uint8_t {
  lock,         ///< who locked what it waits for has ended, or waits for ever, perhaps for this one
  unreachable,  ///< nobody who could still run can reach what it waits on
};

struct stuck_goroutine {
  std::uint64_t id = 0;
  std::string name;
  stuck_kind kind{};
  std::string why;  ///< "waits for a mutex that was locked on the stack of goroutine 7, which ..."
  std::string report;  ///< as in a dump: state, stack, where it was started
};

struct stuck_goroutines {
  std::vector<stuck_goroutine> found;
  /// False: somebody ran, or could run, so only the locks were looked at. Ask again.
  bool memory_scanned = false;

  bool empty() const noexcept { return found.empty(); }
  /// All of them in words; "": there are none.
  std::string text() const;
};

struct stuck_options {
  /// Whoever locks a mutex or a shared_mutex unlocks it too. weft does not ask for that, so say
  /// `false` if your program hands locks from one goroutine to another: then no lock is followed.
  bool lockers_unlock = true;
  /// Whether to look through the memory of the process.
  bool scan_memory = true;
};

/// Finds goroutines that can never be woken, while the rest of the program may be well.
///
/// 1. **Locks.** Who waits for a lock without a bound waits for the one who locked it. A ring of
///    these (a lock taken twice is one of length one), a holder that has ended, and all who wait
///    for such a one, are found at any time, in a program that runs. What is known of a holder is
///    the stack on which it locked: "on the stack of goroutine 7" is goroutine 7 itself, or one
///    that had this stack before it and ended with the lock in its hands. Not known: who holds a
///    shared_mutex for reading, and locks held by plain threads.
/// 2. **Memory.** A channel or a wait group that no goroutine, thread, timer or variable can reach
///    but those who wait for it will never wake them. What points to it is searched in all memory
///    that the process can write; stacks and closures of goroutines count only if somebody who can
///    still run reaches them. It is only possible at an instant at which nobody but the caller
///    runs: `memory_scanned` says whether it was one. What is on the heap, even if it is forgotten,
///    counts as reachable: it finds much less than Go's collector could, and nothing wrong.
///
/// No report is wrong, provided that lockers unlock (see stuck_options), and that the program does
/// not hide its pointers: one that exists only XORed, in a file, or with bits in its upper half, is
/// not seen.
///
/// Blocks:  milliseconds, more with a big heap (about 1 s for 4 GiB); it parks nobody.
/// Throws:  std::bad_alloc.
/// Threads: any. With `WEFT_STUCK=1` in the environment it is done every second, and every finding
///          is printed on stderr once; the program goes on.
/// Example: tests/docs/leak_snippets.cpp
[[nodiscard]] stuck_goroutines find_stuck_goroutines(const stuck_options& options = {});

}  // namespace weft
