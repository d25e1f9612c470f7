// Worker threads as the operating system sees them.
#pragma once

#include <cstddef>

namespace weft::detail {

/// Starts a detached thread that calls run(argument). Throws: std::system_error.
void start_thread(void (*run)(void*), void* argument);

/// The same for one that serves weft itself and changes nothing of the program's.
void start_service_thread(void (*run)(void*), void* argument);
/// How many were started so; none of them ever ends.
int service_thread_count() noexcept;

/// Names the calling thread for tools, and lets its sleeps end on time (timer slack of 1 ns: the
/// default of 50 us is more than most sleeps that goroutines ask for).
void prepare_worker_thread(const char* name) noexcept;

struct stack_bounds {
  void* low;
  std::size_t bytes;
};
stack_bounds thread_stack_bounds() noexcept;

inline constexpr std::size_t thread_name_room = 16;
/// The calling thread's, as tools see it.
void read_thread_name(char (&to)[thread_name_room]) noexcept;

bool is_main_thread() noexcept;
/// Whether malloc still gives a page: for calls of the C library that end the program without.
bool memory_is_left() noexcept;
/// The calling thread's number in the kernel.
int this_thread_number() noexcept;
/// Whether a thread of this process runs or would like to; false: it is blocked in the kernel.
/// About 10 us. True where the kernel does not say.
bool thread_is_runnable(int thread_number) noexcept;
/// Threads of this process that have not ended; -1: the kernel does not say. About 20 us.
int count_threads() noexcept;
void yield_thread() noexcept;

}  // namespace weft::detail
