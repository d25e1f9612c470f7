// Small programs on which ThreadSanitizer must give the right answer: no report where Go's memory
// model gives an order, a report where it gives none.
//
// The library is built for users (WEFT_TSAN_USER), the programs are instrumented. A program is
//
//   LITMUS(racy, after_sleep) { ... }
//
// and run.py runs it by its name and looks at what was reported. Only planted() variables are
// meant to be reported: a report about anything else fails either kind.
#pragma once

#include <atomic>
#include <thread>

#include <weft/weft.hpp>

namespace litmus {

struct program {
  program(const char* name, void (*run)());

  const char* name;
  void (*run)();
  const program* next;
};

// Never inlined: the report's first line names them.
[[gnu::noinline]] void planted_write(int& where, int value);
[[gnu::noinline]] int planted_read(const int& where);
[[gnu::noinline]] void planted_add(int& where);

/// Ends the program, with a status that is neither verdict, if something is not as it must be.
void require(bool holds, const char* what);

/// Tells one goroutine how far another has come, and orders nothing.
class progress {
 public:
  void reach(int step) { step_.store(step, std::memory_order_relaxed); }
  void add() { step_.fetch_add(1, std::memory_order_relaxed); }
  void await(int step) const {
    while (step_.load(std::memory_order_relaxed) < step) weft::yield();
  }

 private:
  std::atomic<int> step_{0};
};

}  // namespace litmus

#define LITMUS(verdict, name)                                                                     \
  static void verdict##_##name();                                                                 \
  static const litmus::program register_##verdict##_##name{#verdict "." #name, verdict##_##name}; \
  static void verdict##_##name()
