// libbacktrace where CMake has found it, and dladdr.
#include "port/trace/symbols.hpp"

#include <dlfcn.h>

#include <mutex>

#include "port/switch/sanitizer.hpp"

#if defined(WEFT_BACKTRACE_HEADER)
#include WEFT_BACKTRACE_HEADER
#endif

namespace weft::detail {
namespace {

/// libbacktrace may be called by many threads, but ThreadSanitizer does not see what orders
/// them.
std::unique_lock<std::mutex> shown_to_sanitizers() noexcept {
  static std::mutex lock;
  return sanitizer_thread_count > 0 ? std::unique_lock(lock) : std::unique_lock<std::mutex>();
}

/// The symbol that stands nearest below the address in some symbol table.
struct nearest {
  const char* function = nullptr;
  std::uintptr_t start = 0;
  const char* object = nullptr;
  std::uintptr_t object_start = 0;
};

void ask_the_linker(std::uintptr_t pc, nearest& to) noexcept {
  Dl_info info{};
  // Safety: the look-up compares the address; it reads nothing there.
  if (::dladdr(reinterpret_cast<void*>(pc), &info) == 0) return;
  to.object = info.dli_fname;
  to.object_start = reinterpret_cast<std::uintptr_t>(info.dli_fbase);
  if (to.function || !info.dli_sname) return;
  to.function = info.dli_sname;
  to.start = reinterpret_cast<std::uintptr_t>(info.dli_saddr);
}

symbol symbol_for(std::uintptr_t pc, const nearest& near) noexcept {
  symbol s;
  s.function = near.function;
  s.object = near.object;
  s.offset = pc - (near.function ? near.start : near.object_start);
  return s;
}

#if defined(WEFT_BACKTRACE_HEADER)

void ignore_error(void*, const char*, int) {}

backtrace_state* symbol_state() noexcept {
  static backtrace_state* const made = backtrace_create_state(nullptr, 1, ignore_error, nullptr);
  return made;
}

void note_symbol(void* raw, std::uintptr_t, const char* name, std::uintptr_t start,
                 std::uintptr_t) {
  auto& to = *static_cast<nearest*>(raw);
  to.function = name;
  to.start = start;
}

/// The frames at one address come innermost first. Whether one is the last, the function that all
/// were inlined into, is known when no other follows: so each is passed on with the next one.
struct passing_on {
  const nearest& near;
  symbol held;
  void (*found)(void*, const symbol&);
  void* argument;
};

int note_frame(void* raw, std::uintptr_t pc, const char* file, int line, const char* function) {
  auto& to = *static_cast<passing_on*>(raw);
  if (!file && !function) return 0;
  if (to.held.file || to.held.function) to.found(to.argument, to.held);
  to.held = symbol_for(pc, to.near);
  to.held.function = function;
  to.held.file = file;
  to.held.line = line;
  return 0;
}

#endif

}  // namespace

#if defined(WEFT_BACKTRACE_HEADER)

bool symbols_have_lines() noexcept { return symbol_state() != nullptr; }

void find_symbols(std::uintptr_t pc, void (*found)(void* argument, const symbol&),
                  void* argument) noexcept {
  const std::unique_lock<std::mutex> shown = shown_to_sanitizers();
  nearest near;
  if (symbol_state()) backtrace_syminfo(symbol_state(), pc, note_symbol, ignore_error, &near);
  ask_the_linker(pc, near);
  passing_on frames{near, {}, found, argument};
  if (symbol_state()) backtrace_pcinfo(symbol_state(), pc, note_frame, ignore_error, &frames);
  symbol outermost = symbol_for(pc, near);
  outermost.file = frames.held.file;
  outermost.line = frames.held.line;
  // A function that only its own file can name has no more than its last name there; the symbol
  // table has it all.
  if (!outermost.function) outermost.function = frames.held.function;
  found(argument, outermost);
}

#else

bool symbols_have_lines() noexcept { return false; }

void find_symbols(std::uintptr_t pc, void (*found)(void* argument, const symbol&),
                  void* argument) noexcept {
  nearest near;
  ask_the_linker(pc, near);
  found(argument, symbol_for(pc, near));
}

#endif

}  // namespace weft::detail
