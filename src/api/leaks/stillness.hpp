// Has anybody but the caller done anything meanwhile?
//
// Threads: any; one object by one of them.
// Orders: census: see sched/watch/census.hpp.
#pragma once

#include <cstdint>
#include <vector>

#include "port/trace/process_memory.hpp"
#include "sched/watch/census.hpp"

namespace weft::detail {

class stillness {
 public:
  struct block {
    goroutine* what;
    std::uint32_t word;
  };

  /// False: somebody runs, or could at any moment without being told by weft.
  /// Throws: std::bad_alloc.
  [[nodiscard]] bool begin(const std::vector<goroutine_view>& views);
  /// Whether it has been still ever since the census that begin() was given.
  /// Throws: std::bad_alloc.
  [[nodiscard]] bool holds();

  /// Every control block there is.
  const mapped_table<block>& blocks() const noexcept { return blocks_; }

 private:
  bool threads_rest(std::uint64_t& changes) const;

  mapped_table<block> blocks_;
  std::uint64_t changes_ = 0;
};

/// The calling thread serves weft itself: it is not one of the program's.
void note_service_thread() noexcept;

}  // namespace weft::detail
