// A worker: an operating-system thread that runs goroutines while it holds a processor.
//
// Threads: the worker's own thread, but `sleep` (anyone), and `role`, `next`, and `owned` and
//          `work` of a worker without a processor (the idle lock).
#pragma once

#include <cstdint>

#include <weft/detail/deadline.hpp>

#include "base/rng.hpp"
#include "fiber/goroutine.hpp"
#include "port/switch/current.hpp"
#include "port/switch/exception_state.hpp"
#include "port/sync/parker.hpp"
#include "sched/idle/habit.hpp"
#include "sched/processor.hpp"

namespace weft::detail {

/// What happens after a goroutine has left its stack, on whichever stack comes next.
struct after_switch {
  void (*run)(void*) = nullptr;
  void* argument = nullptr;
};

enum class worker_role : std::uint8_t {
  running,  // holds a processor and looks for work or runs it
  lookout,  // holds a processor, has no work, watches the others and the timers
  idle,     // holds a processor, has no work, sleeps; one of them may be the deputy
  spare,    // holds no processor, sleeps until it is handed one
  frozen,   // holds a processor, sleeps because the process ends
};

/// What a worker has stolen since it last had nothing to do.
struct loot_account {
  deadline_ns since = 0;    // 0: nothing
  deadline_ns cost_ns = 0;  // waiting for barriers, in order to use it
};

class worker {
 public:
  explicit worker(std::uint64_t seed) noexcept : random(seed) {}

  processor* owned = nullptr;
  goroutine* current = nullptr;
  after_switch after;
  execution own;  // the thread's own stack, where the worker's loop runs
  int* errno_address = nullptr;
  exception_state* exceptions = nullptr;

  int thread = 0;             // its number in the kernel
  goroutine* work = nullptr;  // to be run next by the worker's loop
  int tied = 0;               // goroutines tied to this thread: one, while threads are to be had
  bool ends = false;          // that goroutine ended while tied
  bool keeps_time = false;    // fires timers: what it starts is not its goroutine's

  stack leaving;  // the stack of a goroutine that has ended, until it is left
  stack_class leaving_size = default_stack_class;
  [[no_unique_address]] shadow left;

  rng random;
  parker sleep;
  lateness wakes_late;
  bool sleeps_late = false;  // on purpose: see rush_habit
  loot_account loot;
  published<goroutine*> gift{nullptr};  // by who has taken its name from the runtime's seeker_
  worker_role role = worker_role::spare;
  worker* next = nullptr;
};

/// Null on a thread that is not a worker. Never keep the answer across anything that may park.
inline worker* this_worker() noexcept { return static_cast<worker*>(current_worker_word()); }

}  // namespace weft::detail
