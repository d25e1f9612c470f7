// Runnable goroutines that belong to no processor: started by plain threads, or left by a processor
// that retired.
// Threads: any. Locks: its own spin lock, a leaf.
// Tested by: tests/unit/sched/injection_test.cpp
#pragma once

#include <cstddef>

#include <weft/detail/atomic.hpp>

#include "fiber/waiter.hpp"
#include "port/sync/spin_lock.hpp"

namespace weft::detail {

class injection_queue {
 public:
  void push(waiter* runnable) noexcept;
  void push(wake_list&& many) noexcept;
  /// Takes a fair share of what is there for one of `processors` processors.
  wake_list take_share(int processors) noexcept;
  /// A hint. After a full fence on both sides it is exact.
  bool empty() const noexcept { return count_.read() == 0; }

 private:
  static constexpr std::size_t share_max = 128;

  spin_lock lock_;
  wake_list queue_;
  hint<std::size_t> count_;
};

}  // namespace weft::detail
