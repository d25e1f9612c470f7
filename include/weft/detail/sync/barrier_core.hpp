// A barrier's compiled half.
#pragma once

#include <cstddef>
#include <cstdint>

#include <weft/detail/atomic.hpp>
#include <weft/detail/sync/waiting_line.hpp>
#include <weft/detail/wait_bound.hpp>

namespace weft::detail {

/// What the last one to arrive runs before anybody goes on.
struct barrier_completion {
  void (*run)(void*) noexcept = nullptr;
  void* argument = nullptr;
};

class barrier_core {
 public:
  explicit barrier_core(std::ptrdiff_t expected);
  barrier_core(const barrier_core&) = delete;
  barrier_core& operator=(const barrier_core&) = delete;
  ~barrier_core();

  /// Returns: the phase that it arrived in.
  std::uint64_t arrive(std::ptrdiff_t n, bool drops, barrier_completion completion);
  bool passed(std::uint64_t phase) const noexcept { return phase_.read() != phase; }
  bool wait(std::uint64_t phase, const wait_bound& bound) noexcept;

 private:
  published_to_users<std::uint64_t> phase_{0};
  std::ptrdiff_t expected_;
  std::ptrdiff_t missing_;  // in this phase; 0: its completion runs
  waiting_line line_;
};

[[noreturn]] void throw_foreign_token();

}  // namespace weft::detail
