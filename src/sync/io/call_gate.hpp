// Calls come and go through it, until it is shut; the last one out after that is told so.
//
// What the calls use (a descriptor's number) belongs to nobody else until then.
// Threads: any.
// Invariants: R1 state_ = 2 * calls inside + (1: shut). Whoever makes it 1 is the last one out.
// Orders: call-gate: leave() releases what a call did to the last one out; pass_on() what it wrote
//         before to whoever enters.
// Tested by: tests/unit/sync/io/call_gate_test.cpp, tests/conformance/net, tests/conformance/io
#pragma once

#include <cstdint>
#include <system_error>

#include <weft/detail/atomic.hpp>
#include <weft/io/error.hpp>

namespace weft::detail {

class call_gate {
 public:
  /// Returns false, with io_errc::closed, if it is shut.
  [[nodiscard]] bool enter(std::error_code& ec) noexcept {
    // Order: call-gate. relaxed: a guess.
    std::uint32_t now = state_.load(relaxed);
    do {
      if ((now & shut_bit) != 0) {
        ec = io_errc::closed;
        return false;
      }
      // Order: call-gate. acquire: what somebody has passed on.
    } while (!state_.compare_exchange_weak(now, now + one_call, acquire, relaxed));
    return true;
  }

  /// Returns: whether the caller is the last one out. If not, it must not touch this any more.
  [[nodiscard]] bool leave() noexcept {
    // Order: call-gate. The last one sees what the others did.
    return state_.fetch_sub(one_call, acq_rel) == (one_call | shut_bit);
  }

  /// From inside. Returns: whether it was open.
  bool shut() noexcept {
    // Order: call-gate.
    return (state_.fetch_or(shut_bit, acq_rel) & shut_bit) == 0;
  }

  /// From inside: who enters later sees what was written before. Returns: whether others are inside
  /// already.
  bool pass_on() noexcept {
    // Order: call-gate. A write, so that who enters after it has acquired what was before it.
    return (state_.fetch_add(0, acq_rel) & ~shut_bit) != one_call;
  }

  bool is_open() const noexcept {
    // Order: none. A hint, unless its owner asks.
    return (state_.load(relaxed) & shut_bit) == 0;
  }

 private:
  static constexpr std::uint32_t shut_bit = 1;
  static constexpr std::uint32_t one_call = 2;
  atomic<std::uint32_t> state_{0};
};

}  // namespace weft::detail
