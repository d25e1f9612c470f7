/// The crash report: which goroutine it was that a fatal signal or std::terminate() has hit.
#pragma once

namespace weft {

/// From now on SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT and std::terminate() first print what
/// happened, to which goroutine or thread, its stack, and where the goroutine was started; then
/// they do what they would have done: a handler that was there before is called, or the process
/// dies of the signal and leaves its core. `WEFT_CRASH=1` in the environment does the same for
/// every process that uses weft.
///
/// Without it, weft reports stack overflows of goroutines (not with `WEFT_OVERFLOW_REPORT=0`, and
/// not if somebody else handles SIGSEGV) and exceptions that leave a goroutine, and nothing else.
///
/// The report names lines and looks up symbols, which takes memory. If the crash has broken the
/// heap, that may hang; then the process dies of its signal after 10 s.
///
/// Misuse:  a handler, or a terminate handler, that is installed later replaces it.
/// Threads: any. Any number of times.
/// Example:
/// ```
/// int main() {
///   weft::install_crash_handler();
///   return weft::run(real_main);
/// }
/// ```
void install_crash_handler();

}  // namespace weft
