// Telling the goroutine that a signal or std::terminate() has hit.
#include "sched/watch/crash.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>

#include <weft/detail/atomic.hpp>

#include "fiber/panic.hpp"
#include "port/fault.hpp"
#include "port/stack_memory.hpp"
#include "port/sync/spin_lock.hpp"
#include "sched/worker.hpp"

namespace weft::detail {
namespace {

constinit published<std::terminate_handler> terminate_before{nullptr};
constinit hint<bool> reports_threads{false};

const goroutine* current_goroutine() noexcept {
  const worker* w = this_worker();
  return w ? w->current : nullptr;
}

/// The guard page was touched; or the stack pointer has passed it, and memory near it was touched.
bool has_overflowed(const goroutine& g, const fault& seen) noexcept {
  constexpr std::uintptr_t near = std::uintptr_t{64} << 10;
  const auto low = reinterpret_cast<std::uintptr_t>(g.memory.low());
  if (low == 0 || !seen.has_address) return false;
  if (seen.address >= low && seen.address < low + page_bytes()) return true;
  const std::uintptr_t distance = seen.address > seen.stack_pointer
                                      ? seen.address - seen.stack_pointer
                                      : seen.stack_pointer - seen.address;
  const std::uintptr_t below = low > stack_bytes_max ? low - stack_bytes_max : 0;
  return seen.stack_pointer < low && seen.stack_pointer > below && distance < near;
}

void on_memory_fault(const fault& seen) noexcept {
  const goroutine* g = current_goroutine();
  if (!g || !has_overflowed(*g, seen)) return;
  long_trace trace;
  capture_trace_of_signal(seen.ucontext, trace);
  report_stack_overflow(*g, trace, on_stack::here);
  std::abort();
}

void on_crash(const fault& seen) noexcept {
  long_trace trace;
  capture_trace_of_signal(seen.ucontext, trace);
  char headline[128];
  int used =
      std::snprintf(headline, sizeof headline, "fatal error: %s", words_for_signal(seen.signal));
  if (seen.has_address)
    std::snprintf(headline + used, sizeof headline - static_cast<std::size_t>(used),
                  " at address 0x%llx", static_cast<unsigned long long>(seen.address));
  print_last_words({headline, current_goroutine(), &trace}, on_stack::here);
}

/// An exception that nobody catches calls this where it was thrown, before anything is unwound: the
/// search for a handler ends at the end of the goroutine's stack.
void on_terminate() {
  const goroutine* g = current_goroutine();
  if ((g || reports_threads.read()) && begin_last_words()) {
    long_trace trace;
    capture_trace(trace, reinterpret_cast<const void*>(&std::terminate));
    report_termination(g, trace);
  }
  if (const std::terminate_handler before = terminate_before.read()) before();
  std::abort();
}

bool is_on(const char* name, bool otherwise) noexcept {
  const char* text = std::getenv(name);
  return text && *text != '\0' ? std::strcmp(text, "0") != 0 : otherwise;
}

void watch_termination() noexcept {
  static constinit spin_lock lock;
  const std::lock_guard guard(lock);
  if (std::get_terminate() == on_terminate) return;
  if (terminate_before.read()) return;  // somebody has put another one over it since: that counts
  terminate_before.publish(std::set_terminate(on_terminate));
}

}  // namespace

void watch_for_crashes() noexcept {
  watch_termination();
  if (is_on("WEFT_OVERFLOW_REPORT", true)) watch_memory_faults(on_memory_fault);
  if (is_on("WEFT_CRASH", false)) install_crash_report();
}

void install_crash_report() noexcept {
  watch_termination();
  reports_threads.write(true);
  watch_crashes(on_crash);
}

void die_of_stack_overflow(const goroutine& g) noexcept {
  if (begin_last_words()) {
    long_trace trace;
    capture_trace(trace, reinterpret_cast<const void*>(&die_of_stack_overflow));
    std::fflush(stdout);
    report_stack_overflow(g, trace, on_stack::roomy);
  }
  std::abort();
}

}  // namespace weft::detail
