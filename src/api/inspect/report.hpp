// Words about goroutines and parked threads: what dumps and reports are made of.
//
// Threads: any. Allocates; not for signal handlers.
// Tested by: tests/unit/api/dump_test.cpp
#pragma once

#include <string>
#include <vector>

#include <weft/detail/deadline.hpp>

#include "api/leaks/lock_owners.hpp"
#include "sched/watch/census.hpp"
#include "sched/watch/parked_threads.hpp"

namespace weft::detail {

/// "3 minutes", "12.5 s", "40 ms"; "" below a coarse tick.
std::string words_for_time(deadline_ns ns);

/// Whether objects that are waited on may be looked into: only while nobody can wake the waiter.
enum class objects : bool { by_address, in_words };

/// Everybody there is, to say of a lock who holds it.
struct everybody {
  const std::vector<goroutine_view>& goroutines;
  const std::vector<parked_thread_view>& threads;
  lock_owners owners{goroutines};
};

/// One goroutine: its head line, its stack, where it was started. In Go's layout.
std::string report_of(const goroutine_view& view, objects how, const everybody* all = nullptr);
/// The same of a parked plain thread.
std::string report_of(const parked_thread_view& view, objects how, const everybody* all = nullptr);

/// All of them, one after the other, the caller first. Throws: std::bad_alloc.
std::string report_of_all(const std::vector<goroutine_view>& goroutines,
                          const std::vector<parked_thread_view>& threads, objects how);

}  // namespace weft::detail
