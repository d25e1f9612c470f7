#pragma once

#include <iosfwd>
#include <string>

namespace weft {

/// Prints every goroutine in Go's layout: number, name, state, how long it has waited, on what, its
/// stack, and where it was started; then the plain threads that are parked in weft.
///
/// "stack: 12 of 256 KiB touched" is the high-water mark of the stack's memory, for choosing sizes
/// (`weft::named("parser").stack(n)`). That memory may have served an earlier goroutine, so the
/// mark is an upper bound of what this one has used.
///
/// The program goes on meanwhile: what each goroutine's lines say was true together, but two
/// goroutines may have been looked at some microseconds apart. Of a goroutine that is running on
/// another thread the stack is not to be had; the caller's own is. A waiting time is known to about
/// 5 ms. Stacks have names and lines if the program has debug information (`-g`) and weft was built
/// with libbacktrace; functions without, if it was linked with `-rdynamic`.
///
/// With `WEFT_DUMP_SIGNAL=QUIT` in the environment (or `USR1`, or a number), a process that uses
/// weft prints this to stderr whenever the signal arrives, and goes on.
///
/// Blocks:  for as long as it takes to print; it parks nobody.
/// Throws:  std::bad_alloc, and what the stream throws.
/// Threads: any. Not for a signal handler.
/// Example:
/// ```
/// if (requests_stalled()) weft::dump(std::cerr);
/// ```
void dump(std::ostream& to);

/// The same as a string. Throws: std::bad_alloc.
[[nodiscard]] std::string dump();

}  // namespace weft
