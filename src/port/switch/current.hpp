// The one thread-local word: which worker this thread is. Read anew at every use.
//
// A compiler may keep a thread_local's address in a register across a call; after a goroutine has
// moved to another thread that address is the wrong thread's. So the word is read by volatile
// assembly on x86-64, and by a function no optimiser looks into elsewhere.
// Tested by: tests/stress/thread_state_test.cpp, and the whole suite under WEFT_FORCE_MIGRATE=1
#pragma once

namespace weft::detail {

#if defined(__x86_64__)

inline void* current_worker_word() noexcept {
  void* word;
  asm volatile(
      "movq weft_current_worker@gottpoff(%%rip), %0\n\t"
      "movq %%fs:(%0), %0"
      : "=r"(word));
  return word;
}

#else

void* current_worker_word() noexcept;

#endif

void set_current_worker_word(void* word) noexcept;

}  // namespace weft::detail
