// The steady clock in nanoseconds. About 23 ns a call: it does not belong on a hot path.
#pragma once

#include <chrono>
#include <cstdint>

#include <weft/detail/atomic.hpp>
#include <weft/detail/deadline.hpp>

namespace weft::detail {

inline deadline_ns now_ns() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(clock::now().time_since_epoch())
      .count();
}

/// A clock that costs one load: as old as the last call of refresh_coarse_clock(), which the
/// monitor makes every few milliseconds while anything runs.
inline hint<std::uint32_t> coarse_clock;

/// One tick is 2^22 ns, about 4.2 ms; the numbers wrap after 208 days.
inline constexpr int coarse_tick_bits = 22;

inline std::uint32_t coarse_ticks(deadline_ns at) noexcept {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(at) >> coarse_tick_bits);
}
inline void refresh_coarse_clock() noexcept { coarse_clock.write(coarse_ticks(now_ns())); }

/// How long ago a reading of the coarse clock was taken.
inline deadline_ns since_coarse_ns(std::uint32_t then, deadline_ns now) noexcept {
  // A clock that is refreshed by several may be a tick ahead of one of them.
  const auto ticks = static_cast<std::int32_t>(coarse_ticks(now) - then);
  return ticks <= 0 ? 0 : static_cast<deadline_ns>(ticks) << coarse_tick_bits;
}

}  // namespace weft::detail
